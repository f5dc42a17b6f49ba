//! The files of `profiles/`, built into the program so that it works from any folder.

use super::ProfileKind;

macro_rules! files {
    ($($kind:ident $folder:literal: $($stem:literal),*;)*) => {
        /// Every built-in file: its kind, its path in the project and its text.
        pub(super) const FILES: &[(ProfileKind, &str, &str)] = &[$($(
            (
                ProfileKind::$kind,
                concat!("profiles/", $folder, "/", $stem, ".toml"),
                include_str!(concat!("../../profiles/", $folder, "/", $stem, ".toml")),
            ),
        )*)*];
    };
}

files! {
    Model "models":
        "claude-3-5-haiku", "claude-3-5-sonnet-v2", "claude-3-7-sonnet", "claude-3-haiku",
        "claude-fable-5", "claude-fable-5-1", "claude-haiku-4-5", "claude-haiku-5-5",
        "claude-opus-4", "claude-opus-4-1", "claude-opus-4-5", "claude-opus-4-6",
        "claude-opus-4-7", "claude-opus-4-8", "claude-opus-5", "claude-opus-5-5",
        "claude-sonnet-4", "claude-sonnet-4-5", "claude-sonnet-4-6", "claude-sonnet-5",
        "claude-sonnet-5-5", "gpt-5-6-luna", "gpt-5-6-sol", "gpt-5-6-terra", "llama-3-1-405b",
        "llama-3-1-70b", "llama-3-1-8b", "llama-3-3-70b", "llama-4-maverick", "llama-4-scout",
        "nova-2-lite", "nova-lite", "nova-micro", "nova-premier", "nova-pro";
    Prices "prices":
        "2026-11-22";
    Latency "latency":
        "claude-3-5-haiku", "claude-3-5-sonnet", "claude-haiku-4-5", "claude-opus-4-1",
        "claude-opus-4-6", "claude-opus-5", "claude-sonnet-4-5", "claude-sonnet-4-6",
        "claude-sonnet-5", "gpt-5-6", "llama-3-1-70b", "llama-4", "nova-2-lite", "nova-lite",
        "nova-micro", "nova-premier", "nova-pro";
    Guardrails "guardrails":
        "2026-10-01";
}
