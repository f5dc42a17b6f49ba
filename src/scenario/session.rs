//! `[workload.session]`: conversations and agents whose prompts grow.

use crate::config::{Section, count, share};
use crate::load::spec::{MOST_TOOL_CALLS, SessionSpec, ToolLoopSpec};

use super::traffic::think;
use super::workload::size;

/// Reads how a session goes on.
pub(super) fn session(s: &mut Section<'_>) -> Option<SessionSpec> {
    let turns = s.required_table("turns", size);
    let think = s.required_table("think", think);
    let has_user = s.has("user");
    let user = s.optional_table("user", size);
    let has_tools = s.has("tools");
    let tools = s.optional_table("tools", tools);
    if (has_user && user.is_none()) || (has_tools && tools.is_none()) {
        return None;
    }
    Some(SessionSpec {
        turns: turns?,
        think: think?,
        user,
        tools,
    })
}

fn tools(s: &mut Section<'_>) -> Option<ToolLoopSpec> {
    let share = s.required("share", share());
    let latency = s.required_table("latency", think);
    let result = s.required_table("result_tokens", size);
    let max_calls = s.or("max_calls", count(1..=i64::from(MOST_TOOL_CALLS)), 8);
    Some(ToolLoopSpec {
        share: share?,
        latency: latency?,
        result: result?,
        max_calls: max_calls?,
    })
}
