//! Anthropic's Messages as the body of `InvokeModel`.

use super::anthropic_blocks::{Block, Body, CacheControl, Choice, Content, Message, Source, Tool};
use super::prompt::PromptBuilder;
use super::text::{Measured, Text};
use super::{converse, invoke};
use crate::domain::CacheTtl;
use crate::wire::{self, CallMetadata, Dialect, ModelCall, Prompt, Refused, ToolChoice, ToolUse};
use serde::Deserialize;
use std::fmt::Arguments;

/// Reads a body for the model `id`.
pub(super) fn read(
    id: &str,
    body: &[u8],
    guarded: Option<&mut String>,
) -> Result<ModelCall, Refused> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(invoke::malformed)?;
    invoke::require(&[
        ("anthropic_version", body.anthropic_version.is_some()),
        ("max_tokens", body.max_tokens.is_some()),
        ("messages", body.messages.is_some()),
    ])?;
    let messages = body.messages.as_deref().unwrap_or_default();
    check(messages)?;
    let prompt = measure(id, &body)?;
    let last = messages.iter().rfind(|message| role(message) == "user");
    let content = last.and_then(|message| message.content.as_ref());
    invoke::guard(guarded, content.into_iter().flat_map(Content::texts));
    let is_result = |block: &Block<'_>| block.kind() == "tool_result";
    let brings_results = content.is_some_and(|content| content.blocks().iter().any(is_result));
    Ok(ModelCall {
        dialect: Dialect::Anthropic,
        prompt,
        max_tokens: invoke::bound("max_tokens", body.max_tokens)?,
        stop_sequences: converse::owned(body.stop_sequences.as_deref()),
        tools: tool_use(body.tools, body.tool_choice.as_ref(), brings_results)?,
        guardrail: None,
        metadata: CallMetadata::default(),
        service_tier: None,
        latency_optimized: false,
        response_fields: Vec::new(),
    })
}

fn role<'m>(message: &'m Message<'_>) -> &'m str {
    message.role.as_deref().unwrap_or_default()
}

