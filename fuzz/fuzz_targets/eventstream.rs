//! Any bytes as an event stream, in pieces: frames are read or refused, and nothing panics.
#![no_main]

use bedload::wire::frame::{EventType, FrameReader, event};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&cut, stream)) = bytes.split_first() else {
        return;
    };
    let mut reader = FrameReader::new();
    for piece in stream.chunks(usize::from(cut).max(1)) {
        reader.push(piece);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => {
                    let _ = frame.header(":event-type");
                }
                Ok(None) => break,
                Err(error) => {
                    let _ = error.to_string();
                    return;
                }
            }
        }
    }
    // Whatever the bytes are, as a payload they come back.
    let mut out = Vec::new();
    event(EventType::Chunk, stream, &mut out);
    let mut reader = FrameReader::new();
    reader.push(&out);
    let frame = reader.next_frame().expect("a written frame is sound");
    assert_eq!(frame.expect("a written frame is whole").payload(), stream);
});
