//! The rules of the prompt cache. Some are documented, the others are assumptions with a name.

use std::fmt;

/// From when on what a call wrote to the cache can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CacheReady {
    /// From the first token of the call that wrote it on; calls that come before write it again.
    #[default]
    FirstToken,
    /// From the admission of that call on.
    AtOnce,
}

impl fmt::Display for CacheReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstToken => "first_token",
            Self::AtOnce => "at_once",
        })
    }
}

/// How the prompt cache works, as resolved for one variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheRules {
    /// When a write can be read.
    pub ready: CacheReady,
    /// Whether a read starts the life of an entry anew (Bedrock user guide, "Prompt caching").
    pub refresh: bool,
    /// At how many ends of content blocks an earlier point is looked for, the cache point itself
    /// being the first.
    pub lookback_blocks: u32,
    /// Whether each Region has a cache of its own. AWS does not say, but warns that routing over
    /// Regions lowers the hit rate.
    pub per_region: bool,
    /// The fewest tokens of a prefix that is cached, where that is not what each model's profile says.
    pub min_tokens: Option<u32>,
}

/// The most ends of content blocks that can be looked at.
pub const MOST_LOOKBACK: u32 = 32;

impl Default for CacheRules {
    /// Entries can be read from the first token on, reads renew them, and twenty blocks are looked
    /// at (Anthropic's documentation of prompt caching; Bedrock's user guide says "about 20").
    fn default() -> Self {
        Self {
            ready: CacheReady::default(),
            refresh: true,
            lookback_blocks: 20,
            per_region: true,
            min_tokens: None,
        }
    }
}
