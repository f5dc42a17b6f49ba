//! Where a call is served, and what it takes there and elsewhere.

use super::{Call, Endpoint, Grant, Prefix, ServedBy, Target};
use crate::domain::{Failure, PriceTier, StreamFault, Usage};
use crate::rng::mix64;
use crate::service::quota::Counter;
use crate::service::regions::{Placed, PoolReport, Regions};
use crate::units::Moment;

/// Chooses who serves a call.
pub(super) fn place(
    regions: &mut Regions,
    now: Moment,
    call: &Call<'_>,
    target: &Target,
) -> Option<Placed> {
    let draws = (
        target.routing.uniform(call.key),
        target.second_choice.uniform(call.key),
    );
    let affinity = match call.prefix {
        Prefix::Blocks([first, ..]) => target.routing.bits(u64::from(*first)),
        Prefix::Points([first, ..], _) => mix64(first.id),
        // Nothing to stick to.
        Prefix::Blocks([]) | Prefix::Points([], _) => target.routing.bits(call.key),
    };
    regions.place(now, call.target, draws, affinity)
}

impl Endpoint {
    /// The service begins at `now`: whatever the setup puts at a moment counts from it.
    pub fn begin(&mut self, now: Moment, setup: &crate::service::setup::EndpointSetup) {
        self.upkeep = super::Upkeep::new(&setup.quotas, now);
        if let Some(regions) = &mut self.regions {
            regions.begin(now);
        }
    }

    /// Takes a place in the pool of a Region for a call that the quotas admitted.
    ///
    /// Quotas are looked at first, as they stand in front of all Regions. A call that finds no room
    /// afterwards gets its reservation back, and has counted as a request.
    pub(super) fn occupy(
        &mut self,
        now: Moment,
        target: usize,
        grant: &mut Grant,
        placed: &Placed,
    ) -> Result<(), Failure> {
        let Some(regions) = &mut self.regions else {
            return Ok(());
        };
        let is_bought = matches!(grant.served_by, ServedBy::Reserved | ServedBy::ModelUnits);
        let gives_way = grant.tier == PriceTier::Flex && self.tiers.gives_way(placed.free);
        if (placed.full || gives_way) && !is_bought {
            regions.refuse(placed);
            self.close(now, target, grant, 0, Usage::default());
            return Err(Failure::Unavailable);
        }
        let usage = grant.usage;
        regions.enter(placed, usage.cache_read, usage.cache_write);
        grant.pool = Some(placed.pool as u32);
        Ok(())
    }

    /// Ends what a call holds of a counter, and of the account's day.
    pub(super) fn close(
        &mut self,
        now: Moment,
        target: usize,
        grant: &Grant,
        used: i64,
        usage: Usage,
    ) {
        let mut reserved = grant.reserved;
        if let (Some(place), Some(upkeep)) = (grant.adjusted, &mut self.upkeep) {
            reserved = upkeep.end(place);
        }
        if let Some(own) = self.counter_of(target, grant) {
            own.settle(now, grant.admitted_at, reserved, used);
            if usage.output < grant.booked {
                let answer = super::Production {
                    tokens: grant.booked,
                    ..grant.production()
                };
                own.unbook_output(now, &answer, usage.output);
            }
        }
        if let Some(account) = &mut self.account {
            let written_1h = grant.cache_write_1h.min(usage.cache_write);
            let used = account.weighted(target, usage, written_1h);
            account.settle(now, grant.admitted_at, grant.account, used);
        }
    }

    /// The counter that admitted a call.
    fn counter_of(&mut self, target: usize, grant: &Grant) -> Option<&mut Counter> {
        let target = &self.targets[target];
        match (grant.tier, target.optimized) {
            (PriceTier::LatencyOptimized, Some(route)) => {
                self.tiers.optimized.get_mut(route.counter)
            }
            _ => self.counters.get_mut(target.route.counter()?),
        }
    }

    /// Has the reservation of an admitted call adjusted while its answer comes.
    pub(super) fn watch(&mut self, target: usize, grant: &mut Grant) {
        let target = &self.targets[target];
        let is_bought = matches!(grant.served_by, ServedBy::Reserved | ServedBy::ModelUnits);
        if is_bought || grant.tier == PriceTier::LatencyOptimized {
            return;
        }
        if let (Some(upkeep), Some(counter)) = (&mut self.upkeep, target.route.counter()) {
            let is_mantle = self.counters[counter].is_mantle();
            let burndown = if is_mantle { 0 } else { target.burndown };
            grant.adjusted = upkeep.begin(counter, grant, burndown);
        }
    }

    /// Every pool of a Region as it stands at `now`, with what it saw; none if Regions have no bounds.
    pub fn pools(&self, now: Moment) -> Vec<PoolReport> {
        let regions = self.regions.as_ref();
        regions.map_or_else(Vec::new, |regions| regions.reports(now))
    }
}

/// Cuts an answer off at the moment at which its Region is lost, if it would not have ended before.
pub(super) fn break_off(grant: &mut Grant, lost_at: Moment) {
    let Some(done_at) = grant.done_at else { return };
    if lost_at >= done_at {
        return;
    }
    let produced = if lost_at < grant.first_token_at {
        0
    } else {
        let after = lost_at.since(grant.first_token_at).0 as f64 / grant.per_token_us;
        (after as u32).saturating_add(1).min(grant.produces())
    };
    grant.broken = Some((produced, StreamFault::Unavailable));
    grant.done_at = Some(lost_at);
    grant.is_lost = true;
}
