//! An answer that is read is written and read as the same, and never taken for a request.

use turn_balance::internals::wire::{DecodeError, Request, Response, ResponseBody};

pub(crate) fn run(datagram: &[u8]) {
    let Ok(response) = Response::decode(datagram) else { return };
    let bytes = response.encode();
    assert_eq!(Response::decode(&bytes).as_ref(), Ok(&response));
    match (&response.body, Request::decode(&bytes)) {
        // An old server's empty reply is a bare probe to the letter.
        (ResponseBody::Probe(_), Ok(request)) => assert_eq!(request.encode(0), bytes),
        (ResponseBody::Probe(_), Err(error)) => assert_eq!(error, DecodeError::Reply),
        (ResponseBody::Pong(_), read) => assert_eq!(read, Err(DecodeError::Empty)),
    }
}
