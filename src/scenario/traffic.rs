//! `[workload.arrival]`: when requests start.

use crate::config::{Section, boolean, count, float, one_of, share, text, unit, whole};
use crate::load::spec::{
    ArrivalSpec, DurationSpec, OnOffSpec, RecordedReplay, ReplayScale, ReplaySessions, TraceReplay,
};
use crate::load::trace::{Columns, TimeUnit, TraceFormat};
use crate::units::{Micros, PerSecond};

use super::files::Library;

const ARRIVALS: [&str; 9] = [
    "constant", "poisson", "gamma", "weibull", "on_off", "ramp", "closed", "trace", "recorded",
];

/// Reads the table that chooses the law of request starts.
pub(super) fn arrival(s: &mut Section<'_>, library: &Library<'_>) -> Option<ArrivalSpec> {
    let tag = s.tag(&ARRIVALS)?;
    s.optional_table(tag, |s| match tag {
        "constant" => rate(s, "rate").map(|rate| ArrivalSpec::Constant { rate }),
        "poisson" => rate(s, "rate").map(|rate| ArrivalSpec::Poisson { rate }),
        "gamma" => {
            let (rate, cv) = rate_and_cv(s)?;
            Some(ArrivalSpec::Gamma { rate, cv })
        }
        "weibull" => {
            let (rate, cv) = rate_and_cv(s)?;
            Some(ArrivalSpec::Weibull { rate, cv })
        }
        "on_off" => on_off(s).map(ArrivalSpec::OnOff),
        "ramp" => ramp(s),
        "closed" => closed(s),
        "trace" => trace(s, library).map(ArrivalSpec::Trace),
        _ => recorded(s, library).map(ArrivalSpec::Recorded),
    })
}

/// A rate above zero.
fn rate(s: &mut Section<'_>, key: &str) -> Option<PerSecond> {
    let rate = s.required(key, unit::<PerSecond>())?;
    if rate.0 <= 0.0 {
        s.report(
            key,
            format!("`{key}` must be above zero"),
            &format!("is {rate}"),
            "use a rate such as `\"12/s\"`",
        );
        return None;
    }
    Some(rate)
}

fn rate_and_cv(s: &mut Section<'_>) -> Option<(PerSecond, f64)> {
    let rate = rate(s, "rate");
    // Below 0.05 gaps are constant for all purposes, and above 50 one burst fills the run.
    let cv = s.required("cv", float(0.05..=50.0));
    Some((rate?, cv?))
}

fn on_off(s: &mut Section<'_>) -> Option<OnOffSpec> {
    let rate = rate(s, "rate");
    let burst_factor = s.required("burst_factor", float(1.0..=1e6));
    let burst_share = s.required("burst_share", float(1e-6..1.0));
    let burst_length = above_zero(s, "burst_length");
    let spec = OnOffSpec {
        rate: rate?,
        burst_factor: burst_factor?,
        burst_share: burst_share?,
        burst_length: burst_length?,
    };
    let in_bursts = spec.burst_factor * spec.burst_share;
    if spec.burst_factor <= 1.0 {
        s.report(
            "burst_factor",
            "`burst_factor` must be above 1",
            "is 1",
            "it is the rate in a burst over the mean rate; for steady traffic use `poisson`",
        );
    }
    if in_bursts >= 1.0 {
        s.report(
            "burst_share",
            "`burst_factor` × `burst_share` must be below 1",
            &format!("the product is {in_bursts}"),
            "bursts cannot hold more than all requests; lower one of the two",
        );
    }
    Some(spec)
}

/// A required duration above zero.
pub(super) fn above_zero(s: &mut Section<'_>, key: &str) -> Option<Micros> {
    let duration = s.required(key, unit::<Micros>())?;
    if duration == Micros::ZERO {
        s.report(
            key,
            format!("`{key}` must be above zero"),
            "is zero",
            "use a duration such as `\"30s\"`",
        );
        return None;
    }
    Some(duration)
}

fn ramp(s: &mut Section<'_>) -> Option<ArrivalSpec> {
    let from = s.required("from", unit::<PerSecond>());
    let to = s.required("to", unit::<PerSecond>());
    let over = above_zero(s, "over");
    let (from, to) = (from?, to?);
    if from.0 + to.0 <= 0.0 {
        s.report(
            "to",
            "the ramp has no requests",
            "both ends are zero",
            "raise `from` or `to`",
        );
    }
    Some(ArrivalSpec::Ramp {
        from,
        to,
        over: over?,
    })
}

fn closed(s: &mut Section<'_>) -> Option<ArrivalSpec> {
    let users = s.required("users", count(1..=10_000_000));
    let think = s.required_table("think", think);
    Some(ArrivalSpec::Closed {
        users: users?,
        think: think?,
    })
}

