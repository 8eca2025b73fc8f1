use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;

use crate::error::Error;
use crate::net::engine::client::echo::{Echo, EchoPlan, Echoes};
use crate::net::io::{open, random, send};

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
    /// `count` in all (none: without end). Must be called on a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Socket`], [`Error::Random`].
    pub async fn new(
        server: SocketAddr,
        interval: Duration,
        timeout: Duration,
        count: Option<u64>,
    ) -> Result<Self, Error> {
        let any = match server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let failed = |operation| {
            move |error| Error::Socket { operation, addr: server, source: Arc::new(error) }
        };
        let socket = open(any).map_err(failed("open a socket for"))?;
        let plan = EchoPlan { interval, timeout, count };
        let echoes = Echoes::new(server, plan, Instant::now(), random::rng()?);
        Ok(Self { server, socket, echoes, buffer: vec![0; 65_535] })
    }

    /// Bytes of a request's UDP payload.
    pub fn request_len(&self) -> usize {
        Echoes::REQUEST_LEN
    }

    /// Requests sent so far.
    pub fn sent(&self) -> u64 {
        self.echoes.sent()
    }

    /// The next answer or loss; none after the last one. A request that the system refuses to
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
                if let Err(error) = sent
                    && self.echoes.sent() == 1
                {
                    let source = Arc::new(error);
                    return Err(Error::Socket { operation: "send to", addr: self.server, source });
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
