//! A body that ends, or breaks off, after so many lines.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Frame;
use tokio::time::Sleep;

use super::{Body, Source};

/// A stream that is reset takes with it what has not left yet, so the lines are given this time to leave.
const LEAVING: Duration = Duration::from_millis(20);

/// Passes lines on until none is left.
pub(super) struct Cutting {
    inner: Body,
    left: usize,
    /// Fails at the end instead of ending.
    breaks: bool,
    last: Option<Pin<Box<Sleep>>>,
}

impl Cutting {
    pub(super) fn new(inner: Body, lines: usize, breaks: bool) -> Self {
        Self {
            inner,
            left: lines,
            breaks,
            last: None,
        }
    }

    /// What of some data comes before the end.
    fn part(&mut self, data: &Bytes) -> Bytes {
        for (index, _) in data.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            self.left -= 1;
            if self.left == 0 {
                return data.slice(..=index);
            }
        }
        data.clone()
    }
}

impl hyper::body::Body for Cutting {
    type Data = Bytes;
    type Error = Source;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Source>>> {
        if self.left == 0 {
            if !self.breaks {
                return Poll::Ready(None);
            }
            let last = self
                .last
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(LEAVING)));
            ready!(last.as_mut().poll(context));
            self.breaks = false;
            return Poll::Ready(Some(Err("broken off".into())));
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => Some(Ok(Frame::data(self.part(&data)))),
            Some(Ok(Err(other))) => Some(Ok(other)),
            Some(Err(error)) => Some(Err(error)),
            None => None,
        })
    }
}
