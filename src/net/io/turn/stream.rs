//! A server by TCP, or by TLS over it.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::fault::{CheckFault, fault};
use super::tls::TlsRoots;
use crate::net::io::source::Source;
use crate::net::wire::stun::{Framed, MAX_TURN_MESSAGE, framed};
use crate::types::TurnFault;

/// A connection, and what has come by it and is no whole message yet.
pub(super) struct Stream {
    connection: Box<dyn Connection>,
    came: Vec<u8>,
}

trait Connection: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Connection for T {}

impl Stream {
    pub(super) async fn tcp(addr: SocketAddr, source: &Source) -> Result<Self, CheckFault> {
        let connection = source.tcp(addr).await.map_err(|error| fault(&error))?;
        Ok(Self { connection: Box::new(connection), came: Vec::new() })
    }

    pub(super) async fn tls(
        addr: SocketAddr,
        source: &Source,
        host: &str,
        roots: &TlsRoots,
    ) -> Result<Self, CheckFault> {
        let connection = source.tcp(addr).await.map_err(|error| fault(&error))?;
        let connection = roots.connect(host, connection).await?;
        Ok(Self { connection: Box::new(connection), came: Vec::new() })
    }

    pub(super) async fn send(&mut self, payload: &[u8]) -> Result<(), TurnFault> {
        let sent = async {
            self.connection.write_all(payload).await?;
            self.connection.flush().await
        };
        sent.await.map_err(|error| self.ended(&error))
    }

    /// The next message. Nothing that came is lost where it is dropped.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, TurnFault> {
        loop {
            match framed(&self.came) {
                Framed::Message(len) => return Ok(self.came.drain(..len).collect()),
                Framed::ChannelData(len) => drop(self.came.drain(..len)),
                Framed::Strange => return Err(TurnFault::NotStun),
                Framed::Part => {
                    let mut room = [0; MAX_TURN_MESSAGE];
                    match self.connection.read(&mut room).await {
                        Ok(0) => return Err(self.hung_up()),
                        Ok(len) => self.came.extend(&room[..len]),
                        Err(error) => return Err(self.ended(&error)),
                    }
                }
            }
        }
    }

    /// What the end of a connection that was there says.
    fn ended(&self, error: &io::Error) -> TurnFault {
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => self.hung_up(),
            io::ErrorKind::InvalidData => TurnFault::Tls,
            _ => fault(error),
        }
    }

    /// Who breaks off within a message speaks something else; who says nothing may speak STUN to others.
    fn hung_up(&self) -> TurnFault {
        if self.came.is_empty() { TurnFault::HungUp } else { TurnFault::NotStun }
    }
}
