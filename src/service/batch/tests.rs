//! The queue of jobs against a slow reference.
