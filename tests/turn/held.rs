//! An allocation that somebody else has.

use std::net::{SocketAddr, UdpSocket};
use std::time::Instant;

use rand::SeedableRng as _;
use turn_balance::internals::engine::Rng;
use turn_balance::internals::engine::turn::{CheckPlan, TurnCheck, TurnEvent, TurnStep};
use turn_balance::{TurnCredentials, TurnHealth};
use turn_balance_lab::patience::PATIENCE;

/// It is there until it is let go.
pub(crate) struct Held {
    socket: UdpSocket,
    check: TurnCheck,
    turn: SocketAddr,
}

impl Held {
    pub(crate) fn new(turn: SocketAddr, credentials: TurnCredentials) -> Self {
        let socket = UdpSocket::bind((turn.ip(), 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let (level, credentials) = (TurnHealth::Relay, Some(credentials));
        let plan = CheckPlan { level, credentials, patience: PATIENCE, reliable: false };
        let check = TurnCheck::new(turn, plan, Instant::now(), Rng::seed_from_u64(7));
        let mut held = Self { socket, check, turn };
        loop {
            held.ask();
            match held.check.poll_event() {
                Some(TurnEvent::Step(TurnStep::Allocate { .. })) => return held,
                Some(TurnEvent::Ended(ended)) => panic!("{ended:?}"),
                _ => {}
            }
        }
    }

    /// Lets it go, and waits until the server says so.
    pub(crate) fn release(mut self) {
        self.check.abandon(Instant::now());
        while self.check.poll_timeout().is_some() {
            self.ask();
        }
    }

    /// Sends what is to be sent, and takes an answer.
    fn ask(&mut self) {
        while let Some(transmit) = self.check.poll_transmit(Instant::now()) {
            self.socket.send_to(&transmit.payload, self.turn).unwrap();
        }
        let mut buffer = [0; 4096];
        let (len, from) = self.socket.recv_from(&mut buffer).unwrap();
        self.check.handle_datagram(Instant::now(), from, &buffer[..len]);
    }
}
