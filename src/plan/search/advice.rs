//! Changes that may carry the load further. Each is tried in the simulator before it is told.

use super::binds::{Binds, Cause};
use crate::domain::Scope;
use crate::plan::Preview;
use crate::plan::preview::words::count;
use crate::profile::Catalogue;
use crate::scenario::Loaded;
use crate::service::spec::CapacitySpec;
use crate::sim::{Assembled, assemble};
use crate::units::{RequestsPerMinute, TokensPerDay, TokensPerMinute};

/// A change to try.
pub(super) struct Change {
    /// What to change, as an instruction.
    pub text: String,
    /// The variant with it.
    pub assembled: Assembled,
    /// How much more it may carry, as a first guess.
    pub hoped: f64,
}

/// Where further variants come from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The scenario, for the same variant with another profile.
    pub loaded: &'a Loaded,
    /// The models.
    pub catalogue: &'a Catalogue,
    /// The prices.
    pub book: &'a crate::domain::PriceBook,
}

/// The changes worth trying against what binds, for a variant that passes up to `factor` times its load.
pub(super) fn changes(
    assembled: &Assembled,
    preview: &Preview,
    binds: &Binds,
    factor: Option<f64>,
    sources: Sources<'_>,
) -> Vec<Change> {
    // As far as the scenario's own load, or twice as far as now.
    let hoped = factor.map_or(2.0, |factor| (1.0 / factor).max(2.0));
    let mut changes = Vec::new();
    match binds.cause {
        Cause::TpmReservation | Cause::Tpm => {
            changes.extend(right_size(assembled, preview));
            changes.extend(global(assembled, sources));
            changes.extend(raised(assembled, binds, hoped));
        }
        Cause::Rpm | Cause::Tpd | Cause::AccountTpd => {
            changes.extend(global(assembled, sources));
            changes.extend(raised(assembled, binds, hoped));
        }
        Cause::Regions | Cause::Errors => changes.extend(global(assembled, sources)),
        Cause::Bought => changes.extend(bought_twice(assembled)),
        Cause::Guardrail => changes.push(guardrails(assembled, hoped)),
        Cause::Concurrency | Cause::Queue => changes.extend(concurrency(assembled)),
        Cause::Timeout | Cause::Latency | Cause::Context => {}
    }
    changes
}

/// `max_tokens` at p99.9 of each workload's output, where that is less than now.
fn right_size(assembled: &Assembled, preview: &Preview) -> Option<Change> {
    let mut sized = assembled.clone();
    let mut told = Vec::new();
    let proposed = preview
        .quotas
        .iter()
        .filter_map(|quota| quota.right_size.as_ref());
    for (name, p999) in proposed.flat_map(|one| &one.max_tokens) {
        let value = rounded_up(f64::from(*p999)) as u32;
        let Some(target) = sized
            .setup
            .endpoint
            .targets
            .iter_mut()
            .find(|target| target.name == *name && target.max_tokens > value)
        else {
            continue;
        };
        let now = u64::from(std::mem::replace(&mut target.max_tokens, value));
        let of = if assembled.setup.workloads.len() > 1 {
            format!(" of {name}")
        } else {
            String::new()
        };
        told.push(format!(
            "max_tokens{of} to {} (now {})",
            count(u64::from(value)),
            count(now)
        ));
    }
    (!told.is_empty()).then(|| Change {
        text: format!("lower {}", told.join(", ")),
        assembled: sized,
        hoped: 1.5,
    })
}

/// The same variant by the global profile, where its models have one.
fn global(assembled: &Assembled, sources: Sources<'_>) -> Option<Change> {
    let scenario = &sources.loaded.scenario;
    let mut variant = scenario
        .variants
        .iter()
        .find(|variant| variant.name == assembled.context.name)?
        .clone();
    match &mut variant.service.capacity {
        CapacitySpec::OnDemand { scope } if *scope != Scope::Global => *scope = Scope::Global,
        _ => return None,
    }
    let mut loaded = sources.loaded.clone();
    loaded.scenario.variants = vec![variant];
    // A model without that profile is no problem of the scenario: there is nothing to try.
    let changed = assemble(&loaded, sources.catalogue, sources.book).ok()?;
    Some(Change {
        text: "use the global profile".to_owned(),
        assembled: changed.into_iter().next()?,
        hoped: 1.5,
    })
}

