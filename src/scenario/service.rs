//! `[capacity]`, `[service]`, `[quota]` and `[[fault]]`: the service side.

use super::answers::answers;
use crate::config::{
    self, ConfigError, Section, Source, boolean, float, one_of, share, text, unit, unset_or, whole,
};
use crate::domain::{QuotaRules, Scope, Semantics, StreamFault, Term, Window};
use crate::service::spec::{
    AnswerSpec, CapacitySpec, FaultKind, FaultSpec, FixedLatency, Overload, ProvisionedSpec,
    QuotaLimits, ReservedSpec, ServiceSpec,
};
use crate::units::{Micros, RequestsPerMinute, TokensPerDay, TokensPerMinute, UnitText, Usd};

const UNSET: &str = "unset";
const WINDOWS: [(&str, Window); 3] = [
    ("sliding", Window::Sliding),
    ("fixed", Window::Fixed),
    ("bucket", Window::Bucket),
];

/// Reads everything that concerns the service from the root of a scenario.
pub(super) fn service(root: &mut Section<'_>) -> Option<ServiceSpec> {
    let settings = root.table("service", settings);
    let region = settings
        .as_ref()
        .map_or("us-east-1", |settings| settings.region.as_str());
    let geo = geo_of(region);
    let capacity = if root.has("capacity") {
        root.optional_table("capacity", |s| capacity(s, geo))
    } else {
        root.table("capacity", |s| s.table("on_demand", |s| on_demand(s, geo)))
    };
    let quota = root.table("quota", quota);
    let faults = root.tables("fault", fault);
    // One that is wrong has been reported.
    let answers = root.optional_table("answers", answers).unwrap_or_default();
    let (settings, (rules, limits)) = (settings?, quota?);
    Some(ServiceSpec {
        capacity: capacity?,
        rules,
        limits,
        faults: faults?,
        answers,
        ..settings
    })
}

/// The prefix of the geographic profile for a source Region.
fn geo_of(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("eu") => "eu",
        Some("ap") => "apac",
        _ => "us",
    }
}

/// `[service]`, in a [`ServiceSpec`] whose other fields stand at their defaults.
fn settings(s: &mut Section<'_>) -> Option<ServiceSpec> {
    let region = s.or("region", text(), "us-east-1");
    if let Some(region) = &region
        && !is_region(region)
    {
        s.report(
            "region",
            "`region` is not the name of a Region",
            "has not the form of one",
            "write it like `\"us-east-1\"`",
        );
    }
    let ambient_load = s.or("ambient_load", float(0.0..1.0), 0.0);
    // A third party reports 20 to 50 ms within a continent and 100 to 200 ms across. The lower
    // end stands for the usual destination; for the global profile less than the range across,
    // since it mostly finds capacity on the same continent. Both are assumptions.
    let geo_hop = s.or("geo_hop", unit::<Micros>(), "20ms");
    let global_hop = s.or("global_hop", unit::<Micros>(), "60ms");
    let timeouts_are_billed = s.or("timeouts_are_billed", boolean(), true);
    let fixed_latency = s.optional_table("latency", |s| {
        s.tag(&["fixed"])?;
        s.required_table("fixed", |s| {
            let ttft = s.required("ttft", unit::<Micros>());
            let per_token = s.required("per_token", unit::<Micros>());
            Some(FixedLatency {
                ttft: ttft?,
                per_token: per_token?,
            })
        })
    });
    Some(ServiceSpec {
        region: region?,
        capacity: CapacitySpec::OnDemand {
            scope: Scope::Global,
        },
        rules: QuotaRules::default(),
        limits: QuotaLimits::default(),
        ambient_load: ambient_load?,
        geo_hop: geo_hop?,
        global_hop: global_hop?,
        timeouts_are_billed: timeouts_are_billed?,
        fixed_latency,
        faults: Vec::new(),
        answers: AnswerSpec::default(),
    })
}

/// Whether `text` has the form of a Region: `us-east-1`, `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let number = parts.next().unwrap_or_default();
    let words: Vec<&str> = parts.collect();
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && words.len() >= 2
        && words.iter().all(|word| is_word(word))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn capacity(s: &mut Section<'_>, geo: &str) -> Option<CapacitySpec> {
    let tag = s.tag(&["on_demand", "provisioned", "reserved"])?;
    s.optional_table(tag, |s| match tag {
        "on_demand" => on_demand(s, geo),
        "provisioned" => provisioned(s, geo).map(CapacitySpec::Provisioned),
        _ => reserved(s, geo).map(CapacitySpec::Reserved),
    })
}

fn on_demand(s: &mut Section<'_>, geo: &str) -> Option<CapacitySpec> {
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
fn scope(s: &mut Section<'_>, key: &str, default: &str) -> Option<Scope> {
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
    Some(ReservedSpec {
        scope: scope?,
        input_tpm: input_tpm?,
        output_tpm: output_tpm?,
        term: term?,
        overflow: overflow?,
    })
}

fn quota(s: &mut Section<'_>) -> Option<(QuotaRules, QuotaLimits)> {
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
    Some((rules, limits))
}

fn fault(s: &mut Section<'_>) -> Option<FaultSpec> {
    let kind = s.required(
        "kind",
        one_of(&[
            ("unavailable", FaultKind::Unavailable),
            ("internal", FaultKind::Internal),
            ("model_error", FaultKind::ModelError),
            ("model_timeout", FaultKind::ModelTimeout),
            ("throttled", FaultKind::Throttled),
            ("model_not_ready", FaultKind::NotReady),
            ("connection_reset", FaultKind::Reset),
            ("slow_start", FaultKind::SlowStart(Micros::ZERO)),
            (
                "stream_error",
                FaultKind::Stream(StreamFault::ModelStreamError),
            ),
            (
                "stream_throttled",
                FaultKind::Stream(StreamFault::Throttled),
            ),
            ("stream_internal", FaultKind::Stream(StreamFault::Internal)),
            (
                "stream_unavailable",
                FaultKind::Stream(StreamFault::Unavailable),
            ),
            ("stream_reset", FaultKind::Stream(StreamFault::Reset)),
        ]),
    );
    let kind = match kind {
        Some(FaultKind::SlowStart(_)) => s
            .required("delay", unit::<Micros>())
            .map(FaultKind::SlowStart),
        other => other,
    };
    let share = s.required("share", share());
    let from = s.or("from", unit::<Micros>(), "0s");
    let until = s.optional("until", unit::<Micros>());
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        s.report(
            "until",
            "`until` must be after `from`",
            &format!("is {until}, `from` is {from}"),
            "both count from the beginning of the run",
        );
    }
    Some(FaultSpec {
        kind: kind?,
        share: share?,
        from: from?,
        until,
    })
}

/// Reads a list of faults that stands alone, in the words of `[[fault]]`.
///
/// # Errors
/// Every problem of the list.
pub fn read_faults(source: &Source) -> Result<Vec<FaultSpec>, ConfigError> {
    config::read(source, |root| root.tables("fault", fault))
}
