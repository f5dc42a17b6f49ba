//! What an answer says: its text, its use of a tool, and why it ends.
//!
//! An answer is planned before the call is admitted, because its length decides what the model
//! would produce, and cut after that, when the service knows how much of it may be delivered.

use super::draws::Draws;
use super::words::{Cursor, Words};
use super::{instance, json};
use crate::domain::StopReason;
use crate::rng::Keyed;
use crate::units::Ratio;
use crate::wire::{Dialect, ModelCall, Tool, ToolChoice};

/// How answers look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerSettings {
    /// Share of the answers that use a tool, where the call declares tools and brings no results.
    pub tool_use: Ratio,
    /// Share of the answers that use a tool where the call brings results of an earlier use.
    pub tool_use_again: Ratio,
    /// Share of the answers that end at one of the caller's stop sequences.
    pub stop_sequence: Ratio,
    /// Bytes of text in one output token.
    pub bytes_per_token: f64,
}

impl Default for AnswerSettings {
    fn default() -> Self {
        Self {
            tool_use: Ratio::ONE,
            tool_use_again: Ratio::ZERO,
            stop_sequence: Ratio::ZERO,
            bytes_per_token: 4.0,
        }
    }
}

/// Its spelling in a model's own body, where a guardrail leaves the model's reason alone.
pub(super) fn own_name(stop: StopReason) -> &'static str {
    match stop {
        StopReason::GuardrailIntervened => StopReason::EndTurn.name(),
        // Anthropic's own word for a filter of the model.
        StopReason::ContentFiltered => "refusal",
        other => other.name(),
    }
}

/// The answer that a model would give if nothing bounded it.
#[derive(Clone, Debug)]
pub struct AnswerPlan(Answer);

/// An answer whose length is final.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) draws: Draws,
    /// Tokens of reasoning, which come before the text.
    thinking: u32,
    text: Text,
    text_tokens: u32,
    tool: Option<UsedTool>,
    bytes_per_token: f64,
    /// All of them, reasoning inside.
    output_tokens: u32,
    stop: StopReason,
    stop_sequence: Option<String>,
}

#[derive(Clone, Debug)]
enum Text {
    /// So many bytes of words; `full_stop` where they end a sentence.
    Words {
        words: Words,
        bytes: u64,
        full_stop: bool,
    },
    /// A given text, such as a guardrail's.
    Given(String),
}

/// A tool that the answer uses.
#[derive(Clone, Debug)]
pub(super) struct UsedTool {
    /// Its name.
    pub(super) name: String,
    /// The id of this use.
    pub(super) id: String,
    /// Its arguments as JSON; not whole where the answer was cut within them.
    pub(super) arguments: String,
    /// Whether they are whole.
    pub(super) whole: bool,
}

/// How far an answer has been written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    cursor: Cursor,
    /// Bytes of text.
    text: u64,
    reasoning: Cursor,
    /// Bytes of reasoning.
    thought: u64,
    /// Bytes of arguments.
    arguments: usize,
}

/// The parts of an answer that draw on their own.
mod part {
    pub(super) const TEXT: u64 = 0;
    pub(super) const CHOICES: u64 = 1;
    pub(super) const ARGUMENTS: u64 = 2;
    pub(super) const TOOL_ID: u64 = 3;
    pub(crate) const MESSAGE_ID: u64 = 4;
    pub(crate) const PADDING: u64 = 5;
    pub(super) const THINKING: u64 = 6;
    pub(crate) const SIGNATURE: u64 = 7;
}
pub(super) use part::{MESSAGE_ID, PADDING, SIGNATURE};

