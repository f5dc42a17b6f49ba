//! Admission to each kind of capacity.

use super::{Call, Endpoint, Grant, ServedBy, max_output};
use super::{LONGEST_PREFILL_WAIT, SLOWEST_STREAM_SHARE};
use crate::domain::{Failure, RefusalReason, Usage};
use crate::service::latency::Pace;
use crate::service::spec::Overload;
use crate::units::Moment;

impl Endpoint {
    #[inline]
    pub(super) fn admit_on_demand(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        mut grant: Grant,
        mut pace: Pace,
        counter: usize,
    ) -> Result<Grant, Failure> {
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
            && let Some(grant) = self.admit_optimized(now, call, grant, pace, reserved)
        {
            self.totals.reserved += reserved as u128;
            return Ok(grant);
        }
        match &self.account {
            None => self.counters[counter].admit(now, reserved),
            Some(_) => self.admit_to_account(now, call, counter, reserved, &mut grant),
        }
        .map_err(Failure::Throttled)?;
        self.totals.reserved += reserved as u128;
        grant.reserved = reserved;
        grant.served_by = ServedBy::on_demand(self.counters[counter].kind);
        grant.set_pace(now, pace);
        if self.counters[counter].is_mantle() {
            self.book_output(now, counter, &mut grant);
            grant.set_pace(now, pace);
        }
        Ok(grant)
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
        let Some(account) = &mut self.account else {
            return self.counters[counter].admit(now, reserved);
        };
        let most = Usage {
            output: max_output(call, &self.targets[call.target]),
            ..grant.usage
        };
        let tokens = account.weighted(call.target, most, grant.cache_write_1h);
        let full = account.available(now) < tokens;
        let elsewhere = full.then_some(RefusalReason::TokensPerDay);
        let refused_before = self.counters[counter].refused();
        let admitted = self.counters[counter].admit_unless(now, reserved, elsewhere);
        if admitted.is_ok() {
            account.reserve(now, tokens);
            grant.account = tokens;
        } else if full && self.counters[counter].refused() == refused_before {
            account.refuse();
        }
        admitted
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
        }
    }

    pub(super) fn admit_reserved(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        mut grant: Grant,
        pace: Pace,
        overflow: Option<usize>,
    ) -> Result<Grant, Failure> {
        let input = grant.usage.input + grant.usage.cache_write;
        let fits = self
            .reserved
            .as_mut()
            .is_some_and(|tier| tier.admit(now, input, grant.usage.output));
        if fits {
            grant.served_by = ServedBy::Reserved;
            grant.first_token_at = now + pace.ttft;
            grant.done_at = Some(now + pace.total(grant.produces()));
            return Ok(grant);
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
        mut grant: Grant,
        pace: Pace,
        overflow: Option<usize>,
    ) -> Result<Grant, Failure> {
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
        Ok(grant)
    }
}
