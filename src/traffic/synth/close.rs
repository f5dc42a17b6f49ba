//! How close synthetic traffic comes to its source.

use crate::load::trace::Recorded;
use crate::results::traffic::{ClosenessRow, SYNTH_SCHEMA, Spread, SynthSummary, TraceStats};
use crate::traffic::stats::{StatsOptions, stats};
use crate::traffic::tables::LEAST_SUPPORT;

/// A figure of a spread.
type Value = fn(&Spread) -> f64;

/// Largest errors that are promised.
mod at_most {
    /// Of the number of requests.
    pub const COUNT: f64 = 0.01;
    /// Of the index of dispersion and the peak, at 1, 10 and 60 seconds.
    pub const BURSTS: f64 = 0.15;
    /// Of the variation of gaps.
    pub const GAPS: f64 = 0.2;
    /// Of quantiles and means of sizes; a token is always allowed.
    pub const SIZES: f64 = 0.03;
    /// Of the rank correlation, as a difference; three standard errors (1/√n) are always allowed, since that much
    /// is chance among so few requests.
    pub const CORRELATION: f64 = 0.03;
    /// Of the share that a cache without an end serves, as a difference.
    pub const REUSE: f64 = 0.03;
    /// Of the share that caches with an end serve, as a difference.
    pub const HITS: f64 = 0.05;
    /// Of turns of sessions; one turn is always allowed.
    pub const TURNS: f64 = 0.1;
    /// Of the shares of clients, as a difference.
    pub const CLIENTS: f64 = 0.03;
}

/// Compares what was made with its source; `source`, `out` and `seed` are left to the caller.
pub fn closeness(source: &Recorded, made: &Recorded) -> SynthSummary {
    let options = StatsOptions::default();
    let (a, b) = (stats(source, "", &options), stats(made, "", &options));
    let mut rows = Rows {
        rows: Vec::new(),
        // At another length the mean course of time is another one.
        same_length: a.requests.abs_diff(b.requests) * 50 <= a.requests,
    };
    rows.arrivals(&a, &b);
    rows.sizes("input", a.input_tokens.as_ref(), b.input_tokens.as_ref());
    rows.sizes("output", a.output_tokens.as_ref(), b.output_tokens.as_ref());
    rows.rest(&a, &b);
    let within = rows.rows.iter().all(|row| row.within != Some(false));
    let mut notes =
        vec!["left out: outcomes, latencies, dates, ids, names of clients and all text".to_owned()];
    if a.calls > a.requests {
        notes.push("retries are left out: they are what a policy makes of traffic".to_owned());
    }
    SynthSummary {
        schema: SYNTH_SCHEMA.to_owned(),
        requests: b.requests,
        least_support: LEAST_SUPPORT as u32,
        rows: rows.rows,
        within,
        notes,
        ..SynthSummary::default()
    }
}

struct Rows {
    rows: Vec<ClosenessRow>,
    same_length: bool,
}

impl Rows {
    fn push(&mut self, what: &str, pair: (f64, f64), error: f64, tolerance: Option<f64>) {
        self.rows.push(ClosenessRow {
            what: what.to_owned(),
            source: pair.0,
            synth: pair.1,
            error,
            tolerance,
            within: tolerance.map(|most| error <= most),
        });
    }

    /// A relative error.
    fn ratio(&mut self, what: &str, pair: (Option<f64>, Option<f64>), tolerance: Option<f64>) {
        if let (Some(a), Some(b)) = pair {
            let error = if a == 0.0 {
                (b - a).abs()
            } else {
                (b / a - 1.0).abs()
            };
            self.push(what, (a, b), error, tolerance);
        }
    }

    /// A difference.
    fn apart(&mut self, what: &str, pair: (Option<f64>, Option<f64>), tolerance: Option<f64>) {
        if let (Some(a), Some(b)) = pair {
            self.push(what, (a, b), (b - a).abs(), tolerance);
        }
    }

    /// Lets the last row pass if it is off by no more than one token or turn.
    fn allow_one(&mut self) {
        if let Some(row) = self.rows.last_mut()
            && (row.synth - row.source).abs() <= 1.0
        {
            row.within = row.within.map(|_| true);
        }
    }

