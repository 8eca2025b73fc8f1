//! A TURN server that does as it is told, at a real address.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use turn_balance::internals::wire::stun::{Framed, framed};
use turn_balance_sim::turn::{Behaviour, ScriptedTurn};

/// One that is asked by UDP and TCP, until the test ends.
pub fn scripted(addr: SocketAddr, behaviour: Behaviour) -> Arc<Mutex<ScriptedTurn>> {
    let server = Arc::new(Mutex::new(ScriptedTurn::new(addr, behaviour)));
    let (socket, listener) = (UdpSocket::bind(addr).unwrap(), TcpListener::bind(addr).unwrap());
    let udp = server.clone();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        // An ICMP error about an answer is nothing to it.
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let replies = udp.lock().unwrap().handle(from, &buffer[..len]);
            replies.iter().for_each(|reply| drop(socket.send_to(reply, from)));
        }
    });
    let tcp = server.clone();
    thread::spawn(move || {
        while let Ok((mut connection, from)) = listener.accept() {
            let tcp = tcp.clone();
            thread::spawn(move || {
                let (mut came, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(len @ 1..) = connection.read(&mut buffer) {
                    came.extend(&buffer[..len]);
                    while let Framed::Message(len) = framed(&came) {
                        let message: Vec<_> = came.drain(..len).collect();
                        for reply in tcp.lock().unwrap().handle(from, &message) {
                            let _ = connection.write_all(&reply);
                        }
                    }
                }
            });
        }
    });
    server
}
