//! What the service model demands of the blocks of `Converse`.

use super::blocks::{
    Block, CachePoint, Choice, Document, FileSource, GuardContent, Media, Message, Reasoning,
    ResultBlock, SystemBlock, ToolBlock, ToolConfig,
};
use super::constraints::Violations;
use std::fmt::Arguments;

const ROLES: [&str; 3] = ["user", "assistant", "system"];
const IMAGES: [&str; 4] = ["png", "jpeg", "gif", "webp"];
const VIDEOS: [&str; 9] = [
    "mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp",
];
const SOUNDS: [&str; 15] = [
    "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg",
    "mpga", "pcm", "webm",
];

pub(super) fn messages(violations: &mut Violations, messages: &[Message<'_>]) {
    for (i, message) in messages.iter().enumerate() {
        let i = i + 1;
        let role = format_args!("messages.{i}.member.role");
        violations.required(message.role.is_some(), role);
        if let Some(text) = &message.role {
            violations.one_of(text, &ROLES, role);
        }
        let content = message.content.as_deref();
        violations.required(
            content.is_some(),
            format_args!("messages.{i}.member.content"),
        );
        for (j, item) in content.unwrap_or_default().iter().enumerate() {
            let j = j + 1;
            block(
                violations,
                item,
                format_args!("messages.{i}.member.content.{j}.member"),
            );
        }
    }
}

pub(super) fn system(violations: &mut Violations, blocks: &[SystemBlock<'_>]) {
    for (i, item) in blocks.iter().enumerate() {
        let i = i + 1;
        match item {
            SystemBlock::Text(text) => {
                violations.length(
                    text.len(),
                    1,
                    usize::MAX,
                    format_args!("system.{i}.member.text"),
                );
            }
            SystemBlock::Guard(content) => {
                guard(
                    violations,
                    content,
                    format_args!("system.{i}.member.guardContent"),
                );
            }
            SystemBlock::CachePoint(point) => {
                cache_point(
                    violations,
                    point,
                    format_args!("system.{i}.member.cachePoint"),
                );
            }
            SystemBlock::Unset => {}
        }
    }
}

pub(super) fn tools(violations: &mut Violations, config: &ToolConfig<'_>) {
    let tools = config.tools.as_deref();
    violations.required(tools.is_some(), format_args!("toolConfig.tools"));
    if let Some(tools) = tools {
        violations.length(tools.len(), 1, usize::MAX, format_args!("toolConfig.tools"));
    }
    for (i, item) in tools.unwrap_or_default().iter().enumerate() {
        let i = i + 1;
        match item {
            ToolBlock::Spec(spec) => {
                let place = format_args!("toolConfig.tools.{i}.member.toolSpec");
                name(
                    violations,
                    spec.name.as_deref(),
                    format_args!("{place}.name"),
                );
                if let Some(text) = &spec.description {
                    let place = format_args!("{place}.description");
                    violations.length(text.len(), 1, usize::MAX, place);
                }
                violations.required(
                    spec.input_schema.is_some(),
                    format_args!("{place}.inputSchema"),
                );
            }
            ToolBlock::System(tool) => {
                let place = format_args!("toolConfig.tools.{i}.member.systemTool.name");
                name(violations, tool.name.as_deref(), place);
            }
            ToolBlock::CachePoint(point) => {
                let place = format_args!("toolConfig.tools.{i}.member.cachePoint");
                cache_point(violations, point, place);
            }
            ToolBlock::Unset => {}
        }
    }
    if let Some(Choice::Tool(tool)) = &config.tool_choice {
        let place = format_args!("toolConfig.toolChoice.tool.name");
        name(violations, tool.name.as_deref(), place);
    }
}

fn block(violations: &mut Violations, block: &Block<'_>, place: Arguments<'_>) {
    match block {
        Block::Image(file) => media(violations, file, &IMAGES, format_args!("{place}.image")),
        Block::Video(file) => media(violations, file, &VIDEOS, format_args!("{place}.video")),
        Block::Audio(file) => media(violations, file, &SOUNDS, format_args!("{place}.audio")),
        Block::Document(file) => document(violations, file, format_args!("{place}.document")),
        Block::ToolUse(tool) => {
            let place = format_args!("{place}.toolUse");
            use_id(
                violations,
                tool.tool_use_id.as_deref(),
                format_args!("{place}.toolUseId"),
            );
            name(
                violations,
                tool.name.as_deref(),
                format_args!("{place}.name"),
            );
            violations.required(tool.input.is_some(), format_args!("{place}.input"));
        }
        Block::ToolResult(result) => {
            let place = format_args!("{place}.toolResult");
            use_id(
                violations,
                result.tool_use_id.as_deref(),
                format_args!("{place}.toolUseId"),
            );
            violations.required(result.content.is_some(), format_args!("{place}.content"));
            if let Some(status) = &result.status {
                violations.one_of(
                    status,
                    &["success", "error"],
                    format_args!("{place}.status"),
                );
            }
            for (k, item) in result.content.iter().flatten().enumerate() {
                let k = k + 1;
                let place = format_args!("{place}.content.{k}.member");
                match item {
                    ResultBlock::Image(file) => {
                        media(violations, file, &IMAGES, format_args!("{place}.image"));
                    }
                    ResultBlock::Video(file) => {
                        media(violations, file, &VIDEOS, format_args!("{place}.video"));
                    }
                    ResultBlock::Document(file) => {
                        document(violations, file, format_args!("{place}.document"));
                    }
                    ResultBlock::Text(_)
                    | ResultBlock::Json(_)
                    | ResultBlock::SearchResult(_)
                    | ResultBlock::Unset => {}
                }
            }
        }
        Block::Guard(content) => guard(violations, content, format_args!("{place}.guardContent")),
        Block::CachePoint(point) => {
            cache_point(violations, point, format_args!("{place}.cachePoint"));
        }
        Block::Reasoning(Reasoning::Text(part)) => {
            let place = format_args!("{place}.reasoningContent.reasoningText.text");
            violations.required(part.text.is_some(), place);
        }
        Block::Text(_)
        | Block::Reasoning(_)
        | Block::Citations(_)
        | Block::SearchResult(_)
        | Block::ToolAddition(_)
        | Block::ToolRemoval(_)
        | Block::Unset => {}
    }
}

fn media(violations: &mut Violations, file: &Media<'_>, formats: &[&str], place: Arguments<'_>) {
    violations.required(file.format.is_some(), format_args!("{place}.format"));
    if let Some(format) = &file.format {
        violations.one_of(format, formats, format_args!("{place}.format"));
    }
    source(violations, file.source.as_ref(), place);
}

fn document(violations: &mut Violations, file: &Document<'_>, place: Arguments<'_>) {
    violations.required(file.name.is_some(), format_args!("{place}.name"));
    if let Some(name) = &file.name {
        violations.chars(name, 1, 200, format_args!("{place}.name"));
    }
    source(violations, file.source.as_ref(), place);
}

fn source(violations: &mut Violations, source: Option<&FileSource<'_>>, place: Arguments<'_>) {
    violations.required(source.is_some(), format_args!("{place}.source"));
    let Some(source) = source else { return };
    if let Some(bytes) = &source.bytes {
        violations.length(
            bytes.len(),
            1,
            usize::MAX,
            format_args!("{place}.source.bytes"),
        );
    }
    if let Some(location) = &source.s3_location {
        let place = format_args!("{place}.source.s3Location.uri");
        violations.required(location.uri.is_some(), place);
        if let Some(uri) = &location.uri {
            violations.chars(uri, 1, 1024, place);
        }
    }
}

fn guard(violations: &mut Violations, content: &GuardContent<'_>, place: Arguments<'_>) {
    match content {
        GuardContent::Text(text) => {
            violations.required(text.text.is_some(), format_args!("{place}.text.text"));
        }
        GuardContent::Image(file) => {
            media(
                violations,
                file,
                &IMAGES[..2],
                format_args!("{place}.image"),
            );
        }
        GuardContent::Unset => {}
    }
}

fn cache_point(violations: &mut Violations, point: &CachePoint<'_>, place: Arguments<'_>) {
    violations.required(point.kind.is_some(), format_args!("{place}.type"));
    if let Some(kind) = &point.kind {
        violations.one_of(kind, &["default"], format_args!("{place}.type"));
    }
    if let Some(ttl) = &point.ttl {
        violations.one_of(ttl, &["5m", "1h"], format_args!("{place}.ttl"));
    }
}

fn name(violations: &mut Violations, name: Option<&str>, place: Arguments<'_>) {
    violations.required(name.is_some(), place);
    if let Some(name) = name {
        violations.tool_name(name, place);
    }
}

fn use_id(violations: &mut Violations, id: Option<&str>, place: Arguments<'_>) {
    violations.required(id.is_some(), place);
    if let Some(id) = id {
        violations.tool_use_id(id, place);
    }
}
