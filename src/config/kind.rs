//! The kinds of value that a key can have, each with its message when it has another.

use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds, RangeInclusive};

use super::{Node, Problem, Value, nearest};
use crate::units::{
    Micros, ParseUnitError, PerSecond, Ratio, RequestsPerMinute, Tokens, TokensPerDay,
    TokensPerMinute, UnitText, Usd,
};

/// Reads one kind of value.
pub trait Kind {
    /// What it reads into.
    type Output;

    /// What a user should write, with its article: "a duration".
    fn expected(&self) -> String;

    /// Reads `node`, the value of `key`.
    ///
    /// # Errors
    /// What is wrong with the value; at least one problem.
    fn read(&self, key: &str, node: &Node) -> Result<Self::Output, Vec<Problem>>;
}

impl<K: Kind> Kind for &K {
    type Output = K::Output;

    fn expected(&self) -> String {
        (**self).expected()
    }

    fn read(&self, key: &str, node: &Node) -> Result<K::Output, Vec<Problem>> {
        (**self).read(key, node)
    }
}

/// The value has another type than `kind` reads.
fn misfit<T>(kind: &impl Kind, key: &str, node: &Node, help: &str) -> Result<T, Vec<Problem>> {
    let message = format!(
        "expected {} for `{key}`, found {}",
        kind.expected(),
        node.value.found()
    );
    let problem = Problem::new(node.span.clone(), message)
        .label(format!("is {}", node.value.kind()))
        .help(help);
    Err(vec![problem])
}

/// A quantity that is written with its unit.
pub trait Quantity: UnitText {
    /// What it is, with its article: "a duration".
    const NAME: &'static str;

    /// A bare integer as this quantity, where counts need no unit.
    fn from_count(_count: u64) -> Option<Self> {
        None
    }
}

impl Quantity for Micros {
    const NAME: &'static str = "a duration";
}
impl Quantity for PerSecond {
    const NAME: &'static str = "a rate";
}
impl Quantity for Usd {
    const NAME: &'static str = "an amount of dollars";
}

macro_rules! count_quantity {
    ($($type:ident: $name:literal),*) => {$(
        impl Quantity for $type {
            const NAME: &'static str = $name;

            fn from_count(count: u64) -> Option<Self> {
                Some(Self(count))
            }
        }
    )*};
}
count_quantity!(
    Tokens: "a number of tokens",
    TokensPerMinute: "a number of tokens per minute",
    RequestsPerMinute: "a number of requests per minute",
    TokensPerDay: "a number of tokens per day"
);

/// A quantity with its unit, such as `"250ms"`, `"12/s"`, `"$40"` or, for counts, `2000000`.
pub fn unit<Q: Quantity>() -> impl Kind<Output = Q> {
    Unit(PhantomData)
}

struct Unit<Q>(PhantomData<Q>);

impl<Q: Quantity> Kind for Unit<Q> {
    type Output = Q;

    fn expected(&self) -> String {
        Q::NAME.to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<Q, Vec<Problem>> {
        let help = format!("write it like {}", Q::EXAMPLES);
        let problem = |message: String, label: String| {
            let problem = Problem::new(node.span.clone(), message).label(label);
            Err(vec![problem.help(help.clone())])
        };
        match &node.value {
            Value::Text(text) => Q::parse_unit(text).or_else(|error| {
                let label = match &error {
                    ParseUnitError::NoNumber => "is not a number with a unit".to_owned(),
                    other => other.to_string(),
                };
                let found = Value::Text(text.clone()).found();
                let found = found.trim_start_matches("the string ");
                problem(format!("`{key}` is not {}: {found}", Q::NAME), label)
            }),
            Value::Integer(value) if Q::from_count(0).is_some() => u64::try_from(*value)
                .ok()
                .and_then(Q::from_count)
                .map_or_else(
                    || {
                        problem(
                            format!("`{key}` must not be negative"),
                            format!("is {value}"),
                        )
                    },
                    Ok,
                ),
            Value::Integer(_) | Value::Float(_) => problem(
                format!(
                    "expected {} for `{key}`, found {}",
                    Q::NAME,
                    node.value.found()
                ),
                "has no unit".to_owned(),
            ),
            _ => misfit(self, key, node, &help),
        }
    }
}

/// A whole number in `range`.
pub fn whole<T: TryFrom<i64>>(range: RangeInclusive<i64>) -> impl Kind<Output = T> {
    Whole {
        range,
        suffixes: false,
        output: PhantomData,
    }
}

/// A whole number in `range`, also as text with a suffix: `6000` or `"6k"`.
pub fn count<T: TryFrom<i64>>(range: RangeInclusive<i64>) -> impl Kind<Output = T> {
    Whole {
        range,
        suffixes: true,
        output: PhantomData,
    }
}

struct Whole<T> {
    range: RangeInclusive<i64>,
    suffixes: bool,
    output: PhantomData<T>,
}

impl<T: TryFrom<i64>> Kind for Whole<T> {
    type Output = T;

