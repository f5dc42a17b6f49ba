//! The JSON of `Converse`, which Nova's own body shares.
//!
//! Unknown fields are ignored, as AWS does; missing ones are found by the checks, which name them.

use super::text::{Measured, Text};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Defines a union: an object of which exactly one known member is set.
macro_rules! union {
    ($(#[$doc:meta])* $name:ident { $($key:literal => $variant:ident($member:ty)),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) enum $name<'a> {
            $($variant($member),)+
            /// No known member is set.
            Unset,
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Members<'a>(std::marker::PhantomData<&'a ()>);
                impl<'de: 'a, 'a> serde::de::Visitor<'de> for Members<'a> {
                    type Value = $name<'a>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut found = $name::Unset;
                        while let Some(key) = map.next_key::<Text<'de>>()? {
                            let member = match &*key {
                                $($key => map
                                    .next_value::<Option<$member>>()?
                                    .map($name::$variant),)+
                                _ => {
                                    map.next_value::<IgnoredAny>()?;
                                    None
                                }
                            };
                            let Some(member) = member else { continue };
                            if !matches!(found, $name::Unset) {
                                return Err(serde::de::Error::custom(
                                    "a union has more than one member set",
                                ));
                            }
                            found = member;
                        }
                        Ok(found)
                    }
                }
                deserializer.deserialize_map(Members(std::marker::PhantomData))
            }
        }
    };
}

/// One turn.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) role: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Vec<Block<'a>>>,
}

union! {
    /// A piece of a turn.
    Block {
        "text" => Text(Text<'a>),
        "image" => Image(Media<'a>),
        "document" => Document(Document<'a>),
        "video" => Video(Media<'a>),
        "audio" => Audio(Media<'a>),
        "toolUse" => ToolUse(ToolUseBlock<'a>),
        "toolResult" => ToolResult(ToolResultBlock<'a>),
        "guardContent" => Guard(GuardContent<'a>),
        "cachePoint" => CachePoint(CachePoint<'a>),
        "reasoningContent" => Reasoning(Reasoning<'a>),
        "citationsContent" => Citations(TextParts<'a>),
        "searchResult" => SearchResult(SearchResult<'a>),
        "toolAddition" => ToolAddition(IgnoredAny),
        "toolRemoval" => ToolRemoval(IgnoredAny),
    }
}

union! {
    /// A piece of the system prompt.
    SystemBlock {
        "text" => Text(Text<'a>),
        "guardContent" => Guard(GuardContent<'a>),
        "cachePoint" => CachePoint(CachePoint<'a>),
    }
}

union! {
    /// A piece of what a tool answered.
    ResultBlock {
        "text" => Text(Text<'a>),
        "json" => Json(Measured),
        "image" => Image(Media<'a>),
        "document" => Document(Document<'a>),
        "video" => Video(Media<'a>),
        "searchResult" => SearchResult(SearchResult<'a>),
    }
}

union! {
    /// What a guardrail is told to look at.
    GuardContent {
        "text" => Text(GuardText<'a>),
        "image" => Image(Media<'a>),
    }
}

union! {
    /// A tool, or a cache point among tools.
    ToolBlock {
        "toolSpec" => Spec(ToolSpec<'a>),
        "systemTool" => System(Named<'a>),
        "cachePoint" => CachePoint(CachePoint<'a>),
    }
}

union! {
    /// Which tools a model must or may use.
    Choice {
        "auto" => Auto(IgnoredAny),
        "any" => Any(IgnoredAny),
        "tool" => Tool(Named<'a>),
    }
}

union! {
    /// Thoughts of an earlier turn.
    Reasoning {
        "reasoningText" => Text(TextPart<'a>),
        "redactedContent" => Redacted(Text<'a>),
    }
}

/// Text to look at.
#[derive(Debug, Deserialize)]
pub(super) struct GuardText<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
}

/// A marker behind which a prefix may be cached.
#[derive(Debug, Deserialize)]
pub(super) struct CachePoint<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ttl: Option<Text<'a>>,
}

/// An image, a video or a sound.
#[derive(Debug, Deserialize)]
pub(super) struct Media<'a> {
    #[serde(borrow)]
    pub(super) format: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source: Option<FileSource<'a>>,
}

/// A document.
#[derive(Debug, Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source: Option<FileSource<'a>>,
    #[serde(borrow)]
    pub(super) context: Option<Text<'a>>,
}

/// Where a file is; documents may also be plain text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileSource<'a> {
    #[serde(borrow)]
    pub(super) bytes: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) s3_location: Option<S3Location<'a>>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Vec<TextPart<'a>>>,
}

/// A file in S3.
#[derive(Debug, Deserialize)]
pub(super) struct S3Location<'a> {
    #[serde(borrow)]
    pub(super) uri: Option<Text<'a>>,
}

/// A piece of text in an object of its own.
#[derive(Debug, Deserialize)]
pub(super) struct TextPart<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
}

/// Pieces of text.
#[derive(Debug, Deserialize)]
pub(super) struct TextParts<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Vec<TextPart<'a>>>,
}

/// What a search found.
#[derive(Debug, Deserialize)]
pub(super) struct SearchResult<'a> {
    #[serde(borrow)]
    pub(super) title: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Vec<TextPart<'a>>>,
}

/// A model's use of a tool.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUseBlock<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    pub(super) input: Option<Measured>,
}

/// What a tool answered.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResultBlock<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Vec<ResultBlock<'a>>>,
    #[serde(borrow)]
    pub(super) status: Option<Text<'a>>,
}

/// The tools of a call.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    #[serde(borrow)]
    pub(super) tools: Option<Vec<ToolBlock<'a>>>,
    #[serde(borrow)]
    pub(super) tool_choice: Option<Choice<'a>>,
}

/// A declared tool.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolSpec<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) description: Option<Text<'a>>,
    pub(super) input_schema: Option<InputSchema>,
}

/// The schema of a tool's arguments.
#[derive(Debug, Deserialize)]
pub(super) struct InputSchema {
    pub(super) json: Option<Value>,
}

/// Something by its name.
#[derive(Debug, Deserialize)]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
}
