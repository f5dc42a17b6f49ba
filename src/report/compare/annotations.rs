//! A comparison as workflow commands of GitHub Actions, which show it at the pull request.

use crate::results::compare::{CompareSummary, Verdict};

/// Workflow commands: an error for each sentence of a failure, a warning for what cannot be told, a notice
/// for a pass.
pub fn annotations(document: &CompareSummary) -> String {
    let level = match document.verdict {
        Some(Verdict::Regressed) => "error",
        Some(Verdict::Inconclusive) => "warning",
        _ => "notice",
    };
    let mut sentences = document.sentences.iter();
    let mut text = String::new();
    if let Some(first) = sentences.next() {
        // The rest goes below it: ten annotations of a level are all that GitHub shows for a step.
        let rest: Vec<&str> = sentences.map(String::as_str).collect();
        let message = if rest.is_empty() {
            first.clone()
        } else {
            format!("{first}\n{}", rest.join("\n"))
        };
        text.push_str(&command(level, "bedload compare", &message));
    }
    for warning in &document.warnings {
        text.push_str(&command("warning", "bedload compare", warning));
    }
    text
}

fn command(level: &str, title: &str, message: &str) -> String {
    format!("::{level} title={title}::{}\n", escaped(message))
}

/// As the runner unescapes the data of a command.
fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line() {
        let text = command("error", "t", "a 5 % rise\nof ::b::");
        assert_eq!(text, "::error title=t::a 5 %25 rise%0Aof ::b::\n");
    }
}
