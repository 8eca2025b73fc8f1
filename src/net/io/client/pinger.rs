use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;

use crate::error::{Error, SocketOperation};
use crate::net::engine::client::echo::{Echo, Echoes, Schedule};
use crate::net::io::random;
use crate::net::io::socket::udp::{ANSWER_ROOM, any, open, send};
use crate::types::Family;

/// Measures one balance server again and again, with probe requests as the echo.
#[derive(Debug)]
pub struct Pinger {
    server: SocketAddr,
    socket: UdpSocket,
    echoes: Echoes,
    buffer: Vec<u8>,
}

impl Pinger {
    /// Opens a socket to ping `server`: a request every `interval`, each awaited for `timeout`,
    /// `count` in all (`None`: without end). Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Socket`], [`Error::Random`].
    pub async fn new(
        server: SocketAddr,
        interval: Duration,
        timeout: Duration,
        count: Option<u64>,
    ) -> Result<Self, Error> {
        let socket =
            open(any(Family::of(server))).map_err(Error::socket(SocketOperation::Open, server))?;
        let schedule = Schedule { interval, timeout, count };
        let echoes = Echoes::new(server, schedule, Instant::now(), random::rng()?);
        Ok(Self { server, socket, echoes, buffer: vec![0; ANSWER_ROOM] })
    }

    /// Bytes of a request's UDP payload.
    pub fn request_len(&self) -> usize {
        Echoes::REQUEST_LEN
    }

    /// Requests sent so far.
    pub fn sent(&self) -> u64 {
        self.echoes.sent()
    }

    /// The next answer or loss; `None`: that was the last one. A request that the system refuses to
    /// send is lost like any other, but for the first: that is an error. Safe to drop and call
    /// again.
    ///
    /// # Errors
    /// [`Error::Socket`].
    pub async fn next(&mut self) -> Result<Option<Echo>, Error> {
        loop {
            if let Some(echo) = self.echoes.poll_event() {
                return Ok(Some(echo));
            }
            if let Some(transmit) = self.echoes.poll_transmit(Instant::now()) {
                let sent = send(&self.socket, &transmit.payload, transmit.to);
                if self.echoes.sent() == 1 {
                    sent.map_err(Error::socket(SocketOperation::Send, self.server))?;
                }
                continue;
            }
            let Some(deadline) = self.echoes.poll_timeout() else {
                return Ok(None);
            };
            tokio::select! {
                received = self.socket.recv_from(&mut self.buffer) => {
                    // An error is an ICMP message about an earlier request: that one is lost.
                    if let Ok((len, from)) = received {
                        self.echoes.handle_datagram(Instant::now(), from, &self.buffer[..len]);
                    }
                }
                () = tokio::time::sleep_until(deadline.into()) => {
                    self.echoes.handle_timeout(Instant::now());
                }
            }
        }
    }
}
