//! A request that is read is written and read as the same, whichever way it is read.

use turn_balance::internals::wire::{DecodeError, MAX_REQUEST, Probe, Request, RequestBody, stun};

pub(crate) fn run(datagram: &[u8]) {
    if let Ok(request) = read(datagram) {
        let bytes = request.encode(0);
        assert_eq!(read(&bytes).as_ref(), Ok(&request));
        let padded = request.encode(MAX_REQUEST);
        assert!(padded.len() >= bytes.len());
        assert_eq!(read(&padded), Ok(request));
    }
}

fn read(datagram: &[u8]) -> Result<Request<'_>, DecodeError> {
    let request = Request::decode(datagram);
    if let Some((id, probe)) = Probe::decode_usual(datagram) {
        let usual = Request { id: id.get(), body: RequestBody::Probe(probe) };
        assert_eq!(request.as_ref(), Ok(&usual));
        assert!(!stun::is_stun(datagram));
    }
    request
}
