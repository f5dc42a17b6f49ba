use super::*;
use crate::wire::reply::tests::data;
use aws_smithy_eventstream::frame::write_message_to;
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|c| digit(c[0]) << 4 | digit(c[1])).collect()
}

fn read_all(bytes: &[u8]) -> Vec<Frame> {
    let mut reader = FrameReader::new();
    reader.push(bytes);
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push(frame);
    }
    assert_eq!(reader.pending(), 0);
    frames
}

fn written_by_library(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    write_message_to(message, &mut out).unwrap();
    out
}

#[test]
fn golden_event() {
    let mut out = Vec::new();
    let payload = br#"{"p":"abcd","role":"assistant"}"#;
    event(EventType::MessageStart, payload, &mut out);
    let golden = hex(
        "00000081000000526cc176930b3a6576656e742d7479706507000c6d65737361676553746172740d3a636f6e\
         74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700\
         056576656e747b2270223a2261626364222c22726f6c65223a22617373697374616e74227df512a005",
    );
    assert_eq!(out, golden);
}

#[test]
fn golden_exception() {
    let mut out = Vec::new();
    let payload = br#"{"message":"Too many tokens, please wait before trying again."}"#;
    exception("throttlingException", payload, &mut out);
    let golden = hex(
        "000000b0000000614f5086b30f3a657863657074696f6e2d747970650700137468726f74746c696e67457863\
         657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573\
         736167652d74797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e7920746f\
         6b656e732c20706c656173652077616974206265666f726520747279696e6720616761696e2e227df70ae57f",
    );
    assert_eq!(out, golden);
}

#[test]
fn every_event_reads_back_and_is_what_the_library_writes() {
    for kind in EventType::ALL {
        let mut out = Vec::new();
        event(kind, b"{}", &mut out);
        let frames = read_all(&out);
        assert_eq!(frames[0].header(":event-type"), Some(kind.name()));
        assert_eq!(frames[0].header(":message-type"), Some("event"));
        assert_eq!(written_by_library(frames[0].message()), out);
    }
}

#[test]
fn an_error_has_its_text_in_headers() {
    let mut out = Vec::new();
    error("internalFailure", "gone", &mut out);
    let frame = &read_all(&out)[0];
    assert_eq!(frame.header(":error-code"), Some("internalFailure"));
    assert_eq!(frame.header(":error-message"), Some("gone"));
    assert_eq!(frame.payload(), b"");
    // A text longer than a header may be is cut, and the frame stays readable.
    out.clear();
    error("x", &"é".repeat(40_000), &mut out);
    assert_eq!(
        read_all(&out)[0].header(":error-message").unwrap().len(),
        32_766
    );
}

#[test]
fn vectors_of_the_library() {
    let Some(folder) = data("bedrock_api_fixtures/eventstream_vectors") else {
        return;
    };
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let mut reader = FrameReader::new();
        reader.push(&bytes);
        match reader.next_frame() {
            Ok(Some(frame)) => {
                assert!(name.starts_with("valid_"), "{name} was accepted");
                assert_eq!(written_by_library(frame.message()), bytes, "{name}");
            }
            Ok(None) => panic!("{name} is whole"),
            Err(error) => assert!(name.starts_with("invalid_"), "{name}: {error}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[test]
fn recorded_streams_read_and_write_back_unchanged() {
    let Some(folder) = data("bedrock_api_fixtures/eventstream") else {
        return;
    };
    let (mut streams, mut frames) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "bin") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let mut out = Vec::new();
        for frame in read_all(&bytes) {
            let name = frame.header(":event-type").unwrap();
            let kind = EventType::ALL.into_iter().find(|k| k.name() == name);
            event(kind.unwrap(), frame.payload(), &mut out);
            frames += 1;
        }
        assert!(out == bytes, "{} changed", path.display());
        streams += 1;
    }
    assert_eq!((streams, frames), (38, 839));
}

#[test]
fn lengths_that_no_frame_has_are_refused_at_once() {
    for (total, headers) in [
        (0u32, 0u32),
        (15, 0),
        (16, 1),
        (u32::MAX, 0),
        (200_000, 150_000),
    ] {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&total.to_be_bytes());
        bytes.extend_from_slice(&headers.to_be_bytes());
        bytes.extend_from_slice(&checksum(&bytes).to_be_bytes());
        let mut reader = FrameReader::new();
        reader.push(&bytes);
        assert!(
            matches!(reader.next_frame(), Err(FrameError::Length { .. })),
            "{total}"
        );
    }
}

proptest! {
    #[test]
    fn frames_survive_any_cut(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..6),
        cut in 1usize..64,
    ) {
        let mut bytes = Vec::new();
        for payload in &payloads {
            event(EventType::Chunk, payload, &mut bytes);
        }
        let mut reader = FrameReader::new();
        let mut read = Vec::new();
        for piece in bytes.chunks(cut) {
            reader.push(piece);
            while let Some(frame) = reader.next_frame().unwrap() {
                read.push(frame.payload().to_vec());
            }
        }
        prop_assert_eq!(read, payloads);
    }

    #[test]
    fn a_flipped_bit_is_noticed(payload in prop::collection::vec(any::<u8>(), 0..80), bit in 0usize..2000) {
        let mut bytes = Vec::new();
        event(EventType::Metadata, &payload, &mut bytes);
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut reader = FrameReader::new();
        reader.push(&bytes);
        prop_assert!(reader.next_frame().is_err());
    }
}
