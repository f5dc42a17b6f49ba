//! The prompt of a `Converse` body: its size, its cache points, and what a guardrail looks at.

use super::blocks::{
    Block, CachePoint, Document, FileSource, GuardContent, Media, Message, Reasoning, ResultBlock,
    SearchResult, SystemBlock, TextPart, ToolBlock, ToolConfig,
};
use super::conversation::role;
use super::prompt::PromptBuilder;
use super::text::{Measured, Text};
use crate::domain::CacheTtl;
use crate::wire::{Prompt, Refused};
use serde::Deserialize;

/// Measures a conversation for the model `id`.
pub(super) fn measure(
    id: &str,
    output_schema: Option<&str>,
    tools: Option<&ToolConfig<'_>>,
    system: &[SystemBlock<'_>],
    messages: &[Message<'_>],
) -> Result<Prompt, Refused> {
    let mut prompt = PromptBuilder::new(id);
    // The schema of structured output is turned into instructions in front of everything.
    if let Some(schema) = output_schema {
        prompt.mark("schema");
        prompt.text(schema);
    }
    for (i, tool) in tools
        .and_then(|t| t.tools.as_deref())
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        match tool {
            ToolBlock::Spec(spec) => {
                prompt.mark("tool");
                optional(&mut prompt, spec.name.as_ref());
                optional(&mut prompt, spec.description.as_ref());
                let schema = spec
                    .input_schema
                    .as_ref()
                    .and_then(|schema| schema.json.as_ref());
                if let Some(measured) = schema.and_then(|json| Measured::deserialize(json).ok()) {
                    prompt.json(measured);
                }
            }
            ToolBlock::System(tool) => {
                prompt.mark("system tool");
                optional(&mut prompt, tool.name.as_ref());
            }
            ToolBlock::CachePoint(at) => {
                point(&mut prompt, at, || {
                    format!("toolConfig.tools.{i}.cachePoint")
                })?;
            }
            ToolBlock::Unset => {}
        }
        if !matches!(tool, ToolBlock::CachePoint(_)) {
            prompt.end_block();
        }
    }
    for (i, block) in system.iter().enumerate() {
        if let SystemBlock::CachePoint(at) = block {
            point(&mut prompt, at, || format!("system.{i}.cachePoint"))?;
            continue;
        }
        prompt.mark("system");
        match block {
            SystemBlock::Text(text) => prompt.text(text),
            SystemBlock::Guard(content) => guard(&mut prompt, content),
            SystemBlock::CachePoint(_) | SystemBlock::Unset => {}
        }
        prompt.end_block();
    }
    for (i, message) in messages.iter().enumerate() {
        prompt.mark(role(message));
        for (j, block) in message.content.iter().flatten().enumerate() {
            if let Block::CachePoint(at) = block {
                point(&mut prompt, at, || {
                    format!("messages.{i}.content.{j}.cachePoint")
                })?;
            } else {
                content(&mut prompt, block);
                prompt.end_block();
            }
        }
    }
    prompt.finish()
}

/// What a guardrail looks at: the texts of all guarded blocks or, without such blocks, all text of
/// the last user message, joined by line feeds; and whether there are such blocks.
pub(super) fn guarded_text(system: &[SystemBlock<'_>], messages: &[Message<'_>]) -> (String, bool) {
    let in_system = system.iter().filter_map(|block| match block {
        SystemBlock::Guard(content) => Some(content),
        _ => None,
    });
    let blocks = messages
        .iter()
        .flat_map(|message| message.content.iter().flatten());
    let in_messages = blocks.filter_map(|block| match block {
        Block::Guard(content) => Some(content),
        _ => None,
    });
    let texts: Vec<&str> = in_system
        .chain(in_messages)
        .filter_map(|content| match content {
            GuardContent::Text(text) => text.text.as_ref().map(Text::as_ref),
            _ => None,
        })
        .collect();
    if !texts.is_empty() {
        return (texts.join("\n"), true);
    }
    let last = messages.iter().rfind(|message| role(message) == "user");
    let blocks = last.and_then(|message| message.content.as_deref());
    let texts: Vec<&str> = blocks
        .unwrap_or_default()
        .iter()
        .filter_map(|block| match block {
            Block::Text(text) => Some(text.as_ref()),
            _ => None,
        })
        .collect();
    (texts.join("\n"), false)
}

fn content(prompt: &mut PromptBuilder, block: &Block<'_>) {
    match block {
        Block::Text(text) => {
            prompt.mark("text");
            prompt.text(text);
        }
        Block::Image(file) | Block::Video(file) | Block::Audio(file) => media(prompt, file),
        Block::Document(file) => document(prompt, file),
        Block::ToolUse(tool) => {
            prompt.mark("toolUse");
            mark(prompt, tool.tool_use_id.as_ref());
            optional(prompt, tool.name.as_ref());
            if let Some(input) = tool.input {
                prompt.json(input);
            }
        }
        Block::ToolResult(result) => {
            prompt.mark("toolResult");
            mark(prompt, result.tool_use_id.as_ref());
            mark(prompt, result.status.as_ref());
            for item in result.content.iter().flatten() {
                match item {
                    ResultBlock::Text(text) => prompt.text(text),
                    ResultBlock::Json(json) => prompt.json(*json),
                    ResultBlock::Image(file) | ResultBlock::Video(file) => media(prompt, file),
                    ResultBlock::Document(file) => document(prompt, file),
                    ResultBlock::SearchResult(found) => search_result(prompt, found),
                    ResultBlock::Unset => {}
                }
            }
        }
        Block::Guard(content) => guard(prompt, content),
        Block::Reasoning(Reasoning::Text(part)) => {
            prompt.mark("reasoning");
            optional(prompt, part.text.as_ref());
        }
        // Redacted thoughts are encrypted: their size says nothing about tokens.
        Block::Reasoning(Reasoning::Redacted(data)) => prompt.mark(data),
        Block::Citations(parts) => texts(prompt, parts.content.as_deref()),
        Block::SearchResult(found) => search_result(prompt, found),
        Block::CachePoint(_)
        | Block::Reasoning(Reasoning::Unset)
        | Block::ToolAddition(_)
        | Block::ToolRemoval(_)
        | Block::Unset => {}
    }
}

fn point(
    prompt: &mut PromptBuilder,
    point: &CachePoint<'_>,
    place: impl FnOnce() -> String,
) -> Result<(), Refused> {
    let ttl = match point.ttl.as_deref() {
        Some("1h") => CacheTtl::OneHour,
        _ => CacheTtl::FiveMinutes,
    };
    prompt.point(ttl, place)
}

fn optional(prompt: &mut PromptBuilder, text: Option<&Text<'_>>) {
    if let Some(text) = text {
        prompt.text(text);
    }
}

fn mark(prompt: &mut PromptBuilder, word: Option<&Text<'_>>) {
    if let Some(word) = word {
        prompt.mark(word);
    }
}

fn texts(prompt: &mut PromptBuilder, parts: Option<&[TextPart<'_>]>) {
    for part in parts.unwrap_or_default() {
        optional(prompt, part.text.as_ref());
    }
}

fn media(prompt: &mut PromptBuilder, file: &Media<'_>) {
    prompt.mark("media");
    prompt.media(file.source.as_ref().map_or("", address));
}

fn address<'s>(source: &'s FileSource<'_>) -> &'s str {
    let uri = source.s3_location.as_ref().and_then(|at| at.uri.as_deref());
    source.bytes.as_deref().or(uri).unwrap_or_default()
}

fn document(prompt: &mut PromptBuilder, file: &Document<'_>) {
    prompt.mark("document");
    optional(prompt, file.name.as_ref());
    optional(prompt, file.context.as_ref());
    let Some(source) = &file.source else { return };
    if let Some(bytes) = &source.bytes {
        prompt.file(bytes);
    } else if source.s3_location.is_some() {
        prompt.media(address(source));
    }
    optional(prompt, source.text.as_ref());
    texts(prompt, source.content.as_deref());
}

fn guard(prompt: &mut PromptBuilder, content: &GuardContent<'_>) {
    prompt.mark("guard");
    match content {
        GuardContent::Text(text) => optional(prompt, text.text.as_ref()),
        GuardContent::Image(file) => media(prompt, file),
        GuardContent::Unset => {}
    }
}

fn search_result(prompt: &mut PromptBuilder, found: &SearchResult<'_>) {
    prompt.mark("searchResult");
    optional(prompt, found.title.as_ref());
    optional(prompt, found.source.as_ref());
    texts(prompt, found.content.as_deref());
}
