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
        "claude-haiku-4-5", "claude-opus-4-6", "claude-opus-5", "claude-sonnet-4-5",
        "claude-sonnet-4-6", "claude-sonnet-5", "llama-3-1-70b", "nova-2-lite", "nova-lite",
        "nova-pro";
    Prices "prices":
        "2026-11-22";
    Latency "latency":
        "claude-haiku-4-5", "claude-opus-4-6", "claude-opus-5", "claude-sonnet-4-5",
        "claude-sonnet-4-6", "claude-sonnet-5", "llama-3-1-70b", "nova-2-lite", "nova-lite",
        "nova-pro";
    Guardrails "guardrails":
        "2026-10-01";
}
