//! The body of a request: what it asks for, and its prompt as sizes and hashes.
//!
//! No text of a prompt outlives the reading of its line. A prompt becomes *pieces*: one for each tool, each part
//! of the system prompt, each message. Marks of cache points are no part of what is hashed, because they move
//! from call to call while the text before them stays.

#![expect(
    deprecated,
    reason = "the hasher of std whose algorithm is fixed, SipHash-2-4; its successor may change"
)]

use std::fmt;
use std::hash::{Hasher, SipHasher};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::lenient::{Count, Object, Text};

/// Characters that a picture or a document counts for at most: its base64 says nothing of its tokens.
const BLOB_BYTES_MAX: u64 = 6000;

/// A part of a prompt, by its hash and its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// A hash of its content, not yet salted.
    pub hash: u64,
    /// Bytes of text in it.
    pub bytes: u32,
    /// Cache points in it or right behind it.
    pub points: u16,
}

impl<'de> Deserialize<'de> for Piece {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut state = State::default();
        Digest(&mut state, false).deserialize(d)?;
        Ok(state.piece())
    }
}

/// The pieces of a list, or the one piece of anything else.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pieces(pub Vec<Piece>);

impl<'de> Deserialize<'de> for Pieces {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(PiecesVisitor)
    }
}

struct PiecesVisitor;

impl PiecesVisitor {
    fn one(write: impl FnOnce(&mut State)) -> Pieces {
        let mut state = State::default();
        write(&mut state);
        Pieces(vec![state.piece()])
    }
}