    fn expected(&self) -> String {
        "a whole number".to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<T, Vec<Problem>> {
        let value = match &node.value {
            Value::Integer(value) => *value,
            Value::Text(text) if self.suffixes => match Tokens::parse_unit(text) {
                // Counts stop at nine quadrillion, far within the range.
                Ok(count) => i64::try_from(count.0).unwrap_or(i64::MAX),
                Err(error) => {
                    let problem = Problem::new(
                        node.span.clone(),
                        format!("`{key}` is not a whole number: {}", quoted(text)),
                    );
                    let help = format!("write it like {}", Tokens::EXAMPLES);
                    return Err(vec![problem.label(error.to_string()).help(help)]);
                }
            },
            _ => return misfit(self, key, node, "write a whole number without quotes"),
        };
        let (least, most) = (*self.range.start(), *self.range.end());
        let outside = |bound: String, help: String| {
            let problem = Problem::new(node.span.clone(), format!("`{key}` must be {bound}"));
            Err(vec![problem.label(format!("is {value}")).help(help)])
        };
        if value < least {
            return outside(
                format!("at least {least}"),
                format!("use a whole number from {least} on"),
            );
        }
        match T::try_from(value) {
            Ok(read) if value <= most => Ok(read),
            _ => outside(
                format!("at most {most}"),
                format!("use a whole number from {least} to {most}"),
            ),
        }
    }
}

fn quoted(text: &str) -> String {
    let found = Value::Text(text.to_owned()).found();
    found.trim_start_matches("the string ").to_owned()
}

/// A finite number in `range`.
pub fn float(range: impl RangeBounds<f64>) -> impl Kind<Output = f64> {
    Float {
        least: range.start_bound().cloned(),
        most: range.end_bound().cloned(),
    }
}

/// A finite number above zero.
pub fn positive() -> impl Kind<Output = f64> {
    float((Bound::Excluded(0.0), Bound::Unbounded))
}

/// A finite number of zero or more.
pub fn non_negative() -> impl Kind<Output = f64> {
    float(0.0..)
}

struct Float {
    least: Bound<f64>,
    most: Bound<f64>,
}

impl Kind for Float {
    type Output = f64;

    fn expected(&self) -> String {
        "a number".to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<f64, Vec<Problem>> {
        let value = match &node.value {
            Value::Integer(value) => *value as f64,
            Value::Float(value) => *value,
            _ => return misfit(self, key, node, "write a number without quotes"),
        };
        if !value.is_finite() {
            let problem = Problem::new(node.span.clone(), format!("`{key}` must be finite"));
            let problem = problem.label(format!("is {value}"));
            return Err(vec![problem.help("write an ordinary number")]);
        }
        if (self.least, self.most).contains(&value) {
            return Ok(value);
        }
        let least = match self.least {
            Bound::Included(0.0) if self.most == Bound::Unbounded => {
                Some("zero or more".to_owned())
            }
            Bound::Included(least) => Some(format!("at least {least}")),
            Bound::Excluded(least) => Some(format!("above {least}")),
            Bound::Unbounded => None,
        };
        let most = match self.most {
            Bound::Included(most) => Some(format!("at most {most}")),
            Bound::Excluded(most) => Some(format!("below {most}")),
            Bound::Unbounded => None,
        };
        let bounds: Vec<String> = [least, most].into_iter().flatten().collect();
        let bounds = bounds.join(" and ");
        let problem = Problem::new(node.span.clone(), format!("`{key}` must be {bounds}"));
        let problem = problem.label(format!("is {value}"));
        Err(vec![problem.help(format!("use a number that is {bounds}"))])
    }
}

/// A share from 0 to 1.
pub fn share() -> impl Kind<Output = Ratio> {
    Share
}

struct Share;

impl Kind for Share {
    type Output = Ratio;

    fn expected(&self) -> String {
        "a share from 0 to 1".to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<Ratio, Vec<Problem>> {
        let value = match &node.value {
            Value::Integer(value) => *value as f64,
            Value::Float(value) => *value,
            _ => return misfit(self, key, node, "write a number such as `0.01`"),
        };
        Ratio::new(value).ok_or_else(|| {
            let message = format!("`{key}` must be a share from 0 to 1");
            let problem = Problem::new(node.span.clone(), message).label(format!("is {value}"));
            vec![problem.help("one per cent is `0.01`")]
        })
    }
}

/// A text that is not empty, without control characters but line breaks and tabs.
pub fn text() -> impl Kind<Output = String> {
    Text
}

struct Text;

impl Kind for Text {
    type Output = String;