pub(super) fn think(s: &mut Section<'_>) -> Option<DurationSpec> {
    match s.tag(&["fixed", "exponential", "lognormal"])? {
        "fixed" => s.required("fixed", unit()).map(DurationSpec::Fixed),
        "exponential" => s.required_table("exponential", |s| {
            let mean = above_zero(s, "mean")?;
            Some(DurationSpec::Exponential { mean })
        }),
        _ => s.required_table("lognormal", |s| {
            let (p50, p99) = (above_zero(s, "p50"), above_zero(s, "p99"));
            let (p50, p99) = (p50?, p99?);
            if p50 > p99 {
                s.report(
                    "p50",
                    "`p50` must not be above `p99`",
                    &format!("is {p50}, `p99` is {p99}"),
                    "swap the two, or raise `p99`",
                );
            }
            Some(DurationSpec::Lognormal { p50, p99 })
        }),
    }
}

fn trace(s: &mut Section<'_>, library: &Library<'_>) -> Option<TraceReplay> {
    let file = s.required("file", text());
    let format = s.or("format", one_of(&TraceFormat::NAMES), "bedload");
    let named = format.is_some_and(TraceFormat::has_named_columns);
    let columns = if named {
        s.required_table("columns", columns)
    } else {
        s.optional_table("columns", columns)
    };
    let model = s.optional("model", text());
    let scale = scale(s);
    let waits = s.optional(
        "sessions",
        one_of(&[("as_recorded", false), ("dependent", true)]),
    );
    let (file, format) = (file?, format?);
    if named {
        // Without its columns the file would only be refused a second time.
        columns.as_ref()?;
    } else if s.has("columns") {
        s.report(
            "columns",
            "only the formats `csv`, `jsonl` and `parquet` have `columns`",
            "has no effect",
            "leave it out, or name the `format`",
        );
    }
    let read = if waits == Some(true) {
        library.dependent_trace(&file, format, columns.as_ref(), model.as_deref())
    } else {
        let trace = library.trace(&file, format, columns.as_ref(), model.as_deref());
        trace.map(|trace| (trace, ReplaySessions::AsRecorded))
    };
    let (trace, sessions) = match read {
        Ok(read) => read,
        Err(reason) => {
            report_file(s, "trace", &file, &reason);
            return None;
        }
    };
    Some(TraceReplay {
        trace,
        scale: scale?,
        sessions,
    })
}

/// The names of the columns of a CSV file or the fields of JSON lines.
fn columns(s: &mut Section<'_>) -> Option<Columns> {
    let at = s.required("at", text());
    let at_unit = s.or(
        "at_unit",
        one_of(&[
            ("s", TimeUnit::Seconds),
            ("ms", TimeUnit::Millis),
            ("us", TimeUnit::Micros),
            ("ns", TimeUnit::Nanos),
            ("timestamp", TimeUnit::Timestamp),
        ]),
        "s",
    );
    let input = s.required("input", text());
    let output = s.required("output", text());
    let session = s.optional("session", text());
    Some(Columns {
        at: at?,
        at_unit: at_unit?,
        input: input?,
        output: output?,
        session,
    })
}

fn recorded(s: &mut Section<'_>, library: &Library<'_>) -> Option<RecordedReplay> {
    let file = s.required("file", text());
    let scale = scale(s);
    let file = file?;
    let recording = match library.recording(&file) {
        Ok(recording) => recording,
        Err(reason) => {
            report_file(s, "recording", &file, &reason);
            return None;
        }
    };
    Some(RecordedReplay {
        recording,
        scale: scale?,
    })
}

/// Says that `file`, named by the key `file`, cannot be used.
pub(super) fn report_file(s: &Section<'_>, what: &str, file: &str, reason: &str) {
    let shown: String = file.chars().take(100).collect();
    s.report(
        "file",
        format!("the {what} `{}` cannot be used", shown.escape_debug()),
        "named here",
        &format!("{reason}\npaths count from the folder of the scenario"),
    );
}

fn scale(s: &mut Section<'_>) -> Option<ReplayScale> {
    let speed = s.or("speed", float(1e-3..=1e6), 1.0);
    let keep = s.or("keep", share(), 1.0);
    if keep.is_some_and(|keep| keep.get() <= 0.0) {
        s.report(
            "keep",
            "`keep` must be above 0",
            "keeps nothing",
            "it is the share of sessions that are replayed",
        );
    }
    let copies = s.or("copies", whole(1..=10_000), 1);
    let shift = s.or("shift", unit::<Micros>(), "1m");
    let repeat = s.or("repeat", boolean(), false);
    Some(ReplayScale {
        speed: speed?,
        keep: keep?,
        copies: copies?,
        shift: shift?,
        repeat: repeat?,
    })
}
