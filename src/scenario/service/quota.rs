//! `[quota]`: limits of the account, and how they are enforced.

use super::counters::counters;
use crate::config::{Section, boolean, one_of, unit, unset_or};
use crate::domain::{QuotaRules, Semantics, Window};
use crate::service::spec::{QuotaLimits, QuotaSpec};
use crate::units::{RequestsPerMinute, TokensPerDay, TokensPerMinute};

const UNSET: &str = "unset";
const WINDOWS: [(&str, Window); 3] = [
    ("sliding", Window::Sliding),
    ("fixed", Window::Fixed),
    ("bucket", Window::Bucket),
];

pub(super) fn quota(s: &mut Section<'_>) -> Option<(QuotaRules, QuotaLimits, QuotaSpec)> {
    let defaults = QuotaRules::default();
    let semantics = s.or(
        "semantics",
        one_of(&[
            ("A", Semantics::A),
            ("B", Semantics::B),
            ("C", Semantics::C),
        ]),
        defaults.semantics.to_string(),
    );
    let token_window = semantics.unwrap_or(defaults.semantics).default_window();
    let token_window = token_window.to_string();
    let token_window = s.or("window", one_of(&WINDOWS), token_window);
    let request_window = defaults.request_window.to_string();
    let request_window = s.or("request_window", one_of(&WINDOWS), request_window);
    let reads = s.or(
        "reserve_counts_cache_read",
        boolean(),
        defaults.reserve_counts_cache_read,
    );
    let refused = s.or("refused_counts_rpm", boolean(), defaults.refused_counts_rpm);
    let daily = s.or("enforce_tpd", boolean(), defaults.enforce_tpd);
    let tpm = s.or("tpm", unset_or(unit::<TokensPerMinute>()), UNSET);
    let rpm = s.or("rpm", unset_or(unit::<RequestsPerMinute>()), UNSET);
    let tpd = s.or("tpd", unset_or(unit::<TokensPerDay>()), UNSET);
    let quotas = counters(s);
    let rules = QuotaRules {
        semantics: semantics?,
        token_window: token_window?,
        request_window: request_window?,
        reserve_counts_cache_read: reads?,
        refused_counts_rpm: refused?,
        enforce_tpd: daily?,
    };
    let limits = QuotaLimits {
        tpm: tpm?,
        rpm: rpm?,
        tpd: tpd?,
    };
    Some((rules, limits, quotas?))
}
