//! An answer that is read is written and read as the same, and never taken for a request.

use turn_balance::internals::wire::{DecodeError, Request, Response, ResponseBody};

pub(crate) fn run(datagram: &[u8]) {
    let whole = Response::decode(datagram);
    assert_eq!(Response::decode_some(datagram, 1).as_ref(), cut(whole.clone()).as_ref());
    let Ok(response) = whole else { return };
    let bytes = response.encode();
    assert_eq!(Response::decode(&bytes).as_ref(), Ok(&response));
    match (&response.body, Request::decode(&bytes)) {
        // An old server's empty reply is a bare probe to the letter.
        (ResponseBody::Probe(_), Ok(request)) => assert_eq!(request.encode(0), bytes),
        (ResponseBody::Probe(_), Err(error)) => assert_eq!(error, DecodeError::Reply),
        (ResponseBody::Pong(_) | ResponseBody::Notice(_), read) => {
            assert_eq!(read, Err(DecodeError::Empty))
        }
    }
}

/// With one host and one node at most.
fn cut(response: Result<Response, DecodeError>) -> Result<Response, DecodeError> {
    response.map(|mut response| {
        if let ResponseBody::Probe(reply) = &mut response.body {
            reply.hosts.truncate(1);
            reply.nodes.truncate(1);
        }
        response
    })
}
