//! What is STUN is no request, and only a Binding response is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use turn_balance::net::wire::stun;

fuzz_target!(|datagram: &[u8]| {
    if let Some(transaction) = stun::binding_response(datagram) {
        assert!(stun::is_stun(datagram));
        assert_eq!(datagram[8..20], transaction.to_be_bytes()[4..]);
    }
});
