//! What a client sends.