impl<'de> Visitor<'de> for PiecesVisitor {
    type Value = Pieces;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Pieces, E> {
        Ok(Self::one(|state| state.word(1, u64::from(value))))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Pieces, E> {
        Ok(Self::one(|state| state.word(2, value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Pieces, E> {
        Ok(Self::one(|state| state.word(2, value as u64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Pieces, E> {
        Ok(Self::one(|state| state.word(3, value.to_bits())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Pieces, E> {
        Ok(Self::one(|state| state.text(text, false)))
    }

    fn visit_unit<E>(self) -> Result<Pieces, E> {
        Ok(Pieces::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Pieces, A::Error> {
        let mut pieces: Vec<Piece> = Vec::new();
        while let Some(piece) = seq.next_element::<Piece>()? {
            match pieces.last_mut() {
                // A cache point of the Converse API is an entry of its own.
                Some(last) if piece.bytes == 0 && piece.points > 0 => {
                    last.points = last.points.saturating_add(piece.points);
                }
                _ => pieces.push(piece),
            }
        }
        Ok(Pieces(pieces))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Pieces, A::Error> {
        let mut state = State::default();
        Digest(&mut state, false).visit_map(map)?;
        Ok(Pieces(vec![state.piece()]))
    }
}

/// A hash in the making.
struct State {
    hash: SipHasher,
    bytes: u64,
    points: u16,
}

impl Default for State {
    fn default() -> Self {
        Self {
            hash: SipHasher::new(),
            bytes: 0,
            points: 0,
        }
    }
}

impl State {
    fn word(&mut self, kind: u8, value: u64) {
        let mut bytes = [kind; 9];
        bytes[1..].copy_from_slice(&value.to_le_bytes());
        self.hash.write(&bytes);
    }

    fn text(&mut self, text: &str, blob: bool) {
        self.word(4, text.len() as u64);
        self.hash.write(text.as_bytes());
        let length = text.len() as u64;
        self.bytes += if blob {
            length.min(BLOB_BYTES_MAX)
        } else {
            length
        };
    }

    fn piece(&self) -> Piece {
        Piece {
            hash: self.hash.finish(),
            bytes: u32::try_from(self.bytes).unwrap_or(u32::MAX),
            points: self.points,
        }
    }
}

/// Writes any value into a hash; the flag says whether its texts are base64.
struct Digest<'s>(&'s mut State, bool);

impl<'de> DeserializeSeed<'de> for Digest<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Digest<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.word(1, u64::from(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.word(2, value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.word(2, value as u64);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.word(3, value.to_bits());
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.text(text, self.1);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.word(0, 0);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.word(5, 0);
        while seq
            .next_element_seed(Digest(&mut *self.0, self.1))?
            .is_some()
        {}
        self.0.word(6, 0);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // An object with nothing but a cache point leaves no trace in the hash.
        let mut begun = false;
        while let Some(key) = map.next_key::<Text<'_>>()? {
            match key.as_str() {
                "cachePoint" | "cache_control" => {
                    map.next_value::<IgnoredAny>()?;
                    self.0.points = self.0.points.saturating_add(1);
                }
                name => {
                    if !begun {
                        self.0.word(7, 0);
                        begun = true;
                    }
                    self.0.word(8, name.len() as u64);
                    self.0.hash.write(name.as_bytes());
                    let blob = matches!(name, "bytes" | "data");
                    map.next_value_seed(Digest(&mut *self.0, blob))?;
                }
            }
        }
        if begun {
            self.0.word(9, 0);
        }
        Ok(())
    }
}

/// The largest answer that is asked for, under the names of the model families.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Limits {
    #[serde(rename = "maxTokens")]
    converse: Count,
    max_tokens: Count,
    max_new_tokens: Count,
    #[serde(rename = "maxTokenCount")]
    titan: Count,
    max_completion_tokens: Count,
}

impl Limits {
    fn get(self) -> Option<u32> {
        let all = [
            self.converse,
            self.max_tokens,
            self.max_new_tokens,
            self.titan,
            self.max_completion_tokens,
        ];
        all.into_iter().find_map(|count| count.0)
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct ToolConfig {
    tools: Pieces,
}

/// The body of a request of any model family.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Prompt {
    messages: Pieces,
    system: Pieces,
    tools: Pieces,
    #[serde(rename = "toolConfig")]
    tool_config: Object<ToolConfig>,
    #[serde(rename = "prompt")]
    text: Pieces,
    #[serde(rename = "inputText")]
    input_text: Pieces,
    message: Pieces,
    #[serde(rename = "inferenceConfig")]
    inference_config: Object<Limits>,
    #[serde(rename = "textGenerationConfig")]
    text_generation_config: Object<Limits>,
    #[serde(rename = "additionalModelRequestFields")]
    additional: Object<Limits>,
    #[serde(rename = "maxTokens")]
    converse: Count,
    max_tokens: Count,
    max_tokens_to_sample: Count,
    max_gen_len: Count,
    max_completion_tokens: Count,
}

impl Prompt {
    /// The largest answer that it asks for.
    pub(super) fn max_tokens(&self) -> Option<u32> {
        let own = [
            self.max_tokens,
            self.converse,
            self.max_tokens_to_sample,
            self.max_gen_len,
            self.max_completion_tokens,
        ];
        let nested = [
            &self.inference_config,
            &self.text_generation_config,
            &self.additional,
        ];
        own.into_iter()
            .find_map(|count| count.0)
            .or_else(|| nested.into_iter().find_map(|max| max.0.get()))
    }

    /// The pieces in the order in which models read them, and how many of them stand before the messages.
    pub(super) fn pieces(&self) -> (Vec<Piece>, usize) {
        let head = [&self.tools, &self.tool_config.0.tools, &self.system];
        let body = [&self.messages, &self.text, &self.input_text, &self.message];
        let mut pieces: Vec<Piece> = head.iter().flat_map(|part| &part.0).copied().collect();
        let fixed = pieces.len();
        pieces.extend(body.iter().flat_map(|part| &part.0));
        (pieces, fixed)
    }

    /// Tools that it offers.
    pub(super) fn tools(&self) -> usize {
        self.tools.0.len() + self.tool_config.0.tools.0.len()
    }

    /// Bytes of its system prompt.
    pub(super) fn system_bytes(&self) -> u64 {
        self.system
            .0
            .iter()
            .map(|piece| u64::from(piece.bytes))
            .sum()
    }
}
