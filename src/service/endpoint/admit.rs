//! Admission to each kind of capacity.

use super::{Call, Endpoint, Grant, ServedBy, max_output};
use super::{LONGEST_PREFILL_WAIT, SLOWEST_STREAM_SHARE};
use crate::domain::{Failure, RefusalReason, StopReason, Usage};
use crate::service::latency::Pace;
use crate::service::setup::Route;
use crate::service::spec::Overload;
use crate::units::Moment;

impl Endpoint {
    /// Admits a call to the capacity of its target.
    #[inline]
    pub(super) fn admit_by_route(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        grant: &mut Grant,
        pace: Pace,
    ) -> Result<(), Failure> {
        match self.targets[call.target].route {
            // A tier that is named goes past the reservation where standard capacity stands behind it.
            Route::Reserved {
                counter: Some(counter),
            } if call.tier.is_some() => self.admit_on_demand(now, call, grant, pace, counter),
            Route::OnDemand { counter } => self.admit_on_demand(now, call, grant, pace, counter),
            Route::Reserved { counter } => self.admit_reserved(now, call, grant, pace, counter),
            Route::Units { counter } => self.admit_units(now, call, grant, pace, counter),
            Route::Batch => Err(Failure::Validation),
        }
    }

    #[inline]
    pub(super) fn admit_on_demand(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        grant: &mut Grant,
        mut pace: Pace,
        counter: usize,
    ) -> Result<(), Failure> {
        if let Some(tier) = call.tier {
            self.apply_tier(call, tier, &mut pace)?;
            grant.tier = tier;
        }
        let usage = grant.usage;
        let read = if self.reserve_counts_cache_read {
            usage.cache_read
        } else {
            0
        };
        let reserved = i64::from(usage.input)
            + i64::from(usage.cache_write)
            + i64::from(read)
            + i64::from(max_output(call, &self.targets[call.target]));
        if call.latency_optimized
            && self.account_fits(now, call, grant)
            && self
                .admit_optimized(now, call, grant, pace, reserved)
                .is_some()
        {
            self.reserve_of_account(now, call, grant);
            self.totals.reserved += reserved as u128;
            return Ok(());
        }
        match &self.account {
            None => self.counters[counter].admit(now, reserved),
            Some(_) => self.admit_to_account(now, call, counter, reserved, grant),
        }
        .map_err(Failure::Throttled)?;
        self.totals.reserved += reserved as u128;
        grant.reserved = reserved;
        grant.served_by = ServedBy::on_demand(self.counters[counter].kind);
        grant.set_pace(now, pace);
        if self.counters[counter].is_mantle() {
            self.book_output(now, counter, grant);
            grant.set_pace(now, pace);
        }
        Ok(())
    }

    /// Reserves of the counter and of the account's day, both or none.
    fn admit_to_account(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        counter: usize,
        reserved: i64,
        grant: &mut Grant,
    ) -> Result<(), RefusalReason> {
        let full = !self.account_fits(now, call, grant);
        let elsewhere = full.then_some(RefusalReason::TokensPerDay);
        let own = &mut self.counters[counter];
        let refused_before = own.refused();
        let admitted = own.admit_unless(now, reserved, elsewhere);
        let refused_here = own.refused() > refused_before;
        if admitted.is_ok() {
            self.reserve_of_account(now, call, grant);
        } else if full && !refused_here {
            // Its own quotas would have taken the call.
            if let Some(account) = &mut self.account {
                account.refuse();
            }
        }
        admitted
    }

    /// What a call reserves of the account's day: its answer as long as it can be.
    fn most_of_account(&self, call: &Call<'_>, grant: &Grant) -> i64 {
        let most = Usage {
            output: max_output(call, &self.targets[call.target]),
            ..grant.usage
        };
        let account = self.account.as_ref();
        account.map_or(0, |account| {
            account.weighted(call.target, most, grant.cache_write_1h)
        })
    }

    fn account_fits(&mut self, now: Moment, call: &Call<'_>, grant: &Grant) -> bool {
        if self.account.is_none() {
            return true;
        }
        let tokens = self.most_of_account(call, grant);
        let account = self.account.as_mut();
        account.is_none_or(|account| account.available(now) >= tokens)
    }

    fn reserve_of_account(&mut self, now: Moment, call: &Call<'_>, grant: &mut Grant) {
        if self.account.is_none() {
            return;
        }
        grant.account = self.most_of_account(call, grant);
        if let Some(account) = &mut self.account {
            account.reserve(now, grant.account);
        }
    }

    /// Books the output of a call of the mantle family; what has no room is not produced.
    fn book_output(&mut self, now: Moment, counter: usize, grant: &mut Grant) {
        let asked = grant.production();
        let granted = self.counters[counter].book_output(now, &asked);
        grant.booked = granted;
        if granted < asked.tokens {
            grant.usage.output = granted;
            grant.broken = None;
            grant.truncated = true;
            grant.stopped_early = true;
            grant.stop = StopReason::MaxTokens;
            grant.thinking = grant.thinking.min(granted);
        }
    }

    pub(super) fn admit_reserved(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        grant: &mut Grant,
        pace: Pace,
        overflow: Option<usize>,
    ) -> Result<(), Failure> {
        let input = grant.usage.input + grant.usage.cache_write;
        let fits = self
            .reserved
            .as_mut()
            .is_some_and(|tier| tier.admit(now, input, grant.usage.output));
        if fits {
            grant.served_by = ServedBy::Reserved;
            grant.first_token_at = now + pace.ttft;
            grant.done_at = Some(now + pace.total(grant.produces()));
            return Ok(());
        }
        match overflow {
            Some(counter) => self.admit_on_demand(now, call, grant, pace, counter),
            None => Err(Failure::Throttled(RefusalReason::ProvisionedCapacity)),
        }
    }

    pub(super) fn admit_units(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        grant: &mut Grant,
        pace: Pace,
        overflow: Option<usize>,
    ) -> Result<(), Failure> {
        let Some(units) = &mut self.units else {
            return Err(Failure::Throttled(RefusalReason::ProvisionedCapacity));
        };
        let streams = f64::from(units.decoder.active() + units.waiting + 1);
        let full = streams * SLOWEST_STREAM_SHARE > units.decoder.full_speed_streams().max(1.0)
            || units.prefill.wait(now) > LONGEST_PREFILL_WAIT;
        if full && units.overload != Overload::Queue {
            if let Some(counter) = overflow {
                return self.admit_on_demand(now, call, grant, pace, counter);
            }
            units.refused += 1;
            return Err(Failure::Throttled(RefusalReason::ProvisionedCapacity));
        }
        let wait = units
            .prefill
            .push(now, grant.usage.input + grant.usage.cache_write);
        units.waiting += 1;
        grant.served_by = ServedBy::ModelUnits;
        grant.first_token_at = now + wait + pace.ttft;
        Ok(())
    }
}
