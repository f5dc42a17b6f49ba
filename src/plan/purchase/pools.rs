//! Which requests share a quota, and what is sold to them.

use super::{Demand, Offer, Pool, Price, Size};
use crate::domain::{
    Fact, FactStatus, ModelPrices, ModelProfile, Offer as Sold, PriceBook, Scope, ScopeKind, Term,
};
use crate::profile::Catalogue;
use crate::scenario::{OfferKind, PlannedOffer, Variant};
use crate::sim::Assembled;
use crate::units::{Ratio, TokensPerMinute};

/// What must be served where neither the plan nor the SLO says: 99.9 %.
const USUAL_TARGET: f64 = 0.999;
/// The least that the Reserved tier sells, where no price book says (bedrock user guide, service-tiers-inference).
const LEAST: (u64, u64) = (100_000, 10_000);

/// What is sold to a pool, and what is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offered {
    /// What is sold.
    pub offers: Vec<Offer>,
    /// What is not, and who says so.
    pub notes: Vec<String>,
}

/// The share of requests that must be served: `plan.target`, or what the SLO allows to be throttled, or 99.9 %.
pub fn target(variant: &Variant) -> Ratio {
    let allowed = variant.slo.throttled_share.or(variant.slo.error_share);
    let of_slo = allowed.and_then(|share| Ratio::new(1.0 - share.get()));
    let usual = Ratio::new(USUAL_TARGET).unwrap_or(Ratio::ONE);
    variant.plan.served.target.or(of_slo).unwrap_or(usual)
}

/// The workloads by model and scope, each group with its on-demand quota; batch workloads are in none.
pub fn pools(variant: &Variant, assembled: &Assembled, demand: &Demand) -> Vec<Pool> {
    let endpoint = &assembled.setup.endpoint;
    let mut pools: Vec<Pool> = Vec::new();
    for (place, one) in demand.workloads.iter().enumerate() {
        if one.is_batch {
            continue;
        }
        let known = pools
            .iter_mut()
            .find(|pool| pool.model == one.model && pool.scope == one.scope);
        if let Some(pool) = known {
            pool.workloads.push(place);
            continue;
        }
        let of_variant = variant.workloads.iter().position(|of| of.name == one.name);
        let counter = of_variant
            .and_then(|place| endpoint.targets.get(place)?.route.counter())
            .and_then(|counter| endpoint.counters.get(counter));
        let title = of_variant
            .and_then(|place| assembled.context.workloads.get(place))
            .map_or_else(|| one.model.clone(), |context| context.model_title.clone());
        pools.push(Pool {
            model: one.model.clone(),
            model_title: title,
            scope: one.scope.clone(),
            workloads: vec![place],
            tpm: counter.map_or(TokensPerMinute(0), |counter| counter.limits.tpm),
            rpm: counter
                .and_then(|counter| counter.limits.rpm)
                .map(|rpm| rpm.0),
        });
    }
    pools
}

/// What is sold to a pool: what the plan lists, or all that its model sells and that has a price.
pub fn offers(
    variant: &Variant,
    pool: &Pool,
    catalogue: &Catalogue,
    book: &PriceBook,
) -> Vec<Offer> {
    offered(variant, pool, catalogue, book).offers
}

/// The same, with what is not sold and why.
pub fn offered(variant: &Variant, pool: &Pool, catalogue: &Catalogue, book: &PriceBook) -> Offered {
    let mut offered = Offered::default();
    let Ok(model) = catalogue.model(&pool.model) else {
        offered
            .notes
            .push(format!("no model is named `{}`", pool.model));
        return offered;
    };
    let prices = book.models.get(&pool.model);
    let seller = Seller {
        model,
        prices,
        book,
        pool,
        variant,
    };
    match &variant.plan.offers {
        None => seller.everything(&mut offered),
        Some(planned) => {
            for one in planned.iter().filter(|one| one.model == pool.model) {
                seller.planned(one, &mut offered);
            }
        }
    }
    offered
}

struct Seller<'a> {
    model: &'a ModelProfile,
    prices: Option<&'a ModelPrices>,
    book: &'a PriceBook,
    pool: &'a Pool,
    variant: &'a Variant,
}

