//! Prompts with cache points of their own, and those of sessions, which repeat what was said.
//!
//! Texts are made up: what a session said earlier comes out as the same bytes in each of its calls, so
//! that a cache knows it. Answers are stood in for by texts of their size, and results of tools are
//! sent as messages of the user, which every model takes.

use super::plan::LiveWorkload;
use super::prompt::PromptMaker;
use crate::domain::CacheTtl;
use crate::load::context::Context;
use crate::load::session::{SessionCall, SessionSource};
use crate::load::source::Source;
use crate::load::spec::{PointSpec, PromptPart};
use aws_sdk_bedrockruntime::types::{
    CachePointBlock, CachePointType, CacheTtl as WireTtl, ContentBlock, ConversationRole, Message,
    SystemContentBlock, Tool, ToolConfiguration, ToolInputSchema, ToolSpecification,
};
use aws_smithy_types::Document;
use std::collections::HashMap;

/// What a call says beside a prefix of blocks and a tail.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Its points, each with the content that it has.
    points: Vec<(PointSpec, u32)>,
    /// The number of its session, and the calls so far, that in hand inside.
    session: Option<(u64, Vec<SessionCall>)>,
    history: Option<CacheTtl>,
}

impl Said {
    /// What request `seq` says; `None` if it is a plain one.
    pub(super) fn of(source: &Source, seq: u64, user: Option<u32>) -> Option<Box<Self>> {
        let session = match (source, user) {
            (Source::Sessions(sessions), Some(user)) => Some(calls(sessions, user)),
            _ => None,
        };
        let context = source.context();
        if session.is_none() && context.is_none() {
            return None;
        }
        let number = session.as_ref().map_or(seq, |(number, _)| *number);
        let points = |context: &Context| {
            let points = context.variants(seq, number);
            points.map(|(point, variant)| (*point, variant)).collect()
        };
        Some(Box::new(Self {
            points: context.map(points).unwrap_or_default(),
            history: context.and_then(Context::history),
            session,
        }))
    }
}

fn calls(sessions: &SessionSource, user: u32) -> (u64, Vec<SessionCall>) {
    let (number, calls) = sessions.calls(user);
    (number, calls.to_vec())
}

/// A prompt in the parts of the API.
#[derive(Clone, Debug, Default)]
pub(super) struct Talk {
    pub(super) tools: Option<ToolConfiguration>,
    pub(super) system: Vec<SystemContentBlock>,
    pub(super) messages: Vec<Message>,
}

/// The schema of the tools that fill a prompt, and its text as it is counted.
const SCHEMA: &str = r#"{"type":"object"}"#;

/// The texts of one prompt, in the order in which they are counted.
struct Teller<'a> {
    maker: &'a PromptMaker,
    marked: bool,
    /// Bytes so far.
    bytes: u64,
}

impl Teller<'_> {
    /// A text of so many tokens that begins with `kind` and `number`.
    fn text(&mut self, kind: char, number: u64, tokens: u32) -> String {
        self.text_after(kind, number, tokens, 0)
    }

    /// The same where `counted` bytes beside the text are part of the tokens.
    fn text_after(&mut self, kind: char, number: u64, tokens: u32, counted: usize) -> String {
        let bytes = self
            .maker
            .bytes_after(self.bytes, tokens)
            .saturating_sub(counted)
            .max(1);
        self.bytes += (bytes + counted) as u64;
        let mut text = String::with_capacity(bytes);
        self.maker.write(&mut text, kind, number, bytes);
        text
    }

    fn mark(&self, ttl: CacheTtl) -> Option<CachePointBlock> {
        if self.marked { cache_point(ttl) } else { None }
    }
}

/// A cache point as the API takes it.
pub(super) fn cache_point(ttl: CacheTtl) -> Option<CachePointBlock> {
    let ttl = match ttl {
        CacheTtl::FiveMinutes => WireTtl::FiveMinutes,
        CacheTtl::OneHour => WireTtl::OneHour,
    };
    let point = CachePointBlock::builder().r#type(CachePointType::Default);
    point.ttl(ttl).build().ok()
}

