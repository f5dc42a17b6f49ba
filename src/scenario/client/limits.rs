//! `client.concurrency`, its queue, and `client.pacing`.

use super::{UNSET, limit};
use crate::client::spec::{
    AdaptSpec, AimdSpec, GradientSpec, PacingSpec, QueueOrder, RampSpec, RateSpec, TokenPacingSpec,
};
use crate::config::{Section, float, non_negative, one_of, share, unit, unset_or, whole};
use crate::units::{Micros, PerSecond, Ratio, RequestsPerMinute, TokensPerMinute};
use std::ops::Bound;

const LIMITS: [&str; 3] = ["fixed", "aimd", "gradient"];
const PACINGS: [&str; 3] = ["rate", "ramp", "tokens"];
const MOST: i64 = u32::MAX as i64;
/// Places at first and at most of a limit that adapts: the defaults of `Gradient2Limit`.
const FIRST_PLACES: i64 = 20;
const MOST_PLACES: i64 = 200;

/// How much may be in flight, and who waits for it.
pub(super) struct Limits {
    pub concurrency: Option<u32>,
    pub adapt: Option<AdaptSpec>,
    pub queue: Option<u32>,
    pub queue_order: QueueOrder,
    pub queue_for: Option<Micros>,
    pub pacing: Option<PacingSpec>,
}

/// Reads all of them.
pub(super) fn limits(s: &mut Section<'_>) -> Option<Limits> {
    let places = concurrency(s);
    let queue = s.or("queue", unset_or(whole(0..=MOST)), UNSET);
    let queue_order = s.or(
        "queue_order",
        one_of(&[("fifo", QueueOrder::Fifo), ("lifo", QueueOrder::Lifo)]),
        "fifo",
    );
    let queue_for = limit(s, "queue_for");
    let paced = s.has("pacing");
    let pacing = s.optional_table("pacing", pacing);
    if let Some((None, _)) = places {
        needs_places(s, "queue", matches!(queue, Some(Some(_))));
        needs_places(s, "queue_order", queue_order == Some(QueueOrder::Lifo));
        if queue_for.is_some() && !paced {
            s.report(
                "queue_for",
                "`queue_for` needs `concurrency` or `pacing`",
                "without one of them no request waits",
                "add `concurrency`, the most attempts in flight at once, or `pacing`",
            );
        }
    }
    let (concurrency, adapt) = places?;
    Some(Limits {
        concurrency,
        adapt,
        queue: queue?,
        queue_order: queue_order?,
        queue_for,
        pacing: if paced { Some(pacing?) } else { None },
    })
}

fn needs_places(s: &Section<'_>, key: &str, is_set: bool) {
    if is_set {
        s.report(
            key,
            format!("`{key}` needs `concurrency`"),
            "requests only wait when places are limited",
            "add `concurrency`, the most attempts in flight at once",
        );
    }
}

/// `concurrency`: a number, or one of the limits by name.
fn concurrency(s: &mut Section<'_>) -> Option<(Option<u32>, Option<AdaptSpec>)> {
    let is_choice = s
        .chosen("concurrency")
        .is_some_and(|key| key != UNSET && key.parse::<f64>().is_err());
    if is_choice {
        return s.optional_table("concurrency", choice);
    }
    let places = s.or("concurrency", unset_or(whole(1..=MOST)), UNSET);
    places.map(|places| (places, None))
}

fn choice(s: &mut Section<'_>) -> Option<(Option<u32>, Option<AdaptSpec>)> {
    let tag = s.tag(&LIMITS)?;
    s.optional_table(tag, |s| match tag {
        "fixed" => Some((Some(s.required("limit", whole(1..=MOST))?), None)),
        "aimd" => aimd(s),
        _ => gradient(s),
    })
}

/// `min`, `initial` and `max` of a limit that adapts.
fn bounds(s: &mut Section<'_>, least: i64) -> Option<(u32, u32, u32)> {
    let min: Option<u32> = s.or("min", whole(1..=MOST), least);
    let max: Option<u32> = s.or("max", whole(1..=MOST), MOST_PLACES);
    let initial: Option<u32> = s.or("initial", whole(1..=MOST), FIRST_PLACES);
    let (min, max, initial) = (min?, max?, initial?);
    if min > max {
        s.report(
            if s.has("min") { "min" } else { "max" },
            "`min` must not be above `max`",
            &format!("`min` is {min}, `max` is {max}"),
            "`min` and `max` are the fewest and the most places",
        );
    } else if !(min..=max).contains(&initial) {
        s.report(
            if s.has("initial") { "initial" } else { "max" },
            "`initial` must lie between `min` and `max`",
            &format!("`initial` is {initial}, the others are {min} and {max}"),
            "`initial` is the number of places at first",
        );
    }
    Some((min, max, initial))
}

