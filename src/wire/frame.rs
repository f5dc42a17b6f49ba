//! The event stream (`application/vnd.amazon.eventstream`): frames out, frames in.
//!
//! A frame is big-endian: total length, length of the headers, CRC-32 of those eight bytes,
//! headers, payload, CRC-32 of everything before it. Frames are written in place, so that a payload
//! is never copied: [`open`] puts the prelude and the headers, the caller appends the payload, and
//! [`OpenFrame::close`] fills in lengths and checksums. The bytes are those of
//! `aws-smithy-eventstream`'s writer, which the tests compare with; that library reads.

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::{HeaderValue, Message};
use bytes::{Buf, Bytes, BytesMut};
use flate2::Crc;

/// Bytes before the headers: two lengths and their checksum.
const PRELUDE: usize = 12;
/// Bytes after the payload: the checksum.
const TRAILER: usize = 4;
/// The longest headers that readers accept, 128 KiB (botocore 1.44.5, `eventstream.py`).
const MAX_HEADERS: u32 = 128 * 1024;
/// The longest payload that readers accept, 24 MiB (botocore 1.44.5, `eventstream.py`).
const MAX_PAYLOAD: u32 = 24 * 1024 * 1024;
/// The longest string in a header: its length is read as a signed 16-bit number.
const MAX_HEADER_VALUE: usize = i16::MAX as usize;

/// The events of Bedrock's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// `ConverseStream`: the answer begins.
    MessageStart,
    /// `ConverseStream`: a block of tool use begins.
    ContentBlockStart,
    /// `ConverseStream`: a piece of a block.
    ContentBlockDelta,
    /// `ConverseStream`: a block ends.
    ContentBlockStop,
    /// `ConverseStream`: the answer ends, with its reason.
    MessageStop,
    /// `ConverseStream`: usage, latency and trace.
    Metadata,
    /// `InvokeModelWithResponseStream`: an event of the model's own, in base64.
    Chunk,
}

/// The three headers of an event, encoded; `$length` is the length of `$name` as one character.
macro_rules! event_headers {
    ($length:literal, $name:literal) => {
        concat!(
            "\x0b:event-type\x07\x00",
            $length,
            $name,
            "\x0d:content-type\x07\x00\x10application/json\x0d:message-type\x07\x00\x05event"
        )
        .as_bytes()
    };
}

impl EventType {
    /// Every event.
    pub const ALL: [Self; 7] = [
        Self::MessageStart,
        Self::ContentBlockStart,
        Self::ContentBlockDelta,
        Self::ContentBlockStop,
        Self::MessageStop,
        Self::Metadata,
        Self::Chunk,
    ];

    /// The value of its `:event-type` header.
    pub fn name(self) -> &'static str {
        match self {
            Self::MessageStart => "messageStart",
            Self::ContentBlockStart => "contentBlockStart",
            Self::ContentBlockDelta => "contentBlockDelta",
            Self::ContentBlockStop => "contentBlockStop",
            Self::MessageStop => "messageStop",
            Self::Metadata => "metadata",
            Self::Chunk => "chunk",
        }
    }

    fn headers(self) -> &'static [u8] {
        match self {
            Self::MessageStart => event_headers!("\x0c", "messageStart"),
            Self::ContentBlockStart => event_headers!("\x11", "contentBlockStart"),
            Self::ContentBlockDelta => event_headers!("\x11", "contentBlockDelta"),
            Self::ContentBlockStop => event_headers!("\x10", "contentBlockStop"),
            Self::MessageStop => event_headers!("\x0b", "messageStop"),
            Self::Metadata => event_headers!("\x08", "metadata"),
            Self::Chunk => event_headers!("\x05", "chunk"),
        }
    }
}

/// A frame whose payload is being written.
#[derive(Debug)]
#[must_use = "a frame is not whole until it is closed"]
pub struct OpenFrame {
    start: usize,
    headers: u32,
}

impl OpenFrame {
    /// Ends the frame: everything that was appended to `out` since it was opened is its payload.
    pub fn close(self, out: &mut Vec<u8>) {
        let total = (out.len() - self.start + TRAILER) as u32;
        let frame = &mut out[self.start..];
        frame[..4].copy_from_slice(&total.to_be_bytes());
        frame[4..8].copy_from_slice(&self.headers.to_be_bytes());
        let prelude = checksum(&frame[..8]);
        frame[8..PRELUDE].copy_from_slice(&prelude.to_be_bytes());
        let message = checksum(frame);
        out.extend_from_slice(&message.to_be_bytes());
    }
}

