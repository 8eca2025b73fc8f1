//! A request that is read is written and read as the same.

use turn_balance::net::wire::{MAX_REQUEST, Request};

pub(crate) fn run(datagram: &[u8]) {
    if let Ok(request) = Request::decode(datagram) {
        let bytes = request.encode(0);
        assert_eq!(Request::decode(&bytes).as_ref(), Ok(&request));
        let padded = request.encode(MAX_REQUEST);
        assert!(padded.len() >= bytes.len());
        assert_eq!(Request::decode(&padded), Ok(request));
    }
}
