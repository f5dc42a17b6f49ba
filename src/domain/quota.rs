//! The rules of quota enforcement. AWS publishes none of them; each is an assumption with a name.

use std::fmt;

/// How use is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The last sixty seconds, at any moment.
    Sliding,
    /// A clock minute; the counter starts again at each.
    Fixed,
    /// A bucket that refills continuously.
    Bucket,
}

/// How a reservation turns into settled use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Semantics {
    /// Taken at admission, the unused part given back at the end: the optimistic bound.
    A,
    /// Held apart while the request runs; what it used counts from its end on: conservative.
    B,
    /// Taken at admission, given back only within the same window.
    C,
}

impl Semantics {
    /// The window that `methods` of this kind imply when a scenario names none.
    pub fn default_window(self) -> Window {
        match self {
            Self::A => Window::Bucket,
            Self::B => Window::Sliding,
            Self::C => Window::Fixed,
        }
    }
}

/// Every assumption on quota enforcement, as resolved for one variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaRules {
    /// How reservations settle.
    pub semantics: Semantics,
    /// The window of token quotas.
    pub token_window: Window,
    /// The window of request quotas.
    pub request_window: Window,
    /// Whether admission reserves tokens that will be read from the cache.
    pub reserve_counts_cache_read: bool,
    /// Whether a refused request counts against RPM.
    pub refused_counts_rpm: bool,
    /// Whether per-model tokens-per-day quotas are enforced.
    pub enforce_tpd: bool,
}

impl Default for QuotaRules {
    /// Semantics B with a sliding window for tokens; a bucket for requests, because the one
    /// published observation (gilinachum/bedrock-latency, January 2026) rules out a sliding
    /// window there; cache reads not reserved, as in the user guide's worked example.
    fn default() -> Self {
        Self {
            semantics: Semantics::B,
            token_window: Window::Sliding,
            request_window: Window::Bucket,
            reserve_counts_cache_read: false,
            refused_counts_rpm: false,
            enforce_tpd: true,
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sliding => "sliding",
            Self::Fixed => "fixed",
            Self::Bucket => "bucket",
        })
    }
}

impl fmt::Display for Semantics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        })
    }
}
