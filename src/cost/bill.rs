//! An itemised bill: what was used, at which price, and what that comes to.
//!
//! All amounts are whole pico-dollars and each line is its units times its unit price, so that sums by any key are
//! exact and independent of order.

use crate::domain::{PriceTier, Scope};
use crate::units::Usd;
use std::collections::BTreeMap;
use std::fmt;

/// Where the requests of a line went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BillLane {
    /// To the endpoint of their workload.
    #[default]
    Own,
    /// Where a route, a classifier or a fallback leads.
    Elsewhere,
    /// To the classifier, before the request itself.
    Classifier,
    /// To a batch job, for want of room.
    Deferred,
}

/// A class of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenClass {
    /// Neither read from nor written to the cache.
    Input,
    /// Produced, thinking inside.
    Output,
    /// Written to the cache for five minutes.
    CacheWrite5m,
    /// Written to the cache for an hour.
    CacheWrite1h,
    /// Read from the cache.
    CacheRead,
}

/// What a line is for. The classes are disjoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BillClass {
    /// Tokens of requests, at the price of short prompts.
    Tokens(TokenClass),
    /// What the same tokens cost above that price because the prompt is long.
    LongContext(TokenClass),
    /// Text units of a guardrail, by the word of the policy.
    Guardrail(&'static str),
    /// Tokens of the calls of a classifier.
    Classifier(TokenClass),
    /// The fee of a router.
    RouterFee,
    /// Tokens of attempts that bought nothing.
    Wasted,
    /// Hours of bought capacity.
    Capacity,
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    /// The workload; empty for what all share.
    pub workload: String,
    /// Where its requests went.
    pub lane: BillLane,
    /// The model profile's name.
    pub model: String,
    /// The scope, which decides the price.
    pub scope: Scope,
    /// The service tier, which decides it too.
    pub tier: PriceTier,
    /// What the line is for.
    pub class: BillClass,
    /// The tags of the workload.
    pub tags: Vec<(String, String)>,
    /// Tokens, text units, requests or hours.
    pub units: u64,
    /// Dollars for each.
    pub unit_price: Usd,
    /// Units times price.
    pub amount: Usd,
}

/// A bill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Its lines, in the order of the workloads and their lanes.
    pub lines: Vec<BillLine>,
    /// What is used and has no known price, as sentences: the total is too low by that.
    pub unpriced: Vec<String>,
    /// What the bill takes for granted, as sentences.
    pub assumptions: Vec<String>,
}

impl TokenClass {
    /// All classes.
    pub const ALL: [Self; 5] = [
        Self::Input,
        Self::Output,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::CacheRead,
    ];

    /// Its key in documents.
    pub fn key(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::CacheRead => "cache_read",
        }
    }
}

impl BillClass {
    /// Its key in documents; the tokens of a classifier, and those above the price of short prompts, have one each.
    pub fn key(self) -> &'static str {
        match self {
            Self::Tokens(tokens) => tokens.key(),
            Self::LongContext(_) => "long_context",
            Self::Guardrail(_) => "guardrail",
            Self::Classifier(_) => "classifier",
            Self::RouterFee => "router_fee",
            Self::Wasted => "wasted",
            Self::Capacity => "capacity",
        }
    }

    /// Whether it is for something beside the tokens of requests and bought capacity: guardrails, classifiers and fees.
    pub fn is_beside_tokens(self) -> bool {
        matches!(
            self,
            Self::Guardrail(_) | Self::Classifier(_) | Self::RouterFee
        )
    }

    /// What its units are.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Tokens(_) | Self::LongContext(_) | Self::Classifier(_) | Self::Wasted => "tokens",
            Self::Guardrail(_) => "text units",
            Self::RouterFee => "requests",
            Self::Capacity => "hours",
        }
    }
}