    fn arrivals(&mut self, a: &TraceStats, b: &TraceStats) {
        let same = |most: f64, same: bool| same.then_some(most);
        let of = self.same_length;
        let count = |stats: &TraceStats| Some(stats.requests as f64);
        self.ratio("requests", (count(a), count(b)), same(at_most::COUNT, of));
        self.ratio(
            "requests per second",
            (a.rate_rps, b.rate_rps),
            same(at_most::COUNT, of),
        );
        for window in [1, 10, 60, 300] {
            let bursts = (window < 300).then_some(at_most::BURSTS).filter(|_| of);
            let at = |stats: &TraceStats| stats.idc.get(&window).copied();
            self.ratio(&format!("IDC, {window} s"), (at(a), at(b)), bursts);
            let at = |stats: &TraceStats| stats.peak_to_mean.get(&window).copied();
            self.ratio(&format!("peak / mean, {window} s"), (at(a), at(b)), bursts);
        }
        // What is more even than chance is so for the clock of the log.
        let bursty = of && a.gap_cv.is_some_and(|cv| cv >= 1.0);
        let most = same(at_most::GAPS, bursty);
        self.ratio("gap CV", (a.gap_cv, b.gap_cv), most);
    }

    fn sizes(&mut self, side: &str, a: Option<&Spread>, b: Option<&Spread>) {
        let (Some(a), Some(b)) = (a, b) else {
            return;
        };
        let values: [(&str, f64, Value); 4] = [
            ("mean", 0.5, |one| one.mean),
            ("p50", 0.5, |one| one.p50),
            ("p90", 0.1, |one| one.p90),
            ("p99", 0.01, |one| one.p99),
        ];
        for (name, tail, value) in values {
            let pair = (value(a), value(b));
            let error = (pair.1 / pair.0 - 1.0).abs();
            // A quantile with few requests beyond it is smoothed away on purpose.
            let told = a.count as f64 * tail >= 2.0 * LEAST_SUPPORT as f64;
            self.push(
                &format!("{side} tokens, {name}"),
                pair,
                error,
                told.then_some(at_most::SIZES),
            );
            self.allow_one();
        }
    }

    fn rest(&mut self, a: &TraceStats, b: &TraceStats) {
        let enough = a.requests >= 1000;
        let told = |most: f64| enough.then_some(most);
        let pair = (a.rank_correlation, b.rank_correlation);
        let chance = 3.0 / (a.requests as f64).sqrt();
        let most = at_most::CORRELATION.max(chance);
        self.apart("rank correlation", pair, told(most));
        self.apart(
            "prefix reuse",
            (a.prefix_reuse, b.prefix_reuse),
            told(at_most::REUSE),
        );
        let hits = |stats: &TraceStats, hour: bool| {
            let prefix = stats.prefix.as_ref()?;
            Some(if hour {
                prefix.hit_rate_1h
            } else {
                prefix.hit_rate_5m
            })
        };
        self.apart(
            "served, 5 min",
            (hits(a, false), hits(b, false)),
            told(at_most::HITS),
        );
        self.apart(
            "served, 1 h",
            (hits(a, true), hits(b, true)),
            told(at_most::HITS),
        );
        let cache = |stats: &TraceStats| stats.cache.map(|cache| cache.write_share);
        self.apart(
            "written to a cache",
            (cache(a), cache(b)),
            told(at_most::REUSE),
        );
        if let (Some(x), Some(y)) = (&a.sessions, &b.sessions) {
            let turns = (x.count >= 200).then_some(at_most::TURNS);
            self.ratio(
                "turns, mean",
                (Some(x.turns.mean), Some(y.turns.mean)),
                turns,
            );
            self.ratio("turns, p50", (Some(x.turns.p50), Some(y.turns.p50)), turns);
            self.allow_one();
            self.ratio("turns, p90", (Some(x.turns.p90), Some(y.turns.p90)), turns);
            self.allow_one();
            let gap = |one: &Option<Spread>, p90: bool| {
                one.as_ref().map(|gap| if p90 { gap.p90 } else { gap.p50 })
            };
            for (name, p90) in [("p50", false), ("p90", true)] {
                let pair = (gap(&x.gap_s, p90), gap(&y.gap_s, p90));
                self.ratio(&format!("seconds between turns, {name}"), pair, None);
                let pair = (gap(&x.growth_tokens, p90), gap(&y.growth_tokens, p90));
                self.ratio(&format!("growth of prompts, {name}"), pair, None);
            }
        }
        if let (Some(x), Some(y)) = (&a.clients, &b.clients) {
            // Clients are told apart by sessions, of which most have too few.
            let most = told(at_most::CLIENTS).filter(|_| a.sessions.is_none());
            let (one, ten) = ("busiest client", "busiest ten clients");
            self.apart(one, (Some(x.top_1_share), Some(y.top_1_share)), most);
            self.apart(ten, (Some(x.top_10_share), Some(y.top_10_share)), most);
        }
    }
}