/// Begins the frame of an event; append its payload and close it.
#[inline]
pub fn open(event: EventType, out: &mut Vec<u8>) -> OpenFrame {
    let headers = event.headers();
    let start = out.len();
    out.extend_from_slice(&[0; PRELUDE]);
    out.extend_from_slice(headers);
    OpenFrame {
        start,
        headers: headers.len() as u32,
    }
}

/// Writes the frame of an event.
pub fn event(event: EventType, payload: &[u8], out: &mut Vec<u8>) {
    let frame = open(event, out);
    out.extend_from_slice(payload);
    frame.close(out);
}

/// Writes an exception, which ends a stream: `kind` in lower camel case (`throttlingException`),
/// payload as JSON.
pub fn exception(kind: &str, payload: &[u8], out: &mut Vec<u8>) {
    let headers = [
        (":exception-type", kind),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    with_headers(&headers, payload, out);
}

/// Writes an error that the service model does not name: a code and a text in headers, no payload
/// (anomalyco/opencode#38712).
pub fn error(code: &str, message: &str, out: &mut Vec<u8>) {
    let headers = [
        (":error-code", code),
        (":error-message", message),
        (":message-type", "error"),
    ];
    with_headers(&headers, b"", out);
}

fn with_headers(headers: &[(&str, &str)], payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; PRELUDE]);
    for (name, value) in headers {
        let value = &value[..value.floor_char_boundary(MAX_HEADER_VALUE)];
        out.push(name.len() as u8);
        out.extend_from_slice(name.as_bytes());
        out.push(7);
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    let frame = OpenFrame {
        start,
        headers: (out.len() - start - PRELUDE) as u32,
    };
    out.extend_from_slice(payload);
    frame.close(out);
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// One frame that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame(Message);

impl Frame {
    /// The text of a header, if the frame has it and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self
            .0
            .headers()
            .iter()
            .find(|h| h.name().as_str() == name)?;
        match header.value() {
            HeaderValue::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        self.0.payload()
    }

    /// The library's own form of it, with headers of every type.
    pub fn message(&self) -> &Message {
        &self.0
    }
}

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The prelude contradicts its checksum.
    #[error("the prelude's checksum is {stated:#010x}, its bytes give {computed:#010x}")]
    Prelude {
        /// What the frame says.
        stated: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// A length that no frame may have.
    #[error("a frame of {total} bytes with {headers} bytes of headers cannot be")]
    Length {
        /// Bytes of the whole frame, as its prelude says.
        total: u32,
        /// Bytes of its headers, as its prelude says.
        headers: u32,
    },
    /// The headers or the last checksum are wrong.
    #[error("broken frame: {0}")]
    Content(#[from] aws_smithy_eventstream::error::Error),
}

/// Reads frames from bytes that come in pieces.
#[derive(Clone, Debug, Default)]
pub struct FrameReader {
    buffer: BytesMut,
}

impl FrameReader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that belong to a frame which is not whole yet.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole frame; `None` until more bytes come. After an error the place of the next
    /// frame is unknown, so a reader that erred should be dropped.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(prelude) = self.buffer.first_chunk::<PRELUDE>() else {
            return Ok(None);
        };
        let mut words = &prelude[..];
        let (total, headers, stated) = (words.get_u32(), words.get_u32(), words.get_u32());
        let computed = checksum(&prelude[..8]);
        if stated != computed {
            return Err(FrameError::Prelude { stated, computed });
        }
        let around = (PRELUDE + TRAILER) as u32;
        let fits = total.checked_sub(around).is_some_and(|inside| {
            headers <= inside.min(MAX_HEADERS) && inside - headers <= MAX_PAYLOAD
        });
        if !fits {
            return Err(FrameError::Length { total, headers });
        }
        if self.buffer.len() < total as usize {
            return Ok(None);
        }
        let mut frame: Bytes = self.buffer.split_to(total as usize).freeze();
        Ok(Some(Frame(read_message_from(&mut frame)?)))
    }
}

#[cfg(test)]
mod tests;