impl fmt::Display for BillClass {
    /// For people: `cache read`, `guardrail (content)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = |class: TokenClass| match class {
            TokenClass::Input => "input",
            TokenClass::Output => "output",
            TokenClass::CacheWrite5m => "cache write 5m",
            TokenClass::CacheWrite1h => "cache write 1h",
            TokenClass::CacheRead => "cache read",
        };
        match self {
            Self::Tokens(class) => f.write_str(tokens(*class)),
            Self::LongContext(class) => write!(f, "long context ({})", tokens(*class)),
            Self::Classifier(class) => write!(f, "classifier ({})", tokens(*class)),
            Self::Guardrail(policy) => write!(f, "guardrail ({policy})"),
            Self::RouterFee => f.write_str("router fee"),
            Self::Wasted => f.write_str("wasted"),
            Self::Capacity => f.write_str("bought capacity"),
        }
    }
}

impl BillLine {
    /// Whether it can be added to `other`: everything is the same but the units and what they come to.
    fn matches(&self, other: &Self) -> bool {
        self.workload == other.workload
            && self.lane == other.lane
            && self.model == other.model
            && self.scope == other.scope
            && self.tier == other.tier
            && self.class == other.class
            && self.unit_price == other.unit_price
            && self.tags == other.tags
    }

    /// The value of its tag `key`.
    pub fn tag(&self, key: &str) -> Option<&str> {
        let tag = self.tags.iter().find(|(known, _)| known == key);
        tag.map(|(_, value)| value.as_str())
    }
}

/// `units` at `unit_price`.
pub fn amount(units: u64, unit_price: Usd) -> Usd {
    Usd(unit_price.0.saturating_mul(i128::from(units)))
}

impl Bill {
    /// Adds a line, to one that is alike if there is one. A line of nothing is left out.
    pub fn add(&mut self, line: BillLine) {
        if line.units == 0 {
            return;
        }
        match self.lines.iter_mut().find(|known| known.matches(&line)) {
            Some(known) => {
                known.units = known.units.saturating_add(line.units);
                known.amount += line.amount;
            }
            None => self.lines.push(line),
        }
    }

    /// Adds another bill to this one.
    pub fn merge(&mut self, other: &Self) {
        for line in &other.lines {
            self.add(line.clone());
        }
        let pairs = [
            (&mut self.unpriced, &other.unpriced),
            (&mut self.assumptions, &other.assumptions),
        ];
        for (own, more) in pairs {
            for text in more {
                if !own.contains(text) {
                    own.push(text.clone());
                }
            }
        }
    }

    /// The sum of all lines.
    pub fn total(&self) -> Usd {
        self.lines.iter().map(|line| line.amount).sum()
    }

    /// Whether everything that is used has a price.
    pub fn is_complete(&self) -> bool {
        self.unpriced.is_empty()
    }

    /// The sum of the lines that `choose` takes.
    pub fn total_of(&self, choose: impl Fn(&BillLine) -> bool) -> Usd {
        let chosen = self.lines.iter().filter(|line| choose(line));
        chosen.map(|line| line.amount).sum()
    }

    /// Units and sum of the lines that `choose` takes.
    pub fn units_of(&self, choose: impl Fn(&BillLine) -> bool) -> u64 {
        let chosen = self.lines.iter().filter(|line| choose(line));
        chosen.fold(0, |sum, line| sum.saturating_add(line.units))
    }

    /// Sums by workload, in the order of the lines; the empty name is what all share.
    pub fn by_workload(&self) -> Vec<(String, Usd)> {
        self.sums(|line| line.workload.clone())
    }

    /// Sums by model, in the order of the lines.
    pub fn by_model(&self) -> Vec<(String, Usd)> {
        self.sums(|line| line.model.clone())
    }

    /// Sums by class, in the order of the lines.
    pub fn by_class(&self) -> Vec<(&'static str, Usd)> {
        self.sums(|line| line.class.key())
    }

