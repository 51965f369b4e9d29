//! A stream that is read by one and overheard by others.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::broadcast;

/// Hands on what is read to whoever is attached.
pub(crate) struct Tee<R> {
    inner: R,
    channel: u8,
    listeners: broadcast::Sender<(u8, Vec<u8>)>,
}

impl<R> Tee<R> {
    pub(crate) fn new(inner: R, channel: u8, listeners: broadcast::Sender<(u8, Vec<u8>)>) -> Self {
        Self {
            inner,
            channel,
            listeners,
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Tee<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let said = &buffer.filled()[before..];
        if !said.is_empty() && self.listeners.receiver_count() > 0 {
            // Nobody listens any more: nobody misses it.
            let _ = self.listeners.send((self.channel, said.to_vec()));
        }
        Poll::Ready(Ok(()))
    }
}
