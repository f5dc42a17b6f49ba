//! `[[quota.limit]]`, `[[quota.change]]` and the quotas of the whole account.

use crate::config::{Section, one_of, positive, text, unit, unset_or};
use crate::domain::ScopeKind;
use crate::service::spec::{
    AccountSpec, AccountWeight, CounterFilter, CounterLimit, NewLimits, QuotaChange, QuotaLimits,
    QuotaSpec,
};
use crate::units::{
    Micros, PicoPerToken, RequestsPerMinute, TokensPerDay, TokensPerMinute, UnitText, Usd,
};

const UNSET: &str = "unset";

/// The keys of `[quota]` beyond the limits that hold for all models.
pub(super) fn counters(s: &mut Section<'_>) -> Option<QuotaSpec> {
    let account = account(s);
    let adjust_every = s.or("adjust_every", unset_or(unit::<Micros>()), UNSET);
    if adjust_every == Some(Some(Micros::ZERO)) {
        s.report(
            "adjust_every",
            "`adjust_every` must be above zero",
            "is zero",
            "write it like `\"5s\"`, or `\"unset\"` for never",
        );
    }
    let input_tpm = s.or("input_tpm", unset_or(unit::<TokensPerMinute>()), UNSET);
    let output_tpm = s.or("output_tpm", unset_or(unit::<TokensPerMinute>()), UNSET);
    let limits = s.tables("limit", limit);
    let changes = s.tables("change", change);
    Some(QuotaSpec {
        limits: limits?,
        changes: changes?,
        account: account?,
        adjust_every: adjust_every?,
        input_tpm: input_tpm?,
        output_tpm: output_tpm?,
    })
}

fn account(s: &mut Section<'_>) -> Option<AccountSpec> {
    let limit = s.or("account_tpd", unset_or(unit::<TokensPerDay>()), UNSET);
    let weight = s.or(
        "account_tpd_weight",
        one_of(&[
            ("price", AccountWeight::Price),
            ("none", AccountWeight::None),
        ]),
        "price",
    );
    let reference = s.or("account_tpd_reference", unit::<Usd>(), "$3");
    let reference = PicoPerToken::from_dollars_per_million(reference?.dollars());
    if reference.0 == 0 {
        s.report(
            "account_tpd_reference",
            "`account_tpd_reference` must be above zero",
            "is no price",
            "write the dollars per million tokens that count as one, like `\"$3\"`",
        );
        return None;
    }
    Some(AccountSpec {
        limit: limit?,
        weight: weight?,
        reference,
    })
}

fn filter(s: &mut Section<'_>) -> CounterFilter {
    let model = s.optional("model", text());
    let scope = s.optional(
        "scope",
        one_of(&[
            ("in-region", ScopeKind::InRegion),
            ("geo", ScopeKind::Geo),
            ("global", ScopeKind::Global),
        ]),
    );
    CounterFilter { model, scope }
}

fn limits(s: &mut Section<'_>) -> QuotaLimits {
    QuotaLimits {
        tpm: s.optional("tpm", unit::<TokensPerMinute>()),
        rpm: s.optional("rpm", unit::<RequestsPerMinute>()),
        tpd: s.optional("tpd", unit::<TokensPerDay>()),
    }
}

/// `[[quota.limit]]`: the limits of one counter.
fn limit(s: &mut Section<'_>) -> Option<CounterLimit> {
    let filter = filter(s);
    let limits = limits(s);
    if limits == QuotaLimits::default() && !["tpm", "rpm", "tpd"].iter().any(|key| s.has(key)) {
        s.report(
            "tpm",
            "a limit needs a figure",
            "none of `tpm`, `rpm` and `tpd` is set",
            &format!("add `tpm`, like {}", TokensPerMinute::EXAMPLES),
        );
        return None;
    }
    Some(CounterLimit { filter, limits })
}

/// `[[quota.change]]`: an increase or a cut at a moment.
fn change(s: &mut Section<'_>) -> Option<QuotaChange> {
    let at = s.required("at", unit::<Micros>());
    let filter = filter(s);
    let factor = s.optional("factor", positive());
    let limits = limits(s);
    let is_set = ["tpm", "rpm", "tpd"].iter().any(|key| s.has(key));
    if is_set == s.has("factor") {
        let (message, label) = if is_set {
            (
                "a change has either `factor` or limits",
                "stands beside limits",
            )
        } else {
            ("a change needs what limits become", "changes nothing")
        };
        s.report(
            "factor",
            message,
            label,
            "write `factor = 0.5` for half of each limit in force, or `tpm = \"2M\"`",
        );
        return None;
    }
    let to = match factor {
        Some(factor) => NewLimits::Times(factor),
        None => NewLimits::Set(limits),
    };
    Some(QuotaChange {
        at: at?,
        filter,
        to,
    })
}