impl AnswerPlan {
    /// Plans the answer to a call for which the model was to produce `wanted_output` tokens.
    ///
    /// `key` numbers the call within `draws`: the same key gives the same answer.
    pub fn new(
        call: &ModelCall,
        wanted_output: u32,
        draws: Keyed,
        key: u64,
        settings: &AnswerSettings,
    ) -> Self {
        let draws = Draws::new(draws, key);
        let bytes_per_token = if settings.bytes_per_token.is_finite() {
            settings.bytes_per_token.clamp(0.25, 256.0)
        } else {
            AnswerSettings::default().bytes_per_token
        };
        let tool = choose_tool(call, draws, settings);
        let argument_tokens = tool.as_ref().map_or(0, |tool| {
            tokens_for(tool.arguments.len() as u64, bytes_per_token)
        });
        let output_tokens = wanted_output.max(argument_tokens);
        let text_tokens = output_tokens - argument_tokens;
        let words = Words(draws.part(part::TEXT));
        let mut answer = Answer {
            draws,
            thinking: 0,
            text: Text::Words {
                words,
                bytes: bytes_for(text_tokens, bytes_per_token),
                full_stop: call.stop_sequences.is_empty(),
            },
            text_tokens,
            stop: if tool.is_some() {
                StopReason::ToolUse
            } else {
                StopReason::EndTurn
            },
            tool,
            bytes_per_token,
            output_tokens,
            stop_sequence: None,
        };
        answer.meet_stop_sequences(&call.stop_sequences, settings.stop_sequence);
        Self(answer)
    }

    /// The same answer after `tokens` of reasoning.
    #[must_use]
    pub fn after_thinking(mut self, tokens: u32) -> Self {
        self.0.thinking = tokens;
        self.0.output_tokens = self.0.output_tokens.saturating_add(tokens);
        self
    }

    /// Output tokens that the model would produce.
    pub fn output_tokens(&self) -> u32 {
        self.0.output_tokens
    }

    /// Fixes the length: at most `output_tokens`, and `truncated` where a bound ended the answer
    /// before the model did.
    pub fn cut(self, output_tokens: u32, truncated: bool) -> Answer {
        let mut answer = self.0;
        if truncated || output_tokens < answer.output_tokens {
            answer.shorten(output_tokens);
        }
        answer
    }
}

impl Answer {
    /// The answer of a guardrail that blocked the prompt: `text`, and no tokens of the model.
    pub fn blocked_input(text: &str, draws: Keyed, key: u64) -> Self {
        Self {
            draws: Draws::new(draws, key),
            thinking: 0,
            text: Text::Given(text.to_owned()),
            text_tokens: 0,
            tool: None,
            bytes_per_token: 1.0,
            output_tokens: 0,
            stop: StopReason::GuardrailIntervened,
            stop_sequence: None,
        }
    }

    /// The same answer after a guardrail blocked it: `text` instead of what the model said, whose
    /// tokens still count.
    #[must_use]
    pub fn blocked_output(self, text: &str) -> Self {
        Self {
            thinking: 0,
            text: Text::Given(text.to_owned()),
            tool: None,
            text_tokens: self.output_tokens,
            stop: StopReason::GuardrailIntervened,
            stop_sequence: None,
            ..self
        }
    }

    /// The same answer, blocked after the first half of its text had passed; its tokens still count.
    #[must_use]
    pub(super) fn leaked(mut self) -> Self {
        if let Text::Words {
            bytes, full_stop, ..
        } = &mut self.text
        {
            *bytes /= 2;
            *full_stop = false;
        }
        self.tool = None;
        self.stop_sequence = None;
        self.stop = StopReason::GuardrailIntervened;
        self
    }

    /// The same answer with another reason of its end, where its length is that of the reason.
    #[must_use]
    pub fn ended_by(mut self, reason: StopReason) -> Self {
        self.stop = reason;
        self.stop_sequence = None;
        self
    }

    /// Output tokens of the model.
    pub fn output_tokens(&self) -> u32 {
        self.output_tokens
    }

    /// Whether it begins with reasoning.
    pub(super) fn thinks(&self) -> bool {
        self.thinking > 0
    }

    /// Appends the reasoning of the tokens up to number `upto` since the last call.
    pub(super) fn write_reasoning(&self, written: &mut Written, upto: u32, out: &mut Vec<u8>) {
        let end = bytes_for(upto.min(self.thinking), self.bytes_per_token);
        if end > written.thought {
            let words = Words(self.draws.part(part::THINKING));
            words.write(&mut written.reasoning, end - written.thought, out);
            written.thought = end;
        }
    }

