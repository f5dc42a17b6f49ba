//! The outlook as a document.

use super::{CounterOutlook, Outlook, QuotaOutlook, QuotaRequest, QuotaUnit, Side};
use crate::plan::purchase::demand::month_label;
use crate::results::plan::{
    ExhaustionSummary, MonthNeedSummary, QuotaLimitSummary, QuotaOutlookSummary,
    QuotaRequestSummary, RateSummary,
};
use crate::scenario::HorizonSpec;

impl Outlook {
    /// What it found, as part of a document: one entry for each counter.
    pub fn summary(&self, horizon: &HorizonSpec) -> Vec<QuotaOutlookSummary> {
        let counters = self.counters.iter();
        counters.map(|counter| counter.summary(horizon)).collect()
    }
}

impl CounterOutlook {
    fn summary(&self, horizon: &HorizonSpec) -> QuotaOutlookSummary {
        QuotaOutlookSummary {
            model: self.model.clone(),
            model_title: self.model_title.clone(),
            kind: self.kind.to_string(),
            scope: self.scope.to_string(),
            region: self.region.clone(),
            workloads: self.workloads.clone(),
            lead_time_days: horizon.lead_time.as_secs_f64() / 86_400.0,
            quotas: self
                .quotas
                .iter()
                .map(|quota| quota.summary(horizon))
                .collect(),
            request: self.request.as_ref().map(QuotaRequest::summary),
        }
    }
}

impl QuotaOutlook {
    fn summary(&self, horizon: &HorizonSpec) -> QuotaLimitSummary {
        let is_tokens = self.unit != QuotaUnit::Rpm;
        let months = self.months.iter().enumerate();
        let exhaustion = &self.exhaustion;
        let month = |month: Option<usize>| month.map(|month| month as u32 + 1);
        QuotaLimitSummary {
            unit: self.unit.key().to_owned(),
            limit: self.limit,
            code: self.code.clone(),
            mean: self.mean,
            months: months
                .map(|(index, need)| MonthNeedSummary {
                    month: index as u32 + 1,
                    label: month_label(horizon, index),
                    need_p50: need.p50,
                    need_p95: need.p95,
                    settled_p95: is_tokens.then_some(need.settled_p95),
                    billed_p95: is_tokens.then_some(need.billed_p95),
                    share_p50: ratio(need.p50, self.limit),
                    share_p95: ratio(need.p95, self.limit),
                    chance_above: need.above,
                    peak_factor: need.factors.peak,
                    growth_factor_p50: need.factors.growth_p50,
                    growth_factor_p95: need.factors.growth,
                    burst_factor: need.factors.burst,
                })
                .collect(),
            exhaustion: ExhaustionSummary {
                p10_month: month(exhaustion.p10),
                p50_month: month(exhaustion.p50),
                p90_month: month(exhaustion.p90),
                never_share: exhaustion.never,
                first_in_month: exhaustion.first_in.clone(),
                ask_by: exhaustion
                    .ask_by
                    .and_then(|by| by.date)
                    .map(|date| date.to_string()),
                ask_within_days: exhaustion.ask_by.map(|by| by.in_days),
            },
            ask: self.ask,
        }
    }
}

impl QuotaRequest {
    fn summary(&self) -> QuotaRequestSummary {
        QuotaRequestSummary {
            use_case: self.use_case.clone(),
            tokens_per_minute: self.tokens_per_minute.summary(),
            requests_per_minute: self.requests_per_minute.summary(),
            input_tokens: self.input_tokens,
            cached_share: self.cached_share,
            output_tokens: self.output_tokens,
            max_tokens: self.max_tokens,
            growth: self.growth.clone(),
            evidence: self.evidence.clone(),
        }
    }
}

impl Side {
    fn summary(self) -> RateSummary {
        RateSummary {
            steady: self.steady,
            peak: self.peak,
            steady_at_end: self.steady_at_end,
            peak_at_end: self.peak_at_end,
        }
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