/// The quota that binds, `times` as large.
fn raised(assembled: &Assembled, binds: &Binds, times: f64) -> Option<Change> {
    let quota = binds.quota.as_ref()?;
    let mut raised = assembled.clone();
    let endpoint = &mut raised.setup.endpoint;
    let limit = rounded_up(quota.limit as f64 * times);
    let index = endpoint.counters.iter().position(|counter| {
        (&counter.model, counter.kind, &counter.region) == (&quota.model, quota.kind, &quota.region)
    });
    let counter = index.map(|index| &mut endpoint.counters[index].limits);
    let text = match quota.name {
        "tpm" | "input_tpm" => {
            let limits = counter?;
            let now = std::mem::replace(&mut limits.tpm, TokensPerMinute(limit));
            // The quota of a day is 1,440 times that of a minute by default, and rises with it.
            let daily = limits
                .tpd
                .map(|tpd| TokensPerDay((tpd.0 as f64 * times) as u64));
            limits.tpd = daily;
            format!("ask for {} (now {now})", limits.tpm)
        }
        "rpm" => {
            let limits = counter?;
            let now = limits.rpm.replace(RequestsPerMinute(limit))?;
            format!("ask for {} (now {now})", RequestsPerMinute(limit))
        }
        "tpd" => {
            let limits = counter?;
            let now = limits.tpd.replace(TokensPerDay(limit))?;
            format!("ask for {} (now {now})", TokensPerDay(limit))
        }
        "output_tpm" => {
            let output = endpoint.quotas.output_tpm.get_mut(index?)?;
            let now = std::mem::replace(output, TokensPerMinute(limit));
            format!("ask for {output} of output (now {now})")
        }
        // Documented as not adjustable.
        _ => return None,
    };
    Some(Change {
        text,
        assembled: raised,
        hoped: times,
    })
}

/// Twice what was bought.
fn bought_twice(assembled: &Assembled) -> Option<Change> {
    let mut twice = assembled.clone();
    let endpoint = &mut twice.setup.endpoint;
    let text = match (&mut endpoint.reserved, &mut endpoint.units) {
        (Some(reserved), _) => {
            reserved.input_tpm.0 *= 2;
            reserved.output_tpm.0 *= 2;
            format!(
                "buy twice as much: {} of input, {} of output",
                reserved.input_tpm, reserved.output_tpm
            )
        }
        (None, Some(units)) => {
            units.input_per_s *= 2.0;
            units.output_per_s *= 2.0;
            "buy twice as many model units".to_owned()
        }
        (None, None) => return None,
    };
    Some(Change {
        text,
        assembled: twice,
        hoped: 2.0,
    })
}

fn guardrails(assembled: &Assembled, times: f64) -> Change {
    let mut raised = assembled.clone();
    let mut told = Vec::new();
    for guard in &mut raised.setup.endpoint.guards {
        for (_, quota) in &mut guard.quotas {
            let now = quota.per_second;
            quota.per_second = rounded_up(now as f64 * times);
            quota.burst = rounded_up(quota.burst as f64 * times);
            told.push(format!(
                "{} text units/s of {} (now {})",
                count(quota.per_second),
                guard.spec.name,
                count(now)
            ));
        }
    }
    told.dedup();
    Change {
        text: format!("ask for {}", told.join(", ")),
        assembled: raised,
        hoped: times,
    }
}

fn concurrency(assembled: &Assembled) -> Option<Change> {
    let mut wider = assembled.clone();
    let places = wider.setup.client.concurrency.as_mut()?;
    let now = *places;
    *places = now.saturating_mul(2);
    Some(Change {
        text: format!(
            "raise client.concurrency to {} (now {})",
            count(u64::from(*places)),
            count(u64::from(now))
        ),
        assembled: wider,
        hoped: 2.0,
    })
}

/// The next number with two digits that matter.
fn rounded_up(value: f64) -> u64 {
    if value < 10.0 {
        return value.ceil() as u64;
    }
    let unit = 10f64.powf(value.log10().floor() - 1.0);
    // A quotient that is whole but for a rounding error is whole.
    ((value / unit - 1e-9).ceil() * unit).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_are_round() {
        let values = [7.2, 10.0, 1163.0, 2_000_000.0, 2_000_001.0, 99.5];
        assert_eq!(
            values.map(rounded_up),
            [8, 10, 1200, 2_000_000, 2_100_000, 100]
        );
    }
}