/// Checks the turns. Turns of one role in a row are allowed: Anthropic joins them.
fn check(messages: &[Message<'_>]) -> Result<(), Refused> {
    let Some(first) = messages.iter().find(|message| role(message) != "system") else {
        return Err(Refused::validation(
            "messages: at least one message is required",
        ));
    };
    for (i, message) in messages.iter().enumerate() {
        if !matches!(role(message), "user" | "assistant" | "system") {
            return Err(Refused::validation(format!(
                "messages.{i}.role: Input should be 'user' or 'assistant'"
            )));
        }
        if message.content.is_none() {
            return Err(Refused::validation(format!(
                "messages.{i}.content: Field required"
            )));
        }
    }
    if role(first) != "user" {
        return Err(Refused::validation(
            "messages: first message must use the \"user\" role",
        ));
    }
    for (i, message) in messages.iter().enumerate() {
        for block in message.content.iter().flat_map(Content::blocks) {
            if block.kind() == "text" && block.text.as_deref().unwrap_or_default().is_empty() {
                return Err(Refused::validation(
                    "messages: text content blocks must be non-empty",
                ));
            }
        }
        // One text of no characters is only allowed as the last turn of the assistant.
        let is_end = i + 1 == messages.len() && role(message) == "assistant";
        if !is_end && matches!(&message.content, Some(Content::Text(text)) if text.is_empty()) {
            return Err(Refused::validation(format!(
                "messages.{i}: all messages must have non-empty content except for the optional \
                 final assistant message"
            )));
        }
    }
    check_results(messages)
}

/// Checks that every use of a tool is answered in the next turn, and nothing else is.
fn check_results(messages: &[Message<'_>]) -> Result<(), Refused> {
    let mut open: Vec<&str> = Vec::new();
    let (mut before, mut asked) = ("", 0);
    for (i, message) in messages.iter().enumerate() {
        let blocks = message.content.as_ref().map_or(&[][..], Content::blocks);
        if role(message) == "user" {
            for (j, block) in blocks.iter().enumerate() {
                if block.kind() != "tool_result" {
                    continue;
                }
                let id = block.tool_use_id.as_deref().unwrap_or_default();
                let Some(at) = open.iter().position(|&other| other == id) else {
                    return Err(Refused::validation(format!(
                        "messages.{i}.content.{j}: unexpected `tool_use_id` found in `tool_result` \
                         blocks: {id}. Each `tool_result` block must have a corresponding \
                         `tool_use` block in the previous message."
                    )));
                };
                open.remove(at);
            }
        }
        // Several turns of one role count as one: what is open may still be answered.
        if role(message) == "assistant" && before == "user" && !open.is_empty() {
            return Err(unanswered(asked, &open));
        }
        if role(message) == "assistant" {
            asked = i;
            let uses = blocks.iter().filter(|block| block.kind() == "tool_use");
            open.extend(uses.filter_map(|block| block.id.as_deref()));
        }
        if role(message) != "system" {
            before = role(message);
        }
    }
    if before == "user" && !open.is_empty() {
        return Err(unanswered(asked, &open));
    }
    Ok(())
}

fn unanswered(turn: usize, ids: &[&str]) -> Refused {
    Refused::validation(format!(
        "messages.{turn}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. \
         Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
        ids.join(", ")
    ))
}

fn tool_use(
    tools: Option<Vec<Tool<'_>>>,
    choice: Option<&Choice<'_>>,
    brings_results: bool,
) -> Result<Option<ToolUse>, Refused> {
    let mut declared = Vec::new();
    for (i, tool) in tools.unwrap_or_default().into_iter().enumerate() {
        let Some(name) = tool.name else {
            return Err(Refused::validation(format!(
                "tools.{i}.name: Field required"
            )));
        };
        let custom = matches!(tool.kind.as_deref(), None | Some("custom"));
        match tool.input_schema {
            Some(schema) if schema.is_object() => declared.push(wire::Tool {
                name: name.to_string(),
                schema,
            }),
            Some(_) => {
                return Err(Refused::validation(format!(
                    "tools.{i}.custom.input_schema: Input should be a valid dictionary"
                )));
            }
            None if custom => {
                return Err(Refused::validation(format!(
                    "tools.{i}.custom.input_schema: Field required"
                )));
            }
            // A tool of Anthropic's own: the model knows its arguments, and nobody else does.
            None => {}
        }
    }
    let kind = choice.and_then(|choice| choice.kind.as_deref());
    let choice = match (kind, choice.and_then(|choice| choice.name.as_deref())) {
        (None | Some("auto"), _) => ToolChoice::Auto,
        (Some("any"), _) => ToolChoice::Any,
        (Some("none"), _) => ToolChoice::None,
        (Some("tool"), Some(name)) => {
            if !declared.iter().any(|tool| tool.name == name) {
                return Err(Refused::validation(format!(
                    "tool_choice.name: Tool '{name}' not found in provided tools"
                )));
            }
            ToolChoice::Named(name.to_owned())
        }
        (Some("tool"), None) => {
            return Err(Refused::validation("tool_choice.name: Field required"));
        }
        (Some(other), _) => {
            return Err(Refused::validation(format!(
                "tool_choice: Input tag '{other}' found using 'type' does not match any of the \
                 expected tags: 'auto', 'any', 'tool', 'none'"
            )));
        }
    };
    Ok((!declared.is_empty()).then_some(ToolUse {
        tools: declared,
        choice,
        brings_results,
    }))
}

fn measure(id: &str, body: &Body<'_>) -> Result<Prompt, Refused> {
    let mut prompt = PromptBuilder::new(id);
    for (i, tool) in body.tools.iter().flatten().enumerate() {
        prompt.mark("tool");
        optional(&mut prompt, tool.name.as_ref());
        optional(&mut prompt, tool.description.as_ref());
        let schema = tool.input_schema.as_ref();
        if let Some(measured) = schema.and_then(|json| Measured::deserialize(json).ok()) {
            prompt.json(measured);
        }
        prompt.end_block();
        point(
            &mut prompt,
            tool.cache_control.as_ref(),
            format_args!("tools.{i}"),
        )?;
    }
    if let Some(system) = &body.system {
        prompt.mark("system");
        content(&mut prompt, system, format_args!("system"))?;
    }
    for (i, message) in body.messages.iter().flatten().enumerate() {
        prompt.mark(role(message));
        if let Some(blocks) = &message.content {
            content(&mut prompt, blocks, format_args!("messages.{i}.content"))?;
        }
    }
    prompt.finish()
}

fn content(
    prompt: &mut PromptBuilder,
    content: &Content<'_>,
    place: Arguments<'_>,
) -> Result<(), Refused> {
    match content {
        // One text is the same to the model as one block of it.
        Content::Text(text) => {
            prompt.mark("text");
            prompt.text(text);
            prompt.end_block();
        }
        Content::Blocks(blocks) => {
            for (j, item) in blocks.iter().enumerate() {
                let place = format_args!("{place}.{j}");
                block(prompt, item, place)?;
                prompt.end_block();
                point(prompt, item.cache_control.as_ref(), place)?;
            }
        }
        Content::Other => {}
    }
    Ok(())
}

fn block(
    prompt: &mut PromptBuilder,
    block: &Block<'_>,
    place: Arguments<'_>,
) -> Result<(), Refused> {
    prompt.mark(block.kind());
    match block.kind() {
        "image" => prompt.media(data(block.source.as_ref())),
        "document" => {
            optional(prompt, block.title.as_ref());
            optional(prompt, block.context.as_ref());
            if let Some(source) = &block.source {
                match source.kind.as_deref() {
                    Some("base64") => prompt.file(data(Some(source))),
                    Some("text") => optional(prompt, source.data.as_ref()),
                    Some("content") => {}
                    _ => prompt.media(data(Some(source))),
                }
                if let Some(parts) = &source.content {
                    content(prompt, parts, format_args!("{place}.source.content"))?;
                }
            }
        }
        "redacted_thinking" => {
            if let Some(data) = &block.data {
                // Encrypted: its size says nothing about tokens.
                prompt.mark(data);
            }
        }
        _ => {
            for id in [&block.id, &block.tool_use_id].into_iter().flatten() {
                prompt.mark(id);
            }
            for text in [&block.name, &block.title, &block.text, &block.thinking] {
                optional(prompt, text.as_ref());
            }
            if let Some(input) = block.input {
                prompt.json(input);
            }
            if let Some(parts) = &block.content {
                content(prompt, parts, format_args!("{place}.content"))?;
            }
        }
    }
    Ok(())
}

fn data<'s>(source: Option<&'s Source<'_>>) -> &'s str {
    source
        .and_then(|source| source.data.as_deref())
        .unwrap_or_default()
}

fn optional(prompt: &mut PromptBuilder, text: Option<&Text<'_>>) {
    if let Some(text) = text {
        prompt.text(text);
    }
}

fn point(
    prompt: &mut PromptBuilder,
    control: Option<&CacheControl<'_>>,
    place: Arguments<'_>,
) -> Result<(), Refused> {
    let Some(control) = control else {
        return Ok(());
    };
    if control.kind.as_deref() != Some("ephemeral") {
        return Err(Refused::validation(format!(
            "{place}.cache_control.type: Input should be 'ephemeral'"
        )));
    }
    let ttl = match control.ttl.as_deref() {
        None | Some("5m") => CacheTtl::FiveMinutes,
        Some("1h") => CacheTtl::OneHour,
        Some(_) => {
            return Err(Refused::validation(format!(
                "{place}.cache_control.ttl: Input should be '5m' or '1h'"
            )));
        }
    };
    prompt.point(ttl, || format!("{place}.cache_control.ttl"))
}
