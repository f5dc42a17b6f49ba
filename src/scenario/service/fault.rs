//! `[[fault]]`: errors and delays that are injected.

use crate::config::{self, ConfigError, Section, Source, one_of, share, unit};
use crate::domain::StreamFault;
use crate::service::spec::{FaultKind, FaultSpec};
use crate::units::Micros;

pub(super) fn fault(s: &mut Section<'_>) -> Option<FaultSpec> {
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
