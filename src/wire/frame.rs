//! The event stream (`application/vnd.amazon.eventstream`).
