//! An answer that is read is written and read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use turn_balance::net::wire::Response;

fuzz_target!(|datagram: &[u8]| {
    if let Ok(response) = Response::decode(datagram) {
        assert_eq!(Response::decode(&response.encode()), Ok(response));
    }
});
