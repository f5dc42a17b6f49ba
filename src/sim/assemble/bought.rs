//! Capacity that is bought: the Reserved tier and model units.

use super::{Joiner, Resolved};
use crate::cost::capacity::{Throughput, reserved_per_hour, units_per_hour};
use crate::domain::{Fact, Offer, UnitPrice};
use crate::service::setup::{ReservedSetup, UnitsSetup};
use crate::service::spec::{ProvisionedSpec, ReservedSpec};
use crate::sim::context::BoughtCapacity;
use crate::units::TokensPerMinute;

impl<'a> Joiner<'a> {
    /// The one model that bought capacity serves.
    fn one_model<'r>(&mut self, resolved: &'r [Resolved<'a>]) -> Option<&'r Resolved<'a>> {
        // Batch jobs use no bought capacity.
        let calls = || {
            let calls = resolved.iter();
            calls.filter(|one| one.workload.offer.batch.is_none())
        };
        let Some(first) = calls().next() else {
            self.problem(
                "capacity",
                "bought capacity serves no workload: all of them are batch jobs",
                "use `capacity.on_demand`; batch jobs need no other",
            );
            return None;
        };
        if calls().any(|one| one.model.name != first.model.name) {
            self.problem(
                "capacity",
                "bought capacity serves one model, and the workloads call several",
                "simulate the models in scenarios of their own",
            );
            return None;
        }
        Some(first)
    }

    pub(super) fn reserved(
        &mut self,
        spec: &ReservedSpec,
        resolved: &[Resolved<'a>],
    ) -> Option<(ReservedSetup, BoughtCapacity)> {
        let one = self.one_model(resolved)?;
        let (title, kind) = (&one.model.title, spec.scope.kind());
        if self.lacks("capacity.reserved", one.model, Offer::Reserved) {
            return None;
        }
        let offers = one.prices.map_or(&[][..], |prices| &prices.reserved);
        let price = offers
            .iter()
            .find(|offer| offer.kind == kind && offer.term == spec.term);
        if let Some(price) = price
            && (spec.input_tpm < price.min_input || spec.output_tpm < price.min_output)
        {
            self.problem(
                "capacity.reserved",
                "the reservation is below the least that can be bought",
                format!(
                    "reserve at least {} in and {} out",
                    price.min_input, price.min_output
                ),
            );
        }
        if price.is_none() {
            let (book, term) = (&self.book.name, spec.term);
            let warning =
                format!("price book {book} has no {term} Reserved price for {title} ({kind})");
            self.warnings.push(warning);
        }
        if !one.model.offers.provisioned {
            self.notes.push(format!(
                "{title} sells no model units (Provisioned Throughput); capacity is bought in the \
                 Reserved tier"
            ));
        }
        let size = Throughput {
            input: spec.input_tpm,
            output: spec.output_tpm,
        };
        let bought = BoughtCapacity {
            what: format!(
                "Reserved tier, {} in + {} out, {}",
                spec.input_tpm, spec.output_tpm, spec.term
            ),
            per_hour: price.map(|price| reserved_per_hour(price, size)),
            input_tpm: spec.input_tpm,
            output_tpm: spec.output_tpm,
            burndown: if spec.burndown { one.model.burndown } else { 1 },
        };
        let setup = ReservedSetup {
            model: one.model.name.clone(),
            kind,
            input_tpm: spec.input_tpm,
            output_tpm: spec.output_tpm,
            burndown: bought.burndown,
        };
        Some((setup, bought))
    }

    pub(super) fn units(
        &mut self,
        spec: &ProvisionedSpec,
        resolved: &[Resolved<'a>],
    ) -> Option<(UnitsSetup, BoughtCapacity)> {
        let one = self.one_model(resolved)?;
        if self.lacks("capacity.provisioned", one.model, Offer::Provisioned) {
            return None;
        }
        let units = u64::from(spec.model_units);
        let (input, output) = (
            spec.unit_input_tpm.0 * units,
            spec.unit_output_tpm.0 * units,
        );
        let listed = one.prices.map_or(&[][..], |prices| &prices.units);
        let listed = listed.iter().find(|price| price.term == spec.term);
        let stated = spec.unit_price_per_hour.map(|per_hour| UnitPrice {
            term: spec.term,
            per_hour,
            source: Fact::default(),
        });
        let price = stated.as_ref().or(listed);
        if price.is_none() {
            self.warnings.push(format!(
                "no price of a model unit of {} is public; set `unit_price_per_hour` to your quote",
                one.model.title
            ));
        }
        self.notes.push(format!(
            "the size of a model unit ({} in, {} out) and its price are inputs of this scenario: \
             AWS publishes neither",
            spec.unit_input_tpm, spec.unit_output_tpm
        ));
        let stream_per_s = 1e6 / one.latency.per_output_token.0.max(1) as f64;
        let setup = UnitsSetup {
            input_per_s: input as f64 / 60.0,
            output_per_s: output as f64 / 60.0,
            stream_per_s,
            overload: spec.overload.clone(),
        };
        let plural = if units == 1 { "" } else { "s" };
        let bought = BoughtCapacity {
            what: format!("{units} model unit{plural}, {}", spec.term),
            per_hour: price.map(|price| units_per_hour(price, spec.model_units)),
            input_tpm: TokensPerMinute(input),
            output_tpm: TokensPerMinute(output),
            burndown: 1,
        };
        Some((setup, bought))
    }
}