    /// The keys of all tags, sorted.
    pub fn tag_keys(&self) -> Vec<String> {
        let keys = self.lines.iter().flat_map(|line| &line.tags);
        let mut keys: Vec<String> = keys.map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Sums by the values of the tag `key`, sorted; `None` is what does not carry it.
    pub fn by_tag(&self, key: &str) -> Vec<(Option<String>, Usd)> {
        let mut sums: BTreeMap<Option<&str>, Usd> = BTreeMap::new();
        for line in &self.lines {
            *sums.entry(line.tag(key)).or_default() += line.amount;
        }
        // What has no tag goes last.
        let untagged = sums.remove(&None);
        let named = sums
            .into_iter()
            .map(|(value, sum)| (value.map(str::to_owned), sum));
        named.chain(untagged.map(|sum| (None, sum))).collect()
    }

    fn sums<K: PartialEq>(&self, key: impl Fn(&BillLine) -> K) -> Vec<(K, Usd)> {
        let mut sums: Vec<(K, Usd)> = Vec::new();
        for line in &self.lines {
            let key = key(line);
            match sums.iter_mut().find(|(known, _)| *known == key) {
                Some((_, sum)) => *sum += line.amount,
                None => sums.push((key, line.amount)),
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(workload: u8, class: u8, units: u64, price: u64) -> BillLine {
        let unit_price = Usd(i128::from(price));
        let classes = [
            BillClass::Tokens(TokenClass::Input),
            BillClass::LongContext(TokenClass::Input),
            BillClass::Guardrail("content"),
            BillClass::Capacity,
        ];
        let tags = match workload {
            0 => Vec::new(),
            n => vec![("customer".to_owned(), format!("c{n}"))],
        };
        BillLine {
            workload: format!("w{workload}"),
            lane: BillLane::Own,
            model: format!("m{}", workload / 2),
            scope: Scope::Global,
            tier: PriceTier::Standard,
            class: classes[usize::from(class) % classes.len()],
            tags,
            units,
            unit_price,
            amount: amount(units, unit_price),
        }
    }

    fn bills() -> impl Strategy<Value = Vec<BillLine>> {
        let one = (0u8..4, 0u8..4, 0u64..1 << 50, 0u64..1 << 40);
        prop::collection::vec(one.prop_map(|(w, c, u, p)| line(w, c, u, p)), 0..30)
    }

    fn book(lines: &[BillLine]) -> Bill {
        let mut bill = Bill::default();
        for line in lines {
            bill.add(line.clone());
        }
        bill
    }

    #[test]
    fn lines_that_are_alike_become_one() {
        let bill = book(&[line(1, 0, 10, 5), line(1, 0, 7, 5), line(1, 0, 7, 6)]);
        let seen: Vec<_> = bill
            .lines
            .iter()
            .map(|one| (one.units, one.amount))
            .collect();
        assert_eq!(seen, [(17, Usd(85)), (7, Usd(42))]);
        assert!(book(&[line(1, 0, 0, 5)]).lines.is_empty());
    }

    #[test]
    fn tags_sum_with_the_untagged_last() {
        let bill = book(&[line(0, 0, 1, 100), line(2, 1, 1, 10), line(1, 2, 1, 1)]);
        let customers = bill.by_tag("customer");
        let want = [(Some("c1"), 1), (Some("c2"), 10), (None, 100)];
        let want = want.map(|(name, usd)| (name.map(str::to_owned), Usd(usd)));
        assert_eq!(customers, want);
        assert_eq!(bill.tag_keys(), ["customer"]);
    }

    proptest! {
        #[test]
        fn sums_by_any_key_are_the_total(lines in bills()) {
            let bill = book(&lines);
            let total = bill.total();
            let want: Usd = lines.iter().map(|line| line.amount).sum();
            prop_assert_eq!(total, want);
            let sum = |parts: Vec<Usd>| parts.into_iter().sum::<Usd>();
            prop_assert_eq!(sum(bill.by_workload().into_iter().map(|one| one.1).collect()), total);
            prop_assert_eq!(sum(bill.by_model().into_iter().map(|one| one.1).collect()), total);
            prop_assert_eq!(sum(bill.by_class().into_iter().map(|one| one.1).collect()), total);
            prop_assert_eq!(sum(bill.by_tag("customer").into_iter().map(|one| one.1).collect()), total);
        }

        #[test]
        fn merged_bills_are_the_bill_of_both(a in bills(), b in bills()) {
            let mut left = book(&a);
            left.merge(&book(&b));
            prop_assert_eq!(left, book(&[a, b].concat()));
        }
    }
}
