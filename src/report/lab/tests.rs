//! The findings of a small lab as people read them.

use super::*;
