//! Records inside of a whole JSON document: what `aws logs filter-log-events` and Logs Insights print.

use serde_json::Value;

/// Whether a text is one JSON document over several lines and not an object a line.
pub fn is_document(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else {
        return false;
    };
    let opens = first.starts_with(['{', '[']) && !second.starts_with('{');
    opens && serde_json::from_str::<serde::de::IgnoredAny>(first).is_err_and(|e| e.is_eof())
}

/// The records in a document, in their order: texts that hold one, and objects that are one. `None` if it is no
/// JSON.
pub fn records_in(text: &str) -> Option<Vec<String>> {
    if !is_document(text) {
        return None;
    }
    let document: Value = serde_json::from_str(text).ok()?;
    let mut found = Vec::new();
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text)
                if text.trim_start().starts_with('{') && text.contains("\"modelId\"") =>
            {
                found.push(text.replace('\n', " "));
            }
            Value::Object(fields)
                if fields.contains_key("modelId") && fields.contains_key("timestamp") =>
            {
                found.push(value.to_string());
            }
            // What is pushed last is looked at first.
            Value::Object(fields) => {
                open.extend(fields.values().rev());
            }
            Value::Array(values) => open.extend(values.iter().rev()),
            _ => {}
        }
    }
    (!found.is_empty()).then_some(found)
}
