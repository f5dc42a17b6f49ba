//! A call as plain numbers: what is kept of a line, and its bytes in a file of its own while logs are sorted.

use std::hash::Hasher;

use rustc_hash::FxHashMap;

use super::super::record::{CallEnd, Place};
use super::line::LoggedCall;
use super::names::model_name;
use super::salt::Salt;
use crate::units::Micros;

/// Pieces that are kept of one prompt: more than any context window holds messages of use.
const PIECES_MAX: usize = 4096;

/// A call in numbers, without any text of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRow {
    /// Microseconds since 1970.
    pub at_us: i64,
    /// Salted hash of its request id; zero if it has none.
    pub id: u64,
    /// Index of its model in [`Names`].
    pub model: u16,
    /// Index of where it went.
    pub place: u16,
    /// Index of its client.
    pub client: u32,
    /// Input tokens outside the cache.
    pub input: u32,
    /// Input tokens read from the cache.
    pub cache_read: u32,
    /// Input tokens written to it.
    pub cache_write: u32,
    /// Output tokens.
    pub output: u32,
    /// The largest answer that it asked for.
    pub max_tokens: Option<u32>,
    /// From its start to the first byte.
    pub ttft: Option<Micros>,
    /// From its start to the end.
    pub latency: Option<Micros>,
    /// How it ended.
    pub end: CallEnd,
    /// Whether it was streamed.
    pub streamed: Option<bool>,
    /// Pieces that stand before the messages.
    pub fixed: u32,
    /// Hash and bytes of each piece of its prompt.
    pub pieces: Vec<(u64, u32)>,
}

/// Names of models, clients and places, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Models.
    pub models: Vec<String>,
    /// Clients, as salted hashes.
    pub clients: Vec<String>,
    /// Where calls went.
    pub places: Vec<Place>,
    model_index: FxHashMap<String, (u16, String)>,
    client_index: FxHashMap<String, u32>,
    place_index: FxHashMap<Place, u16>,
}

impl Names {
    /// The index of a model by the text that calls it, and the scope of that text.
    fn model(&mut self, called: &str, profiles: &[(String, String)]) -> (u16, String) {
        if let Some((index, scope)) = self.model_index.get(called) {
            return (*index, scope.clone());
        }
        let named = model_name(called);
        let is_profile = |(arn, _): &&(String, String)| arn == called || arn == named.id;
        let given = profiles.iter().find(is_profile);
        let id = given.map_or(named.id, |(_, model)| model.as_str());
        let index = self.model_named(id);
        let entry = (index, named.scope.to_owned());
        self.model_index.insert(called.to_owned(), entry.clone());
        entry
    }

    /// The index of a model by its name.
    pub fn model_named(&mut self, name: &str) -> u16 {
        let known = self.models.iter().position(|known| known == name);
        known.map_or_else(
            || {
                // More than this is no list of models, and the last one stands for the rest.
                if self.models.len() < usize::from(u16::MAX) {
                    self.models.push(name.to_owned());
                }
                (self.models.len() - 1) as u16
            },
            |index| index as u16,
        )
    }

    /// The index of a client by its name.
    pub fn client_named(&mut self, name: &str) -> u32 {
        if let Some(index) = self.client_index.get(name) {
            return *index;
        }
        let index = self.clients.len() as u32;
        self.clients.push(name.to_owned());
        self.client_index.insert(name.to_owned(), index);
        index
    }

    /// The index of a place.
    pub fn place(&mut self, place: &Place) -> u16 {
        if let Some(index) = self.place_index.get(place) {
            return *index;
        }
        if self.places.len() < usize::from(u16::MAX) {
            self.places.push(place.clone());
        }
        let index = (self.places.len() - 1) as u16;
        self.place_index.insert(place.clone(), index);
        index
    }

    /// Takes in the names of another part of the log, and says what its numbers are here.
    pub fn merge(&mut self, other: &Self) -> Renumbering {
        Renumbering {
            models: other
                .models
                .iter()
                .map(|name| self.model_named(name))
                .collect(),
            clients: other
                .clients
                .iter()
                .map(|name| self.client_named(name))
                .collect(),
            places: other.places.iter().map(|place| self.place(place)).collect(),
        }
    }
}

/// New numbers of names, by their old ones.
#[derive(Clone, Debug, Default)]
pub struct Renumbering {
    models: Vec<u16>,
    clients: Vec<u32>,
    places: Vec<u16>,
}

impl Renumbering {
    /// Gives a row its new numbers.
    pub fn apply(&self, row: &mut CallRow) {
        row.model = self
            .models
            .get(usize::from(row.model))
            .copied()
            .unwrap_or(0);
        row.client = self.clients.get(row.client as usize).copied().unwrap_or(0);
        row.place = self
            .places
            .get(usize::from(row.place))
            .copied()
            .unwrap_or(0);
    }
}

