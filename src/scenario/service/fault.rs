//! `[[fault]]`: errors and delays that are injected.

use crate::config::{
    self, ConfigError, Section, Source, float, one_of, share as of_all, text, unit,
};
use crate::service::fault::FAULT_WORDS;
use crate::service::spec::{FaultKind, FaultSpec, Recurrence, Slowness};
use crate::units::Micros;
use std::ops::Bound;

/// No service is slower than this many times its usual self.
const MOST: f64 = 1e4;

pub(super) fn fault(s: &mut Section<'_>) -> Option<FaultSpec> {
    let kind = s.required("kind", one_of(&FAULT_WORDS));
    let kind = match kind {
        Some(FaultKind::SlowStart(_)) => s
            .required("delay", unit::<Micros>())
            .map(FaultKind::SlowStart),
        Some(FaultKind::Slow(slowness)) => slow(s, slowness),
        other => other,
    };
    let meets_all = matches!(kind, Some(FaultKind::Slow(_) | FaultKind::CacheFlush));
    let share = if meets_all {
        s.or("share", of_all(), 1.0)
    } else {
        s.required("share", of_all())
    };
    let share_to = s.optional("share_to", of_all());
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
    let recurs = recurs(s);
    let ramps = ["share_to", "factor_to"];
    if let Some(key) = ramps.into_iter().find(|key| s.has(key))
        && !s.has("until")
        && !s.has("every")
    {
        s.report(
            key,
            format!("`{key}` needs the end of a window"),
            "is reached at no moment",
            "add `until`, or `every` and `for`",
        );
    }
    let after = after(s, kind);
    let workload = s.optional("workload", text());
    let model = s.optional("model", text());
    if kind == Some(FaultKind::CacheFlush) {
        let narrowing = ["share", "share_to", "workload", "model"];
        for key in narrowing.into_iter().filter(|key| s.has(key)) {
            s.report(
                key,
                format!("`{key}` does not go with `cache_flush`"),
                "narrows nothing",
                "it empties all caches, when a window begins",
            );
        }
    }
    Some(FaultSpec {
        kind: kind?,
        share: share?,
        share_to,
        from: from?,
        until,
        recurs,
        after: after?,
        workload,
        model,
    })
}

fn slow(s: &mut Section<'_>, slowness: Slowness) -> Option<FaultKind> {
    let range = (Bound::Excluded(0.0), Bound::Included(MOST));
    let factor = s.required("factor", float(range));
    let factor_to = s.optional("factor_to", float(range));
    Some(FaultKind::Slow(Slowness {
        factor: factor?,
        factor_to,
        ..slowness
    }))
}

/// `every` and `for`, which go together; what is wrong with them has been reported.
fn recurs(s: &mut Section<'_>) -> Option<Recurrence> {
    for (key, other) in [("every", "for"), ("for", "every")] {
        if s.has(key) && !s.has(other) {
            s.report(
                key,
                format!("`{key}` needs `{other}`"),
                "stands alone",
                "write both: `every = \"10m\", for = \"20s\"`",
            );
        }
    }
    let every = s.optional("every", unit::<Micros>());
    let length = s.optional("for", unit::<Micros>());
    let (every, length) = (every?, length?);
    if length == Micros::ZERO || every < length {
        s.report(
            "for",
            "`for` must be above 0 and at most `every`",
            &format!("is {length}, `every` is {every}"),
            "a window ends before the next one begins",
        );
        return None;
    }
    Some(Recurrence { every, length })
}

/// How long an error takes; what is no error takes no such time.
fn after(s: &mut Section<'_>, kind: Option<FaultKind>) -> Option<Micros> {
    let Some(kind) = kind else {
        s.optional("after", unit::<Micros>());
        return None;
    };
    if kind.failure().is_none() {
        if s.has("after") && s.optional("after", unit::<Micros>()).is_some() {
            s.report(
                "after",
                format!("`after` does not go with `{}`", kind.word()),
                "delays no error",
                "it says how long an error takes to be answered",
            );
        }
        return Some(Micros::ZERO);
    }
    s.or("after", unit::<Micros>(), kind.takes().to_string())
}

/// Reads a list of faults that stands alone, in the words of `[[fault]]`.
///
/// # Errors
/// Every problem of the list.
pub fn read_faults(source: &Source) -> Result<Vec<FaultSpec>, ConfigError> {
    config::read(source, |root| root.tables("fault", fault))
}
