//! The JSON of Anthropic's Messages.

use super::text::{Measured, Text};
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// A body.
#[derive(Debug, Deserialize)]
pub(super) struct Body<'a> {
    pub(super) anthropic_version: Option<IgnoredAny>,
    pub(super) max_tokens: Option<i64>,
    #[serde(borrow)]
    pub(super) messages: Option<Vec<Message<'a>>>,
    #[serde(borrow)]
    pub(super) system: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) tools: Option<Vec<Tool<'a>>>,
    #[serde(borrow)]
    pub(super) tool_choice: Option<Choice<'a>>,
    #[serde(borrow)]
    pub(super) stop_sequences: Option<Vec<Text<'a>>>,
}

/// One turn.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) role: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
}

/// Content as one text or as blocks.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Text(Text<'a>),
    Blocks(Vec<Block<'a>>),
    /// An object, such as the error of a server's tool.
    Other,
}

impl<'a> Content<'a> {
    /// The blocks; none for one text.
    pub(super) fn blocks(&self) -> &[Block<'a>] {
        match self {
            Self::Blocks(blocks) => blocks,
            Self::Text(_) | Self::Other => &[],
        }
    }

    /// The text of the text blocks, or the one text.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text<'a>> {
        let one = match self {
            Self::Text(text) => Some(text),
            Self::Blocks(_) | Self::Other => None,
        };
        let is_text = |block: &&Block<'a>| block.kind() == "text";
        let blocks = self.blocks().iter().filter(is_text);
        one.into_iter()
            .chain(blocks.filter_map(|block| block.text.as_ref()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Content<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of content blocks")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Content<'de>, E> {
                Ok(Content::Text(Text(Cow::Borrowed(text))))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Content<'de>, E> {
                Ok(Content::Text(Text(Cow::Owned(text.to_owned()))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content<'de>, A::Error> {
                let mut blocks = Vec::new();
                while let Some(block) = list.next_element()? {
                    blocks.push(block);
                }
                Ok(Content::Blocks(blocks))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Content::Other)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A block of any type: the fields of all types side by side.
#[derive(Debug, Deserialize)]
pub(super) struct Block<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) thinking: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source: Option<Source<'a>>,
    #[serde(borrow)]
    pub(super) title: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) context: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    pub(super) input: Option<Measured>,
    #[serde(borrow)]
    pub(super) tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) cache_control: Option<CacheControl<'a>>,
}

impl Block<'_> {
    /// Its type.
    pub(super) fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_default()
    }
}

/// Where an image or a document is; a search result's source is a plain text.
#[derive(Debug)]
pub(super) struct Source<'a> {
    /// `base64`, `text`, `url`, `content` or `file`.
    pub(super) kind: Option<Text<'a>>,
    /// The file, its text, or its address.
    pub(super) data: Option<Text<'a>>,
    /// Blocks of a document given as content.
    pub(super) content: Option<Content<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Source<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Source<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a source")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Source<'de>, E> {
                Ok(Source {
                    kind: None,
                    data: Some(Text(Cow::Owned(text.to_owned()))),
                    content: None,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Source<'de>, A::Error> {
                let (mut kind, mut data, mut content) = (None, None, None);
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    match &*key {
                        "type" => kind = map.next_value()?,
                        "data" | "url" | "file_id" => data = map.next_value()?,
                        "content" => content = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Source {
                    kind,
                    data,
                    content,
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A marker: the prefix up to its block may be cached.
#[derive(Debug, Deserialize)]
pub(super) struct CacheControl<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ttl: Option<Text<'a>>,
}

/// A declared tool. Tools of Anthropic's own have a `type` and no schema.
#[derive(Debug, Deserialize)]
pub(super) struct Tool<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) description: Option<Text<'a>>,
    pub(super) input_schema: Option<Value>,
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) cache_control: Option<CacheControl<'a>>,
}

/// Which tools a model must or may use.
#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
}
