//! Whether batch would be cheaper than a prompt cache: the two do not stack.

use super::Billed;
use crate::cost::caching::Prompted;
use crate::cost::{BillClass, BillLine, TokenClass};
use crate::domain::Offer;
use crate::profile::Catalogue;
use crate::units::Usd;

/// What batch costs of the price on demand (Bedrock user guide, batch-inference).
const BATCH_PRICE: f64 = 0.5;

/// A workload that reads from a cache, and what batch, which has none, would make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Batched {
    /// The workload.
    pub workload: String,
    /// The share of the prompt that is cacheable and read from the cache.
    pub hit_ratio: f64,
    /// Dollars a month of its requests on demand, with the cache.
    pub cached_usd: f64,
    /// Dollars a month of the same requests as records of batch jobs, without it.
    pub batch_usd: f64,
    /// Whether all models that answer it are sold in batch.
    pub is_sold: bool,
}

/// One endpoint of a workload, as its lines in the bill say.
#[derive(Default)]
struct Endpoint {
    input: u64,
    output: u64,
    written: u64,
    read: u64,
    prefix_usd: f64,
    input_price: Option<Usd>,
    output_price: Option<Usd>,
}

/// The workloads of a bill that read from a cache.
pub(super) fn of(billed: &Billed, catalogue: &Catalogue) -> Vec<Batched> {
    let workloads = billed.variant.workloads.iter();
    let calls = workloads.filter(|workload| workload.offer.batch.is_none());
    calls
        .filter_map(|workload| batched(billed, &workload.name, catalogue))
        .collect()
}

fn batched(billed: &Billed, workload: &str, catalogue: &Catalogue) -> Option<Batched> {
    let mut endpoints: Vec<(&BillLine, Endpoint)> = Vec::new();
    for line in &billed.bill.lines {
        let BillClass::Tokens(class) = line.class else {
            continue;
        };
        if line.workload != workload {
            continue;
        }
        let same = |known: &BillLine| {
            (known.lane, &known.model, &known.scope, known.tier)
                == (line.lane, &line.model, &line.scope, line.tier)
        };
        let at = endpoints.iter().position(|(known, _)| same(known));
        let at = at.unwrap_or_else(|| {
            endpoints.push((line, Endpoint::default()));
            endpoints.len() - 1
        });
        endpoints[at].1.add(line, class);
    }
    let read: u64 = endpoints.iter().map(|(_, one)| one.read).sum();
    let written: u64 = endpoints.iter().map(|(_, one)| one.written).sum();
    if read == 0 {
        return None;
    }
    let mut sums = (0.0, 0.0);
    for (_, one) in &endpoints {
        let (cached, batch) = one.costs()?;
        sums = (sums.0 + cached, sums.1 + batch);
    }
    let is_sold = |model: &str| {
        let profile = catalogue.model(model).ok();
        profile.is_some_and(|profile| profile.offers.has(Offer::Batch))
    };
    Some(Batched {
        workload: workload.to_owned(),
        hit_ratio: read as f64 / (read + written) as f64,
        cached_usd: sums.0,
        batch_usd: sums.1,
        is_sold: endpoints.iter().all(|(line, _)| is_sold(&line.model)),
    })
}

impl Endpoint {
    fn add(&mut self, line: &BillLine, class: TokenClass) {
        match class {
            TokenClass::Input => {
                self.input += line.units;
                self.input_price = Some(line.unit_price);
            }
            TokenClass::Output => {
                self.output += line.units;
                self.output_price = Some(line.unit_price);
            }
            TokenClass::CacheWrite5m | TokenClass::CacheWrite1h => {
                self.written += line.units;
                self.prefix_usd += line.amount.dollars();
            }
            TokenClass::CacheRead => {
                self.read += line.units;
                self.prefix_usd += line.amount.dollars();
            }
        }
    }

    /// Dollars a month with the cache, and in batch without it; `None` where a price is not in the bill.
    fn costs(&self) -> Option<(f64, f64)> {
        let input_price = self.input_price?.dollars();
        let output_price = self.output_price.map_or(0.0, Usd::dollars);
        let prefix = (self.read + self.written) as f64;
        // All requests of the month as one.
        let prompted = Prompted {
            prefix,
            input: self.input as f64,
            output: self.output as f64,
            output_ratio: output_price / input_price,
        };
        let mean = if prefix > 0.0 {
            self.prefix_usd / (prefix * input_price)
        } else {
            0.0
        };
        let cached = input_price * prompted.cost(mean);
        let batch = cached - input_price * prompted.batch_saves(mean, BATCH_PRICE);
        Some((cached, batch))
    }
}
