//! Building blocks of JSON bodies: borrowed text, pairs, and JSON that only its size matters of.

use rustc_hash::FxHasher;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::hash::Hasher;
use std::ops::Deref;

/// Text, borrowed from the body unless it holds escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_str(Any)
    }
}

/// An object of texts, in the order of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pairs<'a>(pub(super) Vec<(Text<'a>, Text<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

/// Any JSON, of which only its size as compact JSON and a hash of its content are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Measured {
    /// Bytes of the value written without white space and with no more escapes than needed.
    pub(super) bytes: u64,
    /// Hash of the value; white space does not change it, the order of keys does.
    pub(super) hash: u64,
}

impl Measured {
    fn of(tag: u8, bytes: u64, content: impl FnOnce(&mut FxHasher)) -> Self {
        let mut hasher = FxHasher::default();
        hasher.write_u8(tag);
        content(&mut hasher);
        Self {
            bytes,
            hash: hasher.finish(),
        }
    }

    fn number(text: fmt::Arguments<'_>, hash: u64) -> Self {
        struct Count(u64);
        impl fmt::Write for Count {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0 += text.len() as u64;
                Ok(())
            }
        }
        let mut count = Count(0);
        // Counting cannot fail.
        let _ = fmt::write(&mut count, text);
        Self::of(1, count.0, |hasher| hasher.write_u64(hash))
    }
}

impl<'de> Deserialize<'de> for Measured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Measure)
    }
}

struct Measure;

impl<'de> Visitor<'de> for Measure {
    type Value = Measured;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Measured, E> {
        Ok(Measured::of(0, 4, |_| ()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Measured, E> {
        let bytes = if value { 4 } else { 5 };
        Ok(Measured::of(2, bytes, |hasher| {
            hasher.write_u8(u8::from(value));
        }))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Measured, E> {
        Ok(Measured::number(format_args!("{value}"), value as u64))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Measured, E> {
        Ok(Measured::number(format_args!("{value}"), value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Measured, E> {
        Ok(Measured::number(format_args!("{value}"), value.to_bits()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Measured, E> {
        Ok(Measured::of(3, value.len() as u64 + 2, |hasher| {
            hasher.write(value.as_bytes());
        }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Measured, A::Error> {
        let mut hasher = FxHasher::default();
        hasher.write_u8(4);
        let (mut bytes, mut count) = (2u64, 0u64);
        while let Some(item) = list.next_element::<Measured>()? {
            bytes += item.bytes;
            count += 1;
            hasher.write_u64(item.hash);
        }
        Ok(Measured {
            bytes: bytes + count.saturating_sub(1),
            hash: hasher.finish(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Measured, A::Error> {
        let mut hasher = FxHasher::default();
        hasher.write_u8(5);
        let (mut bytes, mut count) = (2u64, 0u64);
        while let Some(key) = map.next_key::<Text<'de>>()? {
            let value: Measured = map.next_value()?;
            bytes += key.len() as u64 + 3 + value.bytes;
            count += 1;
            hasher.write(key.as_bytes());
            hasher.write_u64(value.hash);
        }
        Ok(Measured {
            bytes: bytes + count.saturating_sub(1),
            hash: hasher.finish(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn measured(json: &str) -> Measured {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn text_is_borrowed_unless_escaped() {
        let plain: Text<'_> = serde_json::from_str(r#""abc""#).unwrap();
        assert!(matches!(plain.0, Cow::Borrowed("abc")));
        let escaped: Text<'_> = serde_json::from_str(r#""a\nc""#).unwrap();
        assert_eq!(&*escaped, "a\nc");
    }

    #[test]
    fn json_is_measured_as_if_compact() {
        for json in [
            "null",
            "true",
            "false",
            "0",
            "-17",
            "2.5",
            "\"é\"",
            "[]",
            "{}",
            "[1,[2,{}]]",
        ] {
            assert_eq!(measured(json).bytes, json.len() as u64, "{json}");
        }
        let compact = r#"{"type":"object","n":[1,2.5,"x",null,true],"o":{"a":""}}"#;
        let spread = compact.replace(',', " ,\n  ").replace(':', " : ");
        assert_eq!(measured(compact).bytes, compact.len() as u64);
        assert_eq!(measured(compact), measured(&spread));
        let others = [
            r#"{"a":"b"}"#,
            r#"{"a":"c"}"#,
            r#"{"b":"a"}"#,
            r#"["a","b"]"#,
            r#"[["a"],"b"]"#,
        ];
        for (i, one) in others.iter().enumerate() {
            for other in &others[i + 1..] {
                assert_ne!(measured(one).hash, measured(other).hash, "{one} {other}");
            }
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000);
        assert!(serde_json::from_str::<Measured>(&deep).is_err());
    }

    proptest! {
        #[test]
        fn a_value_measures_like_its_text(keys in proptest::collection::vec("[a-z]{0,5}", 0..6), n in any::<i64>()) {
            let value: Value = keys.iter().map(|key| (key.clone(), Value::from(n))).collect();
            let text = value.to_string();
            prop_assert_eq!(measured(&text), Measured::deserialize(&value).unwrap());
            prop_assert_eq!(measured(&text).bytes, text.len() as u64);
        }
    }
}