    /// Whether all of its reasoning is written at token number `upto`.
    pub(super) fn has_thought(&self, upto: u32) -> bool {
        upto >= self.thinking
    }

    /// Why it ends.
    pub fn stop_reason(&self) -> StopReason {
        self.stop
    }

    /// The stop sequence at which it ends, if it ends at one.
    pub fn stop_sequence(&self) -> Option<&str> {
        self.stop_sequence.as_deref()
    }

    /// Its text, all of it at once.
    pub fn text(&self) -> String {
        match &self.text {
            Text::Given(text) => text.clone(),
            Text::Words { .. } => {
                let mut out = Vec::new();
                self.write_json_text(&mut Written::default(), u32::MAX, &mut out);
                // Words are ASCII, so nothing is lost.
                String::from_utf8_lossy(&out).into_owned()
            }
        }
    }

    /// Characters of its text.
    pub fn text_characters(&self) -> u64 {
        match &self.text {
            Text::Words { bytes, .. } => *bytes,
            Text::Given(text) => text.chars().count() as u64,
        }
    }

    /// Name and arguments of the tool that it uses, if it uses one.
    pub fn tool_use(&self) -> Option<(&str, &str)> {
        self.tool
            .as_ref()
            .map(|tool| (tool.name.as_str(), tool.arguments.as_str()))
    }

    pub(super) fn tool(&self) -> Option<&UsedTool> {
        self.tool.as_ref()
    }

    /// Whether it has a block of text: an answer without any other block has an empty one.
    pub(super) fn has_text(&self) -> bool {
        self.text_bytes() > 0 || (self.tool.is_none() && self.thinking == 0)
    }

    pub(super) fn text_bytes(&self) -> u64 {
        match &self.text {
            Text::Words { bytes, .. } => *bytes,
            Text::Given(text) => text.len() as u64,
        }
    }

    /// Which of a guardrail's words its text contains.
    pub(super) fn contained(&self, words: &[String]) -> Vec<usize> {
        match &self.text {
            Text::Words {
                words: text, bytes, ..
            } => text.find_all(words, *bytes),
            Text::Given(_) => Vec::new(),
        }
    }

    /// Appends the text of the tokens up to number `upto` since the last call, escaped for JSON.
    pub(super) fn write_json_text(&self, written: &mut Written, upto: u32, out: &mut Vec<u8>) {
        if upto <= self.thinking && self.thinking > 0 {
            return;
        }
        let upto = upto - self.thinking;
        match &self.text {
            Text::Words {
                words,
                bytes,
                full_stop,
            } => {
                let end = if upto >= self.text_tokens {
                    *bytes
                } else {
                    bytes_for(upto, self.bytes_per_token).min(*bytes)
                };
                if end <= written.text {
                    return;
                }
                // Words hold nothing that JSON escapes.
                words.write(&mut written.cursor, end - written.text, out);
                written.text = end;
                if end == *bytes
                    && *full_stop
                    && let Some(last) = out.last_mut()
                {
                    *last = b'.';
                }
            }
            // A guardrail's text comes at once: nothing of it is generated.
            Text::Given(text) => {
                if written.text == 0 {
                    json::escaped(text, out);
                    written.text = text.len() as u64;
                }
            }
        }
    }

    /// The arguments of the tokens up to number `upto`, since the last call.
    pub(super) fn next_arguments(&self, written: &mut Written, upto: u32) -> &str {
        let Some(tool) = &self.tool else { return "" };
        let end = if upto >= self.output_tokens {
            tool.arguments.len()
        } else {
            let tokens = upto.saturating_sub(self.thinking + self.text_tokens);
            let bytes = bytes_for(tokens, self.bytes_per_token) as usize;
            tool.arguments.floor_char_boundary(bytes)
        };
        let piece = &tool.arguments[written.arguments.min(end)..end];
        written.arguments = written.arguments.max(end);
        piece
    }