impl Seller<'_> {
    /// Whether the model does not sell this, which is noted.
    fn refuses(&self, sold: Sold, offered: &mut Offered) -> bool {
        let refusal = self.model.refuses(sold);
        let is_refused = refusal.is_some();
        // Two terms of the same offer are refused once.
        offered
            .notes
            .extend(refusal.filter(|note| !offered.notes.contains(note)));
        is_refused
    }

    fn everything(&self, offered: &mut Offered) {
        let kind = self.pool.scope.kind();
        if !self.refuses(Sold::Reserved, offered) {
            let reserved = self.prices.map_or(&[][..], |prices| &prices.reserved);
            for price in reserved.iter().filter(|price| price.kind == kind) {
                offered.offers.push(Offer {
                    name: format!("reserved {}", price.term),
                    term: price.term,
                    size: Size::Sides {
                        input: Price {
                            per_hour_per_1k_tpm: Some(price.input_per_hour_per_1k_tpm),
                            least: price.min_input,
                        },
                        output: Price {
                            per_hour_per_1k_tpm: Some(price.output_per_hour_per_1k_tpm),
                            least: price.min_output,
                        },
                    },
                    source: price.source.clone(),
                });
            }
            if offered.offers.is_empty() {
                offered.notes.push(format!(
                    "price book {} has no Reserved price for {} ({kind}); name one in `[[plan.offer]]`",
                    self.book.name, self.model.title
                ));
            }
        }
        if !self.refuses(Sold::Provisioned, offered) {
            self.units_of_the_capacity(offered);
        }
    }

    /// Model units, where the scenario's capacity says how large one is and the book or the scenario what it costs.
    fn units_of_the_capacity(&self, offered: &mut Offered) {
        use crate::service::spec::CapacitySpec;
        let CapacitySpec::Provisioned(spec) = &self.variant.service.capacity else {
            offered.notes.push(format!(
                "the size of a model unit of {} is not public; name it in `[[plan.offer]]` to have it weighed",
                self.model.title
            ));
            return;
        };
        let listed = self.prices.map_or(&[][..], |prices| &prices.units);
        for price in listed {
            offered.offers.push(Offer {
                name: format!("model units {}", price.term),
                term: price.term,
                size: Size::Units {
                    input_tpm: Some(spec.unit_input_tpm),
                    output_tpm: Some(spec.unit_output_tpm),
                    per_hour: Some(price.per_hour),
                },
                source: price.source.clone(),
            });
        }
        let known = offered
            .offers
            .iter()
            .any(|offer| matches!(offer.size, Size::Units { .. }) && offer.term == spec.term);
        if !known {
            offered.offers.push(Offer {
                name: format!("model units {}", spec.term),
                term: spec.term,
                size: Size::Units {
                    input_tpm: Some(spec.unit_input_tpm),
                    output_tpm: Some(spec.unit_output_tpm),
                    per_hour: spec.unit_price_per_hour,
                },
                source: of_scenario(),
            });
        }
    }

    fn planned(&self, one: &PlannedOffer, offered: &mut Offered) {
        let (term, size, source) = match &one.kind {
            OfferKind::Reserved {
                scope,
                term,
                input_price,
                output_price,
            } => {
                if self.refuses(Sold::Reserved, offered) {
                    return;
                }
                let kind = scope.kind();
                if kind != self.pool.scope.kind() {
                    offered.notes.push(format!(
                        "`{}` is for {kind} calls, and those of this pool are {}",
                        one.name,
                        self.pool.scope.kind()
                    ));
                    return;
                }
                let listed = self.prices.map_or(&[][..], |prices| &prices.reserved);
                let listed = listed
                    .iter()
                    .find(|price| price.kind == kind && price.term == *term);
                let side = |own: Option<crate::units::Usd>, of_book, least| Price {
                    per_hour_per_1k_tpm: own.or(of_book),
                    least,
                };
                let size = Size::Sides {
                    input: side(
                        *input_price,
                        listed.map(|price| price.input_per_hour_per_1k_tpm),
                        listed.map_or(TokensPerMinute(LEAST.0), |price| price.min_input),
                    ),
                    output: side(
                        *output_price,
                        listed.map(|price| price.output_per_hour_per_1k_tpm),
                        listed.map_or(TokensPerMinute(LEAST.1), |price| price.min_output),
                    ),
                };
                let own = input_price.is_some() && output_price.is_some();
                let source = listed
                    .filter(|_| !own)
                    .map_or_else(of_scenario, |price| price.source.clone());
                (*term, size, source)
            }
            OfferKind::Provisioned {
                term,
                unit_input_tpm,
                unit_output_tpm,
                unit_price_per_hour,
            } => {
                if self.refuses(Sold::Provisioned, offered) {
                    return;
                }
                let listed = self.prices.map_or(&[][..], |prices| &prices.units);
                let listed = listed.iter().find(|price| price.term == *term);
                let size = Size::Units {
                    input_tpm: *unit_input_tpm,
                    output_tpm: *unit_output_tpm,
                    per_hour: unit_price_per_hour.or(listed.map(|price| price.per_hour)),
                };
                let source = listed
                    .filter(|_| unit_price_per_hour.is_none())
                    .map_or_else(of_scenario, |price| price.source.clone());
                (*term, size, source)
            }
            OfferKind::Scope { scope } => {
                let Some((size, source)) = self.headroom(one, scope, offered) else {
                    return;
                };
                (Term::Hourly, size, source)
            }
        };
        offered.offers.push(Offer {
            name: one.name.clone(),
            term,
            size,
            source,
        });
    }

    /// The quota and the price of another scope.
    fn headroom(
        &self,
        one: &PlannedOffer,
        scope: &Scope,
        offered: &mut Offered,
    ) -> Option<(Size, Fact)> {
        let title = &self.model.title;
        if *scope == self.pool.scope
            || scope.kind() == self.pool.scope.kind() && scope.kind() != ScopeKind::InRegion
        {
            offered.notes.push(format!(
                "`{}` is the scope that the calls have already",
                one.name
            ));
            return None;
        }
        let Some(quota) = self.model.quota(scope.kind()) else {
            offered.notes.push(format!(
                "{title} has no {} calls, so `{}` has no quota",
                scope.kind(),
                one.name
            ));
            return None;
        };
        let of = |scope: &Scope| {
            let prices = self.prices?.tokens_for(scope)?;
            Some(prices.input.0.saturating_add(prices.output.0))
        };
        let (Some(other), Some(own)) = (of(scope), of(&self.pool.scope).filter(|own| *own > 0))
        else {
            offered.notes.push(format!(
                "price book {} has no price of {title} for `{}`",
                self.book.name, one.name
            ));
            return None;
        };
        let size = Size::Headroom {
            tpm: quota.tpm,
            rpm: quota.rpm.map(|rpm| rpm.0),
            times: other as f64 / own as f64,
        };
        Some((size, quota.source.clone()))
    }
}

/// Figures that the scenario states itself.
fn of_scenario() -> Fact {
    Fact {
        source: "the scenario".to_owned(),
        as_of: String::new(),
        status: FactStatus::Assumed,
    }
}
