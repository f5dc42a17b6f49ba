//! A text that matches a regular expression, for the plain ones that schemas hold.
//!
//! Knows literals, escapes, classes, groups, alternatives, counts and anchors. What it does not
//! know (look-around, back references, Unicode classes) gives nothing, and the caller falls back
//! on other text.

use crate::rng::mix64;

/// Repetitions of one piece at most.
const MAX_REPEAT: usize = 4_096;
/// Nesting of groups at most.
const MAX_DEPTH: u32 = 32;

/// One piece of an expression.
#[derive(Clone, Debug)]
enum Node {
    /// One of these characters, given as inclusive ranges.
    Class(Vec<(char, char)>),
    /// One after the other.
    Sequence(Vec<Node>),
    /// One of these.
    Choice(Vec<Node>),
    /// So many times; no upper bound where there is none.
    Repeat(Box<Node>, usize, Option<usize>),
}

/// A text of `least` to `most` characters that matches `pattern`, where one can be made.
pub(super) fn matching(pattern: &str, least: usize, most: usize, bits: u64) -> Option<String> {
    let mut parser = Parser {
        rest: pattern.chars().collect::<Vec<_>>(),
        at: 0,
    };
    let node = parser.choice(0)?;
    if parser.at != parser.rest.len() {
        return None;
    }
    let mut extra = 0;
    loop {
        let mut writer = Writer {
            bits,
            extra,
            room: MAX_REPEAT * 4,
            text: String::new(),
        };
        writer.write(&node);
        let length = writer.text.chars().count();
        if length >= least {
            return (length <= most).then_some(writer.text);
        }
        if extra > least {
            return None;
        }
        extra += 1 + extra / 16;
    }
}

struct Parser {
    rest: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn takes(&mut self, text: &str) -> bool {
        let there = text
            .chars()
            .enumerate()
            .all(|(n, c)| self.rest.get(self.at + n) == Some(&c));
        if there {
            self.at += text.chars().count();
        }
        there
    }

    fn choice(&mut self, depth: u32) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut branches = vec![self.sequence(depth)?];
        while self.takes("|") {
            branches.push(self.sequence(depth)?);
        }
        Some(Node::Choice(branches))
    }

    fn sequence(&mut self, depth: u32) -> Option<Node> {
        let mut nodes = Vec::new();
        while let Some(next) = self.peek() {
            match next {
                '|' | ')' => break,
                '^' | '$' => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let atom = self.atom(depth)?;
            nodes.push(self.repeated(atom)?);
        }
        Some(Node::Sequence(nodes))
    }

    fn atom(&mut self, depth: u32) -> Option<Node> {
        match self.next()? {
            '(' => {
                if self.takes("?") && !self.takes(":") {
                    // A name is skipped; look-around is not known.
                    if !(self.takes("<") || self.takes("P<")) || matches!(self.peek()?, '=' | '!') {
                        return None;
                    }
                    while self.next()? != '>' {}
                }
                let inner = self.choice(depth + 1)?;
                self.takes(")").then_some(inner)
            }
            '[' => self.class(),
            '.' => Some(Node::Class(vec![('a', 'z')])),
            '\\' => self.escape().map(Node::Class),
            '*' | '+' | '?' => None,
            literal => Some(Node::Class(vec![(literal, literal)])),
        }
    }

    fn escape(&mut self) -> Option<Vec<(char, char)>> {
        Some(match self.next()? {
            'd' => vec![('0', '9')],
            'w' => vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')],
            's' => vec![(' ', ' ')],
            'D' | 'S' => vec![('a', 'z')],
            'W' => vec![('-', '-')],
            'n' => vec![('\n', '\n')],
            't' => vec![('\t', '\t')],
            'r' => vec![('\r', '\r')],
            other if other.is_ascii_alphanumeric() => return None,
            other => vec![(other, other)],
        })
    }

    fn class(&mut self) -> Option<Node> {
        let negated = self.takes("^");
        let mut ranges: Vec<(char, char)> = Vec::new();
        while !self.takes("]") {
            let next = self.next()?;
            if next == '\\' {
                ranges.extend(self.escape()?);
                continue;
            }
            let ranged = self.peek() == Some('-')
                && self
                    .rest
                    .get(self.at + 1)
                    .is_some_and(|after| *after != ']');
            if ranged {
                self.at += 1;
                let end = match self.next()? {
                    '\\' => self.escape()?.first()?.0,
                    end => end,
                };
                if end < next {
                    return None;
                }
                ranges.push((next, end));
            } else {
                ranges.push((next, next));
            }
        }
        if negated {
            let outside = |c: &char| !ranges.iter().any(|(a, b)| a <= c && c <= b);
            ranges = (' '..='~').filter(outside).map(|c| (c, c)).collect();
        }
        (!ranges.is_empty()).then_some(Node::Class(ranges))
    }

    fn repeated(&mut self, atom: Node) -> Option<Node> {
        let (least, most) = match self.peek() {
            Some('?') => (0, Some(1)),
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('{') => {
                self.at += 1;
                let least = self.count()?;
                let most = if self.takes(",") {
                    if self.peek() == Some('}') {
                        None
                    } else {
                        Some(self.count()?)
                    }
                } else {
                    Some(least)
                };
                if self.peek() != Some('}') {
                    return None;
                }
                (least, most)
            }
            _ => return Some(atom),
        };
        self.at += 1;
        // A lazy or possessive mark changes nothing of what matches as a whole.
        if matches!(self.peek(), Some('?' | '+')) {
            self.at += 1;
        }
        (least <= MAX_REPEAT).then(|| Node::Repeat(Box::new(atom), least, most))
    }

    fn count(&mut self) -> Option<usize> {
        let mut count: Option<usize> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            count = Some(
                count
                    .unwrap_or(0)
                    .checked_mul(10)?
                    .checked_add(digit as usize)?,
            );
            self.at += 1;
        }
        count
    }
}

