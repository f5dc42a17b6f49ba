//! Just enough of Rust's grammar to look at code without its comments, texts and tests.

/// A function and how long it is.
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of its `fn`, from 1.
    pub line: usize,
    /// Lines from its `fn` to its closing brace.
    pub lines: usize,
}

/// The code with comments, string and character literals blanked; every line keeps its place.
pub fn blank(code: &str) -> String {
    let chars: Vec<char> = code.chars().collect();
    let mut out = String::with_capacity(code.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment(&chars, at);
        if end > at {
            out.extend(
                chars[at..end]
                    .iter()
                    .map(|&c| if c == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// The end of the literal or comment that begins at `at`; `at` itself if none does.
fn literal_or_comment(chars: &[char], at: usize) -> usize {
    let next = |ahead: usize| chars.get(at + ahead).copied().unwrap_or('\0');
    match chars[at] {
        '/' if next(1) == '/' => {
            let length = chars[at..].iter().position(|&c| c == '\n');
            length.map_or(chars.len(), |length| at + length)
        }
        '/' if next(1) == '*' => block_comment(chars, at),
        '"' => quoted(chars, at),
        'r' if (next(1) == '"' || next(1) == '#') && !part_of_name(chars, at) => {
            raw_string(chars, at)
        }
        // A lifetime has no closing quote two characters on.
        '\'' if next(1) == '\\' => {
            let close = chars[at + 3..].iter().position(|&c| c == '\'');
            close.map_or(chars.len(), |close| at + 3 + close + 1)
        }
        '\'' if next(2) == '\'' => at + 3,
        _ => at,
    }
}

/// Whether the character before `at` belongs to a name that goes on, byte strings apart.
fn part_of_name(chars: &[char], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|place| chars[place]);
    let in_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let of_bytes = before(1) == Some('b') && !in_name(before(2));
    in_name(before(1)) && !of_bytes
}

fn block_comment(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut place = at;
    while place < chars.len() {
        match (chars[place], chars.get(place + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                place += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                place += 2;
                if depth == 0 {
                    return place;
                }
            }
            _ => place += 1,
        }
    }
    place
}

fn quoted(chars: &[char], at: usize) -> usize {
    let mut place = at + 1;
    while place < chars.len() {
        match chars[place] {
            '\\' => place += 2,
            '"' => return place + 1,
            _ => place += 1,
        }
    }
    chars.len()
}

fn raw_string(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let mut place = at + hashes + 2;
    while place < chars.len() {
        let closes = chars[place] == '"'
            && chars[place + 1..]
                .iter()
                .take(hashes)
                .filter(|&&c| c == '#')
                .count()
                == hashes;
        if closes {
            return place + 1 + hashes;
        }
        place += 1;
    }
    chars.len()
}

/// Blanked code with every item under `#[cfg(test)]` blanked too.
pub fn without_tests(blanked: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = blanked.to_owned();
    while let Some(from) = out.find(MARK) {
        let end = item_end(&out, from + MARK.len());
        let gone: String = out[from..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(from..end, &gone);
    }
    out
}

/// The end of the item that begins at `from`: its semicolon, or the brace that closes its body.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[from..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return from + at + 1;
                }
            }
            ';' if depth == 0 => return from + at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The names that follow `root::` in blanked code, groups in braces inside, with their lines.
pub fn paths_below(blanked: &str, root: &str) -> Vec<(usize, String)> {
    let start = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in blanked.match_indices(&start) {
        if blanked[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let line = line_of(blanked, at);
        let rest = &blanked[at + start.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(first_names(group).into_iter().map(|name| (line, name)));
        } else {
            found.push((line, leading_name(rest)));
        }
    }
    found
}

/// The first name of every member of a group whose opening brace has been taken off.
fn first_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 1;
    let mut begins = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => begins = true,
            _ if begins && !c.is_whitespace() => {
                names.push(leading_name(&group[at..]));
                begins = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn leading_name(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// Every function with a body, in blanked code.
pub fn functions(blanked: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in blanked.match_indices("fn ") {
        if blanked[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let name = leading_name(&blanked[at + 3..]);
        let end = item_end(blanked, at);
        if name.is_empty() || !blanked[at..end].ends_with('}') {
            continue;
        }
        let line = line_of(blanked, at);
        found.push(Function {
            name,
            line,
            lines: line_of(blanked, end) - line + 1,
        });
    }
    found
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn literals_comments_and_tests_are_blanked() {
    let code = "let a = \"}\\\"{\"; // crate::cli\nlet b = '{'; let c: &'a str = r#\"\"}\"#;\n\
                #[cfg(test)]\nmod tests { use crate::sim; }\nuse crate::{a::B, c::{D, E}, f};\n";
    let blanked = blank(code);
    assert_eq!(blanked.lines().count(), code.lines().count());
    assert!(
        !blanked.contains("cli") && !blanked.contains('"'),
        "{blanked}"
    );
    assert!(blanked.contains("&'a str"), "{blanked}");
    let names = paths_below(&without_tests(&blanked), "crate");
    let expected = ["a", "c", "f"].map(|name| (5, name.to_owned()));
    assert_eq!(names, expected);
}

#[test]
fn functions_are_measured() {
    let code = "trait T {\n    fn open(&self);\n}\nfn long() {\n    if a {\n    }\n}\n";
    let found = functions(&blank(code));
    let shown: Vec<_> = found
        .iter()
        .map(|f| (f.name.as_str(), f.line, f.lines))
        .collect();
    assert_eq!(shown, [("long", 4, 4)]);
}