fn aimd(s: &mut Section<'_>) -> Option<(Option<u32>, Option<AdaptSpec>)> {
    let bounds = bounds(s, 1);
    let between = || float((Bound::Excluded(0.0), Bound::Excluded(1.0)));
    let failed = s.or("failed", between(), 0.9);
    let throttled = s.or("throttled", between(), 0.6);
    let (min, max, initial) = bounds?;
    let spec = AimdSpec {
        initial,
        min,
        failed: failed?,
        throttled: throttled?,
    };
    Some((Some(max), Some(AdaptSpec::Aimd(spec))))
}

fn gradient(s: &mut Section<'_>) -> Option<(Option<u32>, Option<AdaptSpec>)> {
    let bounds = bounds(s, FIRST_PLACES);
    let queue_size = s.or("queue_size", non_negative(), 4.0);
    let tolerance = s.or("tolerance", float(1.0..), 1.5);
    let (min, max, initial) = bounds?;
    let spec = GradientSpec {
        initial,
        min,
        queue_size: queue_size?,
        tolerance: tolerance?,
    };
    Some((Some(max), Some(AdaptSpec::Gradient(spec))))
}

fn pacing(s: &mut Section<'_>) -> Option<PacingSpec> {
    let tag = s.tag(&PACINGS)?;
    s.optional_table(tag, |s| match tag {
        "rate" => rate(s).map(PacingSpec::Rate),
        "ramp" => ramp(s).map(PacingSpec::Ramp),
        _ => tokens(s).map(PacingSpec::Tokens),
    })
}

/// A rate that paces and so cannot be zero.
fn above_zero(s: &Section<'_>, key: &str, rate: Option<PerSecond>) -> Option<PerSecond> {
    let rate = rate?;
    if rate.0 <= 0.0 {
        s.report(
            key,
            format!("`{key}` must be above zero"),
            "is zero, and nothing would be sent",
            "leave the pacing out for no limit",
        );
        return None;
    }
    Some(rate)
}

fn burst(s: &mut Section<'_>) -> Option<u32> {
    s.or("burst", whole(1..=MOST), 1)
}

fn rate(s: &mut Section<'_>) -> Option<RateSpec> {
    let rate = s.required("rate", unit::<PerSecond>());
    let rate = above_zero(s, "rate", rate);
    let burst = burst(s);
    Some(RateSpec {
        rate: rate?,
        burst: burst?,
    })
}

/// The lowest rate of a ramp, where it is not set: that of AWS' ramp testing tool, or the first rate if that is lower.
const LOWEST: PerSecond = PerSecond(10.0 / 60.0);

fn ramp(s: &mut Section<'_>) -> Option<RampSpec> {
    let target = s.required("target", unit::<PerSecond>());
    let target = above_zero(s, "target", target);
    let from = s.or("from", unset_or(unit::<PerSecond>()), UNSET);
    let min = s.or("min", unset_or(unit::<PerSecond>()), UNSET);
    let hold = s.or("hold", unit::<Micros>(), "15m");
    let probe = s.or("probe", unit::<Micros>(), "1m");
    let burst = burst(s);
    if hold == Some(Micros::ZERO) {
        s.report(
            "hold",
            "`hold` must be above zero",
            "is zero",
            "it is how long a rate must last before it is raised",
        );
        return None;
    }
    let target = target?;
    let from = match from? {
        None => target,
        Some(from) => above_zero(s, "from", Some(from))?,
    };
    let min = match min? {
        None => PerSecond(LOWEST.0.min(from.0)),
        Some(min) => above_zero(s, "min", Some(min))?,
    };
    for (key, rate, bound, most) in [("from", from, "target", target), ("min", min, "from", from)] {
        if rate.0 > most.0 {
            s.report(
                key,
                format!("`{key}` must not be above `{bound}`"),
                &format!("is {rate}, and `{bound}` is {most}"),
                "a ramp begins at `from`, never goes below `min`, and ends at `target`",
            );
        }
    }
    Some(RampSpec {
        target,
        from,
        min,
        hold: hold?,
        probe: probe?,
        burst: burst?,
    })
}

fn tokens(s: &mut Section<'_>) -> Option<TokenPacingSpec> {
    let tpm = s.or("tpm", unset_or(unit::<TokensPerMinute>()), UNSET);
    let rpm = s.or("rpm", unset_or(unit::<RequestsPerMinute>()), UNSET);
    let used = s.or("share", share(), 0.9);
    let burndown = s.or("burndown", unset_or(whole(1..=1000)), UNSET);
    for (key, is_zero) in [
        ("tpm", tpm == Some(Some(TokensPerMinute(0)))),
        ("rpm", rpm == Some(Some(RequestsPerMinute(0)))),
        ("share", used.map(Ratio::get) == Some(0.0)),
    ] {
        if is_zero {
            s.report(
                key,
                format!("`{key}` must be above zero"),
                "is zero, and nothing would be sent",
                "leave it out for the quota in force",
            );
        }
    }
    Some(TokenPacingSpec {
        tpm: tpm?,
        rpm: rpm?,
        share: used?.get(),
        burndown: burndown?,
    })
}