/// Keeps the numbers of a call. `profiles` are models by the ARN or id of an application profile.
pub fn row_of(
    call: &LoggedCall<'_>,
    names: &mut Names,
    profiles: &[(String, String)],
    salt: Salt,
) -> CallRow {
    let (model, scope) = names.model(&call.model_id, profiles);
    let client = if call.identity.is_empty() {
        names.client_named("")
    } else {
        names.client_named(&salt.name(call.identity.as_bytes()))
    };
    let place = names.place(&Place {
        region: call.region.clone().into_owned(),
        scope,
        tier: call.tier.clone().into_owned(),
    });
    let id = if call.request_id.is_empty() {
        0
    } else {
        let mut hash = salt.hasher();
        hash.write(call.request_id.as_bytes());
        hash.finish().max(1)
    };
    let pieces = call.bodies.pieces.iter().take(PIECES_MAX);
    CallRow {
        at_us: call.at_us,
        id,
        model,
        place,
        client,
        input: call.input.unwrap_or(0),
        cache_read: call.cache_read,
        cache_write: call.cache_write,
        output: call.output.unwrap_or(0),
        max_tokens: call.bodies.max_tokens,
        ttft: call.ttft,
        latency: call.latency,
        end: call.end,
        streamed: call.streamed,
        fixed: call.bodies.fixed as u32,
        pieces: pieces.map(|piece| (piece.hash, piece.bytes)).collect(),
    }
}

impl CallRow {
    /// The order of a log: by time, then by the length of the prompt, since stamps have whole seconds and a
    /// conversation grows, then by request id, so that copies of a record meet.
    pub fn key(&self) -> (i64, u32, u64) {
        (self.at_us, self.pieces.len() as u32, self.id)
    }

    /// Appends the row's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let micros = |value: Option<Micros>| value.map_or(u64::MAX, |value| value.0);
        out.extend_from_slice(&(self.pieces.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.at_us.to_le_bytes());
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&micros(self.ttft).to_le_bytes());
        out.extend_from_slice(&micros(self.latency).to_le_bytes());
        for number in [
            self.client,
            self.input,
            self.cache_read,
            self.cache_write,
            self.output,
            self.max_tokens.unwrap_or(u32::MAX),
            self.fixed,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.model.to_le_bytes());
        out.extend_from_slice(&self.place.to_le_bytes());
        let end = CallEnd::ALL.iter().position(|end| *end == self.end);
        out.push(end.unwrap_or(0) as u8);
        out.push(self.streamed.map_or(2, u8::from));
        for (hash, bytes) in &self.pieces {
            out.extend_from_slice(&hash.to_le_bytes());
            out.extend_from_slice(&bytes.to_le_bytes());
        }
    }

    /// Bytes of a row without its pieces.
    pub const HEAD: usize = 4 + 8 * 4 + 4 * 7 + 2 * 2 + 2;
    /// Bytes of one piece.
    pub const PIECE: usize = 12;

    /// How many pieces follow a head.
    pub fn pieces_in(head: &[u8; Self::HEAD]) -> usize {
        Cursor(head).u32() as usize
    }

    /// A row from the bytes of its head and of its pieces.
    pub fn decode(head: &[u8; Self::HEAD], pieces: &[u8]) -> Self {
        let mut at = Cursor(head);
        at.u32();
        let known = |value: u64| (value != u64::MAX).then_some(Micros(value));
        let (at_us, id) = (at.u64() as i64, at.u64());
        let (ttft, latency) = (known(at.u64()), known(at.u64()));
        let (client, input) = (at.u32(), at.u32());
        let (cache_read, cache_write, output) = (at.u32(), at.u32(), at.u32());
        let max_tokens = Some(at.u32()).filter(|max| *max != u32::MAX);
        let fixed = at.u32();
        let (model, place) = (at.u16(), at.u16());
        let [end, streamed] = at.take::<2>();
        Self {
            at_us,
            id,
            model,
            place,
            client,
            input,
            cache_read,
            cache_write,
            output,
            max_tokens,
            ttft,
            latency,
            end: CallEnd::ALL
                .get(usize::from(end))
                .copied()
                .unwrap_or_default(),
            streamed: (streamed < 2).then_some(streamed == 1),
            fixed,
            pieces: pieces
                .chunks_exact(Self::PIECE)
                .map(|bytes| {
                    let mut at = Cursor(bytes);
                    (at.u64(), at.u32())
                })
                .collect(),
        }
    }
}

/// Reads numbers one after the other; zeros where the bytes end.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => [0; N],
        }
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}
