//! `[capacity]`: what serves the traffic.

use super::{is_region, is_word};
use crate::config::{Section, boolean, one_of, text, unit, whole};
use crate::domain::{Scope, Term};
use crate::service::spec::{CapacitySpec, Overload, ProvisionedSpec, ReservedSpec};
use crate::units::{TokensPerMinute, UnitText, Usd};

pub(super) fn capacity(s: &mut Section<'_>, geo: &str) -> Option<CapacitySpec> {
    let tag = s.tag(&["on_demand", "provisioned", "reserved"])?;
    s.optional_table(tag, |s| match tag {
        "on_demand" => on_demand(s, geo),
        "provisioned" => provisioned(s, geo).map(CapacitySpec::Provisioned),
        _ => reserved(s, geo).map(CapacitySpec::Reserved),
    })
}

pub(super) fn on_demand(s: &mut Section<'_>, geo: &str) -> Option<CapacitySpec> {
    if !s.has("region") {
        let scope = scope(s, "scope", geo)?;
        return Some(CapacitySpec::OnDemand { scope });
    }
    s.tag(&["scope", "region"])?;
    let region = s.required("region", text())?;
    if !is_region(&region) {
        s.report(
            "region",
            "`region` is not the name of a Region",
            "has not the form of one",
            "write it like `\"us-east-1\"`, or `scope = \"us\"` for a geographic profile",
        );
    }
    let scope = Scope::InRegion(region);
    Some(CapacitySpec::OnDemand { scope })
}

/// A geographic or the global profile.
pub(in crate::scenario) fn scope(s: &mut Section<'_>, key: &str, default: &str) -> Option<Scope> {
    let name = s.or(key, text(), default)?;
    if name == "global" {
        return Some(Scope::Global);
    }
    if is_region(&name) {
        s.report(
            key,
            format!("`{key}` cannot be a Region"),
            "is a Region",
            &format!("write `region = \"{name}\"` for calls within one Region"),
        );
        return None;
    }
    if !name.split('-').all(is_word) {
        s.report(
            key,
            format!("`{key}` is not a profile prefix"),
            "has not the form of one",
            "use `\"global\"` or a geographic prefix such as `\"us\"`, `\"eu\"`, `\"apac\"`",
        );
        return None;
    }
    Some(Scope::Geo(name))
}

/// A number of tokens per minute of at least one.
fn bought_tpm(s: &mut Section<'_>, key: &str) -> Option<TokensPerMinute> {
    let bought = s.required(key, unit::<TokensPerMinute>())?;
    if bought.0 == 0 {
        s.report(
            key,
            format!("`{key}` must be at least 1"),
            "is 0",
            &format!("write it like {}", TokensPerMinute::EXAMPLES),
        );
        return None;
    }
    Some(bought)
}

fn provisioned(s: &mut Section<'_>, geo: &str) -> Option<ProvisionedSpec> {
    let model_units = s.required("model_units", whole(1..=100_000));
    let term = s.or(
        "term",
        one_of(&[
            ("hourly", Term::Hourly),
            ("1-month", Term::OneMonth),
            ("6-month", Term::SixMonths),
        ]),
        "hourly",
    );
    let unit_input_tpm = bought_tpm(s, "unit_input_tpm");
    let unit_output_tpm = bought_tpm(s, "unit_output_tpm");
    let unit_price_per_hour = s.optional("unit_price_per_hour", unit::<Usd>());
    let overload = s.or(
        "overload",
        one_of(&[
            ("refuse", Overload::Refuse),
            ("queue", Overload::Queue),
            ("on-demand", Overload::OnDemand(Scope::Global)),
        ]),
        "refuse",
    );
    let overload = match overload {
        Some(Overload::OnDemand(_)) => scope(s, "overflow_scope", geo).map(Overload::OnDemand),
        other => {
            if s.has("overflow_scope") && s.optional("overflow_scope", text()).is_some() {
                s.report(
                    "overflow_scope",
                    "`overflow_scope` needs `overload = \"on-demand\"`",
                    "nothing overflows",
                    "add `overload = \"on-demand\"`, or leave the scope out",
                );
            }
            other
        }
    };
    Some(ProvisionedSpec {
        model_units: model_units?,
        term: term?,
        unit_input_tpm: unit_input_tpm?,
        unit_output_tpm: unit_output_tpm?,
        unit_price_per_hour,
        overload: overload?,
    })
}

fn reserved(s: &mut Section<'_>, geo: &str) -> Option<ReservedSpec> {
    let scope = scope(s, "scope", geo);
    let input_tpm = bought_tpm(s, "input_tpm");
    let output_tpm = bought_tpm(s, "output_tpm");
    let term = s.or(
        "term",
        one_of(&[("1-month", Term::OneMonth), ("3-month", Term::ThreeMonths)]),
        "1-month",
    );
    let overflow = s.or(
        "overflow",
        one_of(&[("standard", true), ("refuse", false)]),
        "standard",
    );
    // Absent in the resolved scenario unless written: the assumptions of each run name it.
    let burndown = s.optional("burndown", boolean()).unwrap_or(false);
    Some(ReservedSpec {
        scope: scope?,
        input_tpm: input_tpm?,
        output_tpm: output_tpm?,
        term: term?,
        overflow: overflow?,
        burndown,
    })
}