impl Talk {
    /// The prompt of request `seq` with `input` tokens after its points; `prefix` holds the system
    /// blocks made of numbered blocks, `prefix_bytes` their length.
    pub(super) fn new(
        workload: &LiveWorkload,
        said: &Said,
        (seq, input): (u64, u32),
        (prefix, prefix_bytes): (Option<Vec<SystemContentBlock>>, usize),
    ) -> Self {
        let mut teller = Teller {
            maker: &workload.maker,
            marked: workload.cache.is_some(),
            bytes: workload.maker.tool_bytes(),
        };
        let tools = tools(workload, said, &mut teller);
        let mut system = prefix.unwrap_or_default();
        teller.bytes += prefix_bytes as u64;
        let mut first = Vec::new();
        for (index, (point, variant)) in said.points.iter().enumerate() {
            let number = (index as u64) << 32 | u64::from(*variant);
            let mark = teller.mark(point.ttl);
            match point.part {
                PromptPart::Tools => {}
                PromptPart::System => {
                    let text = teller.text('s', number, point.tokens);
                    system.push(SystemContentBlock::Text(text));
                    system.extend(mark.map(SystemContentBlock::CachePoint));
                }
                PromptPart::Messages => {
                    let text = teller.text('m', number, point.tokens);
                    first.push(ContentBlock::Text(text));
                    first.extend(mark.map(ContentBlock::CachePoint));
                }
            }
        }
        let messages = match &said.session {
            None => {
                first.push(ContentBlock::Text(teller.text('r', seq, input)));
                vec![message(ConversationRole::User, first)]
            }
            Some((number, calls)) => conversation(*number, calls, said.history, first, &mut teller),
        };
        Self {
            tools,
            system,
            messages,
        }
    }
}

/// All that was said in a session, and the newest message.
fn conversation(
    session: u64,
    calls: &[SessionCall],
    history: Option<CacheTtl>,
    first: Vec<ContentBlock>,
    teller: &mut Teller<'_>,
) -> Vec<Message> {
    let mut messages = Vec::with_capacity(2 * calls.len());
    let mut blocks = first;
    for (index, call) in calls.iter().enumerate() {
        let number = session << 16 | index as u64;
        let kind = if call.is_result { 't' } else { 'u' };
        blocks.push(ContentBlock::Text(teller.text(kind, number, call.added)));
        let is_newest = index + 1 == calls.len();
        if is_newest && let Some(mark) = history.and_then(|ttl| teller.mark(ttl)) {
            blocks.push(ContentBlock::CachePoint(mark));
        }
        messages.push(message(ConversationRole::User, std::mem::take(&mut blocks)));
        if !is_newest {
            let answer = ContentBlock::Text(teller.text('a', number, call.answer));
            messages.push(message(ConversationRole::Assistant, vec![answer]));
        }
    }
    messages
}

fn message(role: ConversationRole, content: Vec<ContentBlock>) -> Message {
    Message::builder()
        .role(role)
        .set_content(Some(content))
        .build()
        .expect("a message has a role and blocks")
}

/// The tools that the workload declares, and one for each point among the tools.
fn tools(
    workload: &LiveWorkload,
    said: &Said,
    teller: &mut Teller<'_>,
) -> Option<ToolConfiguration> {
    let is_tool = |(_, (point, _)): &(usize, &(PointSpec, u32))| point.part == PromptPart::Tools;
    let points: Vec<_> = said.points.iter().enumerate().filter(is_tool).collect();
    if points.is_empty() {
        return workload.tools.clone();
    }
    let declared = workload.tools.iter().flat_map(ToolConfiguration::tools);
    let mut tools: Vec<Tool> = declared.cloned().collect();
    for (index, (point, variant)) in points {
        let name = format!("catalogue_{index}");
        let counted = name.len() + SCHEMA.len();
        let number = u64::from(*variant);
        let description = teller.text_after('d', number, point.tokens, counted);
        let object = HashMap::from([("type".to_owned(), Document::String("object".to_owned()))]);
        let spec = ToolSpecification::builder()
            .name(name)
            .description(description)
            .input_schema(ToolInputSchema::Json(Document::Object(object)))
            .build();
        tools.extend(spec.ok().map(Tool::ToolSpec));
        tools.extend(teller.mark(point.ttl).map(Tool::CachePoint));
    }
    let config = ToolConfiguration::builder().set_tools(Some(tools)).build();
    config.ok()
}
