//! The rules of a conversation in `Converse`: who speaks when, and that tools are answered.
//!
//! The sentences are AWS's own, as users quote them in public issue trackers.

use super::blocks::{Block, Message, SystemBlock, ToolBlock, ToolConfig};
use super::text::Text;
use crate::wire::Refused;

const STARTS: &str = "A conversation must start with a user message. Try again with a conversation \
                      that starts with a user message.";
const ALTERNATES: &str = "A conversation must alternate between user and assistant roles. Make sure \
                          the conversation alternates between user and assistant roles and try again.";
const NEEDS_TOOLS: &str = "The toolConfig field must be defined when using toolUse and toolResult \
                           content blocks.";

/// Checks the turns of a conversation that fits the service model.
///
/// `merges` says that the model takes several turns of one role in a row.
pub(super) fn check(
    messages: &[Message<'_>],
    tools: Option<&ToolConfig<'_>>,
    merges: bool,
) -> Result<(), Refused> {
    let mut before: Option<&Message<'_>> = None;
    for (i, message) in messages.iter().enumerate() {
        let blocks = message.content.as_deref().unwrap_or_default();
        check_blocks(i, blocks, tools.is_some())?;
        // Instructions in the middle of a conversation are no turn.
        if role(message) == "system" {
            continue;
        }
        match before {
            None if role(message) != "user" => return Err(Refused::validation(STARTS)),
            Some(last) if role(last) == role(message) && !merges => {
                return Err(Refused::validation(ALTERNATES));
            }
            _ => {}
        }
        if role(message) == "user" {
            check_results(i, before, blocks)?;
        }
        before = Some(message);
    }
    if before.is_none() {
        return Err(Refused::validation(STARTS));
    }
    Ok(())
}

/// Checks the system prompt.
pub(super) fn check_system(blocks: &[SystemBlock<'_>]) -> Result<(), Refused> {
    for (i, block) in blocks.iter().enumerate() {
        if matches!(block, SystemBlock::Unset) {
            return Err(Refused::validation(format!(
                "SystemContentBlock object at system.{i} must set one of the following keys: text, \
                 guardContent, cachePoint."
            )));
        }
        if matches!(block, SystemBlock::Text(text) if is_blank(text)) {
            return Err(Refused::validation(format!(
                "The text field in the SystemContentBlock object at system.{i} is blank. Add text \
                 to the text field, and try again."
            )));
        }
    }
    Ok(())
}

/// Checks the tools and the choice among them.
pub(super) fn check_tools(config: &ToolConfig<'_>) -> Result<(), Refused> {
    let tools = config.tools.as_deref().unwrap_or_default();
    for (i, tool) in tools.iter().enumerate() {
        let has_object = |spec: &super::blocks::ToolSpec<'_>| {
            let schema = spec
                .input_schema
                .as_ref()
                .and_then(|schema| schema.json.as_ref());
            schema.is_some_and(serde_json::Value::is_object)
        };
        match tool {
            ToolBlock::Spec(spec) if !has_object(spec) => {
                return Err(Refused::validation(format!(
                    "The format of the value at toolConfig.tools.{i}.toolSpec.inputSchema.json is \
                     invalid. Provide a json object for the field and try again."
                )));
            }
            ToolBlock::Unset => {
                return Err(Refused::validation(format!(
                    "Tool object at toolConfig.tools.{i} must set one of the following keys: \
                     toolSpec, systemTool, cachePoint."
                )));
            }
            _ => {}
        }
    }
    let super::blocks::Choice::Tool(chosen) = config
        .tool_choice
        .as_ref()
        .unwrap_or(&super::blocks::Choice::Unset)
    else {
        return Ok(());
    };
    let chosen = chosen.name.as_deref().unwrap_or_default();
    let is_chosen = |tool: &ToolBlock<'_>| match tool {
        ToolBlock::Spec(spec) => spec.name.as_deref() == Some(chosen),
        ToolBlock::System(tool) => tool.name.as_deref() == Some(chosen),
        ToolBlock::CachePoint(_) | ToolBlock::Unset => false,
    };
    if tools.iter().any(is_chosen) {
        return Ok(());
    }
    Err(Refused::validation(format!(
        "The tool {chosen:?} at toolConfig.toolChoice.tool.name is not among toolConfig.tools."
    )))
}

pub(super) fn role<'m>(message: &'m Message<'_>) -> &'m str {
    message.role.as_deref().unwrap_or_default()
}

fn is_blank(text: &str) -> bool {
    text.trim_start().is_empty()
}

fn check_blocks(i: usize, blocks: &[Block<'_>], has_tools: bool) -> Result<(), Refused> {
    if blocks.is_empty() {
        return Err(Refused::validation(format!(
            "The content field in the Message object at messages.{i} is empty. Add a ContentBlock \
             object to the content field and try again."
        )));
    }
    for (j, block) in blocks.iter().enumerate() {
        match block {
            Block::Text(text) if is_blank(text) => {
                return Err(Refused::validation(format!(
                    "The text field in the ContentBlock object at messages.{i}.content.{j} is \
                     blank. Add text to the text field, and try again."
                )));
            }
            Block::Unset => {
                return Err(Refused::validation(format!(
                    "ContentBlock object at messages.{i}.content.{j} must set one of the following \
                     keys: text, image, toolUse, toolResult, document, video, cachePoint, \
                     reasoningContent, citationsContent, searchResult, guardContent, audio."
                )));
            }
            Block::ToolUse(_) | Block::ToolResult(_) if !has_tools => {
                return Err(Refused::validation(NEEDS_TOOLS));
            }
            Block::CachePoint(_) if j > 0 && matches!(blocks[j - 1], Block::Reasoning(_)) => {
                return Err(Refused::validation(
                    "Cache point cannot be inserted after reasoning block. Please remove the \
                     invalid cache point and try again.",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The results in turn `i` answer the uses of the turn before, each one.
fn check_results(
    i: usize,
    before: Option<&Message<'_>>,
    blocks: &[Block<'_>],
) -> Result<(), Refused> {
    let turn = before
        .and_then(|message| message.content.as_deref())
        .unwrap_or_default();
    // Tools that run at the service are answered in the turn that uses them.
    let answered: Vec<&str> = turn.iter().filter_map(result_id).collect();
    let mut open: Vec<&str> = turn
        .iter()
        .filter_map(use_id)
        .filter(|id| !answered.contains(id))
        .collect();
    for id in blocks.iter().filter_map(result_id) {
        let Some(at) = open.iter().position(|&other| other == id) else {
            return Err(Refused::validation(format!(
                "The number of toolResult blocks at messages.{i}.content exceeds the number of \
                 toolUse blocks of previous turn."
            )));
        };
        open.remove(at);
    }
    if open.is_empty() {
        return Ok(());
    }
    Err(Refused::validation(format!(
        "Expected toolResult blocks at messages.{i}.content for the following Ids: {}",
        open.join(", ")
    )))
}

fn use_id<'b>(block: &'b Block<'_>) -> Option<&'b str> {
    match block {
        Block::ToolUse(tool) => tool.tool_use_id.as_ref().map(Text::as_ref),
        _ => None,
    }
}

fn result_id<'b>(block: &'b Block<'_>) -> Option<&'b str> {
    match block {
        Block::ToolResult(result) => result.tool_use_id.as_ref().map(Text::as_ref),
        _ => None,
    }
}
