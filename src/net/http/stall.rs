//! A connection that ends by itself once nothing moves on it any more.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Bytes that come and go, and an error where for so long none have.
#[derive(Debug)]
pub(super) struct Moving<T> {
    inner: T,
    patience: Duration,
    stalled: Pin<Box<Sleep>>,
}

impl<T> Moving<T> {
    /// From now on.
    pub(super) fn new(inner: T, patience: Duration) -> Self {
        Self { inner, patience, stalled: Box::pin(sleep(patience)) }
    }

    /// What came of an attempt to move some.
    fn judge<R>(
        &mut self,
        context: &mut Context<'_>,
        tried: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if tried.is_ready() {
            let until = Instant::now() + self.patience;
            self.stalled.as_mut().reset(until);
            return tried;
        }
        self.stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Moving<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let tried = Pin::new(&mut this.inner).poll_read(context, buffer);
        this.judge(context, tried)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Moving<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let tried = Pin::new(&mut this.inner).poll_write(context, bytes);
        this.judge(context, tried)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_flush(context) {
            // Nothing was left to move: that is no sign of life.
            Poll::Ready(flushed) => Poll::Ready(flushed),
            Poll::Pending => this.judge(context, Poll::Pending),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let tried = Pin::new(&mut this.inner).poll_shutdown(context);
        this.judge(context, tried)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn it_ends_when_nothing_moves() {
        let (near, mut far) = duplex(4);
        let mut moving = Moving::new(near, Duration::from_secs(600));
        far.write_all(b"!").await.unwrap();
        moving.read_exact(&mut [0]).await.unwrap();

        let patience = Duration::from_millis(20);
        let (near, _far) = duplex(4);
        let error = Moving::new(near, patience).read_exact(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let (near, _far) = duplex(4);
        let error = Moving::new(near, patience).write_all(b"too long").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
