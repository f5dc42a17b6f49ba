//! A bill as part of a document.

use crate::cost::{Bill, BillClass, BillLane, BillLine};
use crate::profile::{Catalogue, ProfileKind};
use crate::results::plan::{
    BillLineSummary, BillSumSummary, BillSummary, BillTagSummary, FigureAgeSummary,
};
use crate::sim::VariantContext;
use crate::units::{Date, Usd};

impl Bill {
    /// As part of a document, without the ages of its figures: [`BillSummary::dated`].
    pub fn summary(&self) -> BillSummary {
        let named = |sums: Vec<(String, Usd)>| -> Vec<BillSumSummary> {
            let sums = sums.into_iter();
            sums.map(|(name, sum)| BillSumSummary {
                name,
                usd: sum.dollars(),
            })
            .collect()
        };
        let classes = self.by_class().into_iter();
        let total = self.total().dollars();
        BillSummary {
            month_usd: self.is_complete().then_some(total),
            priced_usd: total,
            lines: self.lines.iter().map(line).collect(),
            by_workload: named(self.by_workload()),
            by_model: named(self.by_model()),
            by_class: named(classes.map(|(name, sum)| (name.to_owned(), sum)).collect()),
            by_tag: self.tags(),
            unpriced: self.unpriced.clone(),
            assumptions: self.assumptions.clone(),
            figures: Vec::new(),
        }
    }

    fn tags(&self) -> Vec<BillTagSummary> {
        let of_key = |key: String| {
            let sums = self.by_tag(&key).into_iter();
            sums.map(move |(value, sum)| BillTagSummary {
                tag: key.clone(),
                value,
                usd: sum.dollars(),
            })
        };
        self.tag_keys().into_iter().flat_map(of_key).collect()
    }
}

fn line(line: &BillLine) -> BillLineSummary {
    BillLineSummary {
        workload: line.workload.clone(),
        lane: match line.lane {
            BillLane::Own => "own",
            BillLane::Elsewhere => "elsewhere",
            BillLane::Classifier => "classifier",
            BillLane::Deferred => "deferred",
        }
        .to_owned(),
        model: line.model.clone(),
        scope: line.scope.to_string(),
        tier: line.tier.to_string(),
        class: line.class.key().to_owned(),
        of: match line.class {
            BillClass::LongContext(class) | BillClass::Classifier(class) => {
                Some(class.key().to_owned())
            }
            BillClass::Guardrail(policy) => Some(policy.to_owned()),
            _ => None,
        },
        unit: line.class.unit().to_owned(),
        units: line.units,
        unit_usd: line.unit_price.dollars(),
        usd: line.amount.dollars(),
    }
}

impl BillSummary {
    /// With the prices of its models in the book of `context`, their sources and their age: against `today`
    /// (`YYYY-MM-DD`, what follows is not read) where that is known, and otherwise against the date of the book.
    #[must_use]
    pub fn dated(
        mut self,
        context: &VariantContext,
        catalogue: &Catalogue,
        today: Option<&str>,
    ) -> Self {
        let (book, as_of) = &context.price_book;
        let on = today.and_then(|day| Date::parse(day.get(..10)?));
        let on = on.or_else(|| Date::parse(as_of));
        let figures = catalogue.figures(ProfileKind::Prices, book);
        let mut list = Vec::new();
        let mut add = |model: &str, prefix: &str| {
            for figure in figures {
                let Some(what) = figure.what.strip_prefix(prefix) else {
                    continue;
                };
                let day = Date::parse(&figure.fact.as_of);
                list.push(FigureAgeSummary {
                    model: model.to_owned(),
                    what: what.to_owned(),
                    value: figure.value.clone(),
                    source: figure.fact.source.clone(),
                    as_of: figure.fact.as_of.clone(),
                    age_days: on.zip(day).map(|(on, day)| on.days_since(day)),
                    status: figure.fact.status.to_string(),
                });
            }
        };
        for model in &self.by_model {
            add(&model.name, &format!("model.{}.", model.name));
        }
        if self.lines.iter().any(|line| line.class == "guardrail") {
            add("", "guardrail.");
        }
        self.figures = list;
        self
    }
}
