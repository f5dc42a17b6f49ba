//! What the service answers.