    fn expected(&self) -> String {
        "a text".to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<String, Vec<Problem>> {
        let Value::Text(text) = &node.value else {
            return misfit(self, key, node, "put the text in double quotes");
        };
        if text.trim().is_empty() {
            let problem = Problem::new(node.span.clone(), format!("`{key}` is empty"));
            return Err(vec![problem.help("write a text, or leave the key out")]);
        }
        // Results go to terminals, where escape codes would act instead of being seen.
        let acts = |c: &char| c.is_control() && !"\n\t".contains(*c);
        if let Some(c) = text.chars().find(acts) {
            let message = format!("`{key}` has the control character `{}`", c.escape_unicode());
            let problem = Problem::new(node.span.clone(), message);
            return Err(vec![problem.help("write the text without it")]);
        }
        Ok(text.clone())
    }
}

/// `true` or `false`.
pub fn boolean() -> impl Kind<Output = bool> {
    Boolean
}

struct Boolean;

impl Kind for Boolean {
    type Output = bool;

    fn expected(&self) -> String {
        "`true` or `false`".to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<bool, Vec<Problem>> {
        match node.value {
            Value::Bool(value) => Ok(value),
            _ => misfit(self, key, node, "write `true` or `false` without quotes"),
        }
    }
}

/// One of a few words.
pub fn one_of<T: Clone>(words: &[(&'static str, T)]) -> impl Kind<Output = T> {
    OneOf(words.to_vec())
}

struct OneOf<T>(Vec<(&'static str, T)>);

impl<T: Clone> Kind for OneOf<T> {
    type Output = T;

    fn expected(&self) -> String {
        "one of a few words".to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<T, Vec<Problem>> {
        let words: Vec<&str> = self.0.iter().map(|(word, _)| *word).collect();
        let list = format!("use one of `\"{}\"`", words.join("\"`, `\""));
        let Value::Text(text) = &node.value else {
            return misfit(self, key, node, &list);
        };
        if let Some((_, value)) = self.0.iter().find(|(word, _)| word == text) {
            return Ok(value.clone());
        }
        let help = match nearest(text, &words) {
            Some(word) => format!("did you mean `\"{word}\"`? {list}"),
            None => list,
        };
        let message = format!("`{key}` cannot be {}", quoted(text));
        let problem = Problem::new(node.span.clone(), message).label("unknown choice");
        Err(vec![problem.help(help)])
    }
}

/// What `kind` reads, or the word `"unset"`, with which a variant takes a value back.
pub fn unset_or<K: Kind>(kind: K) -> impl Kind<Output = Option<K::Output>> {
    UnsetOr(kind)
}

struct UnsetOr<K>(K);

impl<K: Kind> Kind for UnsetOr<K> {
    type Output = Option<K::Output>;

    fn expected(&self) -> String {
        self.0.expected()
    }

    fn read(&self, key: &str, node: &Node) -> Result<Self::Output, Vec<Problem>> {
        if matches!(&node.value, Value::Text(text) if text == "unset") {
            return Ok(None);
        }
        self.0.read(key, node).map(Some)
    }
}

/// An array of one kind of value.
pub fn list<K: Kind>(kind: K) -> impl Kind<Output = Vec<K::Output>> {
    List(kind)
}

struct List<K>(K);

impl<K: Kind> Kind for List<K> {
    type Output = Vec<K::Output>;

    fn expected(&self) -> String {
        "an array".to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<Self::Output, Vec<Problem>> {
        let Value::Array(nodes) = &node.value else {
            return misfit(self, key, node, "put the values in square brackets");
        };
        let mut values = Vec::with_capacity(nodes.len());
        let mut problems = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            match self.0.read(&format!("{key}[{i}]"), node) {
                Ok(value) => values.push(value),
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() {
            Ok(values)
        } else {
            Err(problems)
        }
    }
}

/// An array of two values.
pub fn pair<A: Kind, B: Kind>(first: A, second: B) -> impl Kind<Output = (A::Output, B::Output)> {
    Pair(first, second)
}

struct Pair<A, B>(A, B);

impl<A: Kind, B: Kind> Kind for Pair<A, B> {
    type Output = (A::Output, B::Output);

    fn expected(&self) -> String {
        format!("a pair of {} and {}", self.0.expected(), self.1.expected())
    }

    fn read(&self, key: &str, node: &Node) -> Result<Self::Output, Vec<Problem>> {
        let Value::Array(nodes) = &node.value else {
            return misfit(self, key, node, "put both values in square brackets");
        };
        let [first, second] = nodes.as_slice() else {
            let message = format!("`{key}` must be {}", self.expected());
            let problem = Problem::new(node.span.clone(), message);
            return Err(vec![problem.label(format!("has {} values", nodes.len()))]);
        };
        match (self.0.read(key, first), self.1.read(key, second)) {
            (Ok(first), Ok(second)) => Ok((first, second)),
            (first, second) => Err([first.err(), second.err()]
                .into_iter()
                .flatten()
                .flatten()
                .collect()),
        }
    }
}
