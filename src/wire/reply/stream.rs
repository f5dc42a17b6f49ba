//! A streamed answer, written as its tokens come.

use super::answer::{Answer, PADDING, SIGNATURE, UsedTool, Written};
use super::draws::Draws;
use super::{Finish, converse_stream, invoke_anthropic, invoke_llama, invoke_nova, json};
use crate::domain::Usage;
use crate::wire::{Dialect, ModelCall};

/// The padding that hides the length of events: the start of this alphabet
/// (every `p` in 38 recorded streams).
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The shortest and the longest padding on record; the 618 lengths are spread evenly between.
const PADDING_LENGTHS: (u64, u64) = (2, 61);

/// Writes one answer as a stream of events, whatever the family of the call.
///
/// Memory does not grow with the answer: text is generated when its tokens are due.
#[derive(Clone, Debug)]
pub struct StreamWriter {
    dialect: Dialect,
    answer: Answer,
    written: Written,
    block: Block,
    context: Context,
    piece: Vec<u8>,
}

/// The block that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    None,
    Reasoning,
    /// None, after reasoning.
    Reasoned,
    Text,
    Tool,
}

/// What the events of a family need besides their content.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) padding: Padding,
    /// A buffer for events that travel in base64.
    pub(super) inner: Vec<u8>,
    /// The model's id as the call named it.
    pub(super) model_id: String,
    /// The model fields that the caller wants back.
    pub(super) response_fields: Vec<String>,
    /// The number of the open block.
    pub(super) index: u64,
    /// Tokens written so far.
    pub(super) tokens: u32,
    /// The prompt's tokens, until they are told.
    pub(super) prompt: Option<u32>,
    /// Whether a piece of text is open that its family ends before the next.
    pub(super) piece_open: bool,
}

/// One step of a streamed answer.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// The answer begins.
    Start(&'a Answer, Usage),
    /// A block of reasoning begins.
    ReasoningStart,
    /// Reasoning, escaped for JSON.
    Reasoning(&'a [u8]),
    /// The signature with which reasoning ends.
    Signature(&'a str),
    /// A block of text begins.
    TextStart,
    /// Text, escaped for JSON.
    Text(&'a [u8]),
    /// A use of a tool begins.
    ToolStart(&'a UsedTool),
    /// A piece of its arguments, not escaped.
    Arguments(&'a str),
    /// The open block ends.
    BlockStop,
    /// The answer ends.
    Finish(&'a Answer, &'a Finish<'a>),
}

impl StreamWriter {
    /// A writer of `answer` to `call`, which named its model `model_id`. Without `padding` events
    /// carry no `p`.
    pub fn new(call: &ModelCall, model_id: &str, answer: Answer, padding: bool) -> Self {
        let draws = answer.draws.part(PADDING);
        Self {
            dialect: call.dialect,
            context: Context {
                padding: Padding {
                    draws,
                    drawn: 0,
                    on: padding,
                },
                inner: Vec::new(),
                model_id: model_id.to_owned(),
                response_fields: call.response_fields.clone(),
                index: 0,
                tokens: 0,
                prompt: None,
                piece_open: false,
            },
            answer,
            written: Written::default(),
            block: Block::None,
            piece: Vec::new(),
        }
    }

    /// The answer that is being written.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Appends the event with which the answer begins; `usage` is known as far as the prompt goes.
    pub fn start(&mut self, usage: Usage, out: &mut Vec<u8>) {
        self.context.prompt = Some(usage.prompt().try_into().unwrap_or(u32::MAX));
        let event = Event::Start(&self.answer, usage);
        emit(self.dialect, &event, &mut self.context, out);
    }

    /// Appends what the tokens since the last call up to number `upto` say: one piece of text or
    /// of arguments, and the ends and beginnings of blocks between them.
    pub fn tokens(&mut self, upto: u32, out: &mut Vec<u8>) {
        let Self {
            dialect,
            answer,
            written,
            block,
            context,
            piece,
        } = self;
        context.tokens = upto.min(answer.output_tokens());
        // The other families have no form for it: their reasoning passes in silence.
        let tells = matches!(dialect, Dialect::Converse | Dialect::Anthropic);
        if tells && answer.thinks() {
            piece.clear();
            answer.write_reasoning(written, upto, piece);
            if !piece.is_empty() {
                if *block == Block::None {
                    emit(*dialect, &Event::ReasoningStart, context, out);
                    *block = Block::Reasoning;
                }
                emit(*dialect, &Event::Reasoning(piece), context, out);
            }
            if *block == Block::Reasoning && answer.has_thought(upto) {
                let signature = signature(answer);
                emit(*dialect, &Event::Signature(&signature), context, out);
                emit(*dialect, &Event::BlockStop, context, out);
                context.index += 1;
                *block = Block::Reasoned;
            }
        }
        piece.clear();
        answer.write_json_text(written, upto, piece);
        if !piece.is_empty() {
            if matches!(*block, Block::None | Block::Reasoned) {
                emit(*dialect, &Event::TextStart, context, out);
                *block = Block::Text;
            }
            emit(*dialect, &Event::Text(piece), context, out);
        }
        let arguments = answer.next_arguments(written, upto);
        let Some(tool) = answer.tool().filter(|_| !arguments.is_empty()) else {
            return;
        };
        if *block == Block::Text {
            emit(*dialect, &Event::BlockStop, context, out);
            context.index += 1;
        }
        if *block != Block::Tool {
            emit(*dialect, &Event::ToolStart(tool), context, out);
            *block = Block::Tool;
        }
        emit(*dialect, &Event::Arguments(arguments), context, out);
    }

    /// Appends what is left of the answer and the events with which it ends.
    pub fn finish(&mut self, finish: &Finish<'_>, out: &mut Vec<u8>) {
        self.tokens(u32::MAX, out);
        if self.block == Block::None {
            // An answer without a word still has its block, with an empty piece.
            for event in [Event::TextStart, Event::Text(b"")] {
                emit(self.dialect, &event, &mut self.context, out);
            }
        }
        if self.block != Block::Reasoned {
            emit(self.dialect, &Event::BlockStop, &mut self.context, out);
        }
        let end = Event::Finish(&self.answer, finish);
        emit(self.dialect, &end, &mut self.context, out);
    }
}

/// What a model signs its reasoning with, so that it can be sent back.
pub(super) fn signature(answer: &Answer) -> String {
    let mut text = String::with_capacity(64);
    answer.draws.part(SIGNATURE).base58(&mut text);
    text
}

fn emit(dialect: Dialect, event: &Event<'_>, context: &mut Context, out: &mut Vec<u8>) {
    match dialect {
        Dialect::Converse => converse_stream::write(event, context, out),
        Dialect::Anthropic => invoke_anthropic::write_event(event, context, out),
        Dialect::Nova => invoke_nova::write_event(event, context, out),
        Dialect::Llama => invoke_llama::write_event(event, context, out),
    }
}

/// The padding of the events of one answer.
#[derive(Clone, Debug)]
pub(super) struct Padding {
    draws: Draws,
    drawn: u64,
    on: bool,
}

impl Padding {
    /// Appends `before`, the member `"p"` and `after`, or nothing.
    pub(super) fn write(&mut self, before: &str, after: &str, out: &mut Vec<u8>) {
        if !self.on {
            return;
        }
        let (least, most) = PADDING_LENGTHS;
        let length = least + self.draws.below(self.drawn, most - least + 1);
        self.drawn += 1;
        json::raw(before, out);
        json::raw("\"p\":\"", out);
        json::raw(&ALPHABET[..length as usize], out);
        out.push(b'"');
        json::raw(after, out);
    }
}