struct Writer {
    bits: u64,
    /// Repetitions beyond the least.
    extra: usize,
    /// Characters that may still be written, so that nested counts end.
    room: usize,
    text: String,
}

impl Writer {
    fn below(&mut self, bound: usize) -> usize {
        self.bits = mix64(self.bits.wrapping_add(0x9e37_79b9_7f4a_7c15));
        (self.bits % bound.max(1) as u64) as usize
    }

    fn write(&mut self, node: &Node) {
        if self.room == 0 {
            return;
        }
        match node {
            Node::Class(ranges) => {
                self.room -= 1;
                let (from, to) = ranges[self.below(ranges.len())];
                let span = to as u32 - from as u32 + 1;
                let code = from as u32 + self.below(span as usize) as u32;
                self.text.push(char::from_u32(code).unwrap_or(from));
            }
            Node::Sequence(nodes) => {
                for node in nodes {
                    self.write(node);
                }
            }
            Node::Choice(branches) => {
                let index = self.below(branches.len());
                self.write(&branches[index]);
            }
            Node::Repeat(node, least, most) => {
                let times = (least + self.extra).min(most.unwrap_or(MAX_REPEAT).max(*least));
                for _ in 0..times {
                    if self.room == 0 {
                        return;
                    }
                    self.write(node);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_tool_schemas() {
        for (pattern, least, most, check) in [
            ("^[A-Z]{2}\\d{4}$", 0, 99, "UUdddd"),
            ("^(red|green)$", 0, 99, ""),
            ("^[a-z0-9-]+$", 12, 12, ""),
            ("^\\+?[1-9]\\d{1,14}$", 0, 99, ""),
            ("^(?<year>\\d{4})-(?:0[1-9]|1[0-2])$", 0, 99, ""),
        ] {
            for bits in 0..20 {
                let text = matching(pattern, least, most, bits).unwrap();
                let schema = serde_json::json!({ "pattern": pattern, "minLength": least, "maxLength": most });
                assert!(
                    jsonschema::is_valid(&schema, &text.clone().into()),
                    "{text:?} for {pattern} {check}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_known_gives_nothing() {
        for pattern in [
            "(?=a)b", "(?<!a)b", "\\bword", "[z-a]", "(", "a{2", "*", "a{99999}", "[]",
        ] {
            assert_eq!(matching(pattern, 0, 99, 1), None, "{pattern}");
        }
        assert_eq!(matching("^abc$", 9, 99, 1), None);
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[a-z0-9(){}\\[\\]|*+?^$\\\\,:<-]{0,24}", least in 0usize..40) {
            let _ = matching(&pattern, least, 80, 7);
        }
    }
}
