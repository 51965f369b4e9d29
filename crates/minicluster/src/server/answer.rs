//! A reply becomes an HTTP response: whole, or line by line for a watch, in JSON or protobuf.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::Frame;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WARNING};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc;

use crate::protobuf;
use crate::registry::{Content, Reply};

/// The body of every response.
#[derive(Debug)]
pub enum Body {
    Whole(Option<Bytes>),
    /// Of a watch, or a log.
    Lines(mpsc::Receiver<Bytes>),
    /// Lines that are sent as protobuf.
    Frames(mpsc::Receiver<Bytes>),
}

pub(super) fn response(reply: Reply) -> Response<Body> {
    let Reply {
        code,
        content,
        warnings,
    } = reply;
    let (kind, body) = match content {
        Content::Value(value) => ("application/json", Body::Whole(Some(value.to_string().into()))),
        Content::Json(json) => ("application/json", Body::Whole(Some(json))),
        Content::Typed(kind, json) => (kind, Body::Whole(Some(json))),
        Content::Text(text) => ("text/plain; charset=utf-8", Body::Whole(Some(Bytes::from(text)))),
        Content::Stream(lines) => ("application/json", Body::Lines(lines)),
        Content::Frames(lines) => (protobuf::MEDIA_WATCH, Body::Frames(lines)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    for warning in warnings {
        // Control characters can't stand in a header; a warning that has some is not worth an error.
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            headers.append(WARNING, value);
        }
    }
    response
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Lines(lines) => lines
                .poll_recv(context)
                .map(|line| line.map(|line| Ok(Frame::data(line)))),
            // Everything that can be watched so has a message; a line without one would end the watch.
            Body::Frames(lines) => lines.poll_recv(context).map(|line| {
                let frame = line.and_then(|line| protobuf::frame(&line));
                frame.map(|frame| Ok(Frame::data(Bytes::from(frame))))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Whole(None))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Body::Whole(bytes) => {
                hyper::body::SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Body::Lines(_) | Body::Frames(_) => hyper::body::SizeHint::default(),
        }
    }
}