    /// Ends the text where a stop sequence occurs in it, or, for a share of the answers, says that
    /// one followed it.
    fn meet_stop_sequences(&mut self, sequences: &[String], share: Ratio) {
        if sequences.is_empty() {
            return;
        }
        let Text::Words { words, bytes, .. } = &mut self.text else {
            return;
        };
        if let Some((at, index)) = words.find(sequences, *bytes) {
            let sequence = &sequences[index];
            let tokens = tokens_for(at + sequence.len() as u64, self.bytes_per_token);
            *bytes = at;
            self.text_tokens = tokens.min(self.text_tokens);
            self.output_tokens = self.text_tokens;
            self.tool = None;
            self.end_at(sequence);
            return;
        }
        let choices = self.draws.part(part::CHOICES);
        if self.tool.is_none() && choices.uniform(2) < share.get() {
            let index = choices.below(3, sequences.len() as u64) as usize;
            self.end_at(&sequences[index]);
        }
    }

    fn end_at(&mut self, sequence: &str) {
        self.stop = StopReason::StopSequence;
        self.stop_sequence = Some(sequence.to_owned());
    }

    fn shorten(&mut self, output_tokens: u32) {
        let all = output_tokens.min(self.output_tokens);
        self.stop = StopReason::MaxTokens;
        self.stop_sequence = None;
        self.output_tokens = all;
        self.thinking = self.thinking.min(all);
        let tokens = all - self.thinking;
        if tokens <= self.text_tokens {
            if let Text::Words {
                bytes, full_stop, ..
            } = &mut self.text
            {
                *bytes = bytes_for(tokens, self.bytes_per_token).min(*bytes);
                *full_stop = false;
            }
            self.text_tokens = tokens;
            self.tool = None;
        } else if let Some(tool) = &mut self.tool {
            let bytes = bytes_for(tokens - self.text_tokens, self.bytes_per_token) as usize;
            let end = tool.arguments.floor_char_boundary(bytes);
            tool.whole = end == tool.arguments.len();
            tool.arguments.truncate(end);
        }
    }
}

/// The use of a tool, where the call and the draws ask for one.
fn choose_tool(call: &ModelCall, draws: Draws, settings: &AnswerSettings) -> Option<UsedTool> {
    // The body of Llama has no tools.
    let tools = call
        .tools
        .as_ref()
        .filter(|_| call.dialect != Dialect::Llama)?;
    let choices = draws.part(part::CHOICES);
    let share = if tools.brings_results {
        settings.tool_use_again
    } else {
        settings.tool_use
    };
    let drawn = || -> Option<&Tool> {
        let index = choices.below(1, tools.tools.len() as u64) as usize;
        tools.tools.get(index)
    };
    let tool = match &tools.choice {
        ToolChoice::None => None,
        ToolChoice::Auto if choices.uniform(0) >= share.get() => None,
        ToolChoice::Auto | ToolChoice::Any => drawn(),
        ToolChoice::Named(name) => {
            let named = tools.tools.iter().find(|tool| tool.name == *name);
            named.or_else(drawn)
        }
    }?;
    let mut id = String::with_capacity(40);
    match call.dialect {
        Dialect::Anthropic => {
            id.push_str("toolu_bdrk_01");
            draws.part(part::TOOL_ID).base58(&mut id);
        }
        Dialect::Converse | Dialect::Nova | Dialect::Llama => {
            id.push_str("tooluse_");
            draws.part(part::TOOL_ID).base64url(&mut id);
        }
    }
    Some(UsedTool {
        name: tool.name.clone(),
        id,
        arguments: instance::of(&tool.schema, draws.part(part::ARGUMENTS)).to_string(),
        whole: true,
    })
}

fn bytes_for(tokens: u32, bytes_per_token: f64) -> u64 {
    (f64::from(tokens) * bytes_per_token) as u64
}

fn tokens_for(bytes: u64, bytes_per_token: f64) -> u32 {
    (bytes as f64 / bytes_per_token).ceil() as u32
}

#[cfg(test)]
mod tests;
