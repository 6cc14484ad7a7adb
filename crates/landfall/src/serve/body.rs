//! The body of an answer: bytes that are at hand, or an object's, which are read a piece at a time as the client takes them.
//!
//! A client that takes none holds a file open, and no thread and no more than a piece in memory.

use std::fs::File;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use landfall_api::ObjectBody;
use tokio::task::JoinHandle;

/// What is read at a time.
const PIECE_BYTES: u64 = 64 << 10;

/// A body.
pub enum Body {
    /// All of it is there.
    Whole(Full<Bytes>),
    /// It is being read.
    Object(Reading),
}

/// A file that is being read.
pub struct Reading {
    /// None while a piece is being read.
    file: Option<File>,
    left_bytes: u64,
    piece: Option<JoinHandle<io::Result<(File, Bytes)>>>,
}

impl Body {
    /// Bytes that are at hand.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Full::new(bytes.into()))
    }

    /// An object's.
    pub fn object(object: ObjectBody) -> Self {
        Self::Object(Reading { file: Some(object.file), left_bytes: object.length_bytes, piece: None })
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Whole(bytes) => Pin::new(bytes).poll_frame(context).map_err(|never| match never {}),
            Self::Object(reading) => reading.poll_piece(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_end_stream(),
            Self::Object(reading) => reading.left_bytes == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => bytes.size_hint(),
            Self::Object(reading) => SizeHint::with_exact(reading.left_bytes),
        }
    }
}

impl Reading {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left_bytes == 0 {
            return Poll::Ready(None);
        }
        if let Some(file) = self.file.take() {
            let most = self.left_bytes.min(PIECE_BYTES);
            self.piece = Some(tokio::task::spawn_blocking(move || read(file, most)));
        }
        let Some(piece) = &mut self.piece else { return Poll::Ready(None) };
        let read = ready!(Pin::new(piece).poll(context));
        self.piece = None;
        match read.map_err(io::Error::other).flatten() {
            Ok((file, bytes)) => {
                self.left_bytes = self.left_bytes.saturating_sub(bytes.len() as u64);
                self.file = Some(file);
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}

/// The next bytes of a file, so many at most, and one at least: one that has become shorter ends the answer.
fn read(mut file: File, most_bytes: u64) -> io::Result<(File, Bytes)> {
    let mut bytes = Vec::new();
    (&mut file).take(most_bytes).read_to_end(&mut bytes)?;
    if bytes.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok((file, bytes.into())) }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn object(bytes: &[u8], length_bytes: u64) -> Body {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Body::object(ObjectBody { file: file.reopen().unwrap(), length_bytes })
    }

    #[tokio::test]
    async fn an_object_goes_out_as_it_is() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        for length in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 200_000] {
            let body = object(&bytes, length);
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(length), length == 0));
            let read = body.collect().await.unwrap().to_bytes();
            assert_eq!(read, bytes[..usize::try_from(length).unwrap()], "{length}");
        }
    }

    #[tokio::test]
    async fn one_that_has_become_shorter_ends_in_an_error() {
        assert!(object(b"short", 100).collect().await.is_err());
    }
}
