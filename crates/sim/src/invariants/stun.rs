//! What is STUN is no request, and only a Binding response is read, as a response to its own
//! transaction.

use turn_balance::internals::wire::stun;

pub(crate) fn run(datagram: &[u8]) {
    if let Some(transaction) = stun::binding_response(datagram) {
        assert!(stun::is_stun(datagram));
        assert_eq!(datagram[8..20], transaction.to_be_bytes()[4..]);
        let request = stun::binding_request(transaction);
        assert_eq!(request[4..20], datagram[4..20]);
        assert_eq!(stun::binding_response(&request), None);
    }
}
