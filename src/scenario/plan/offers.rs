//! `[[plan.offer]]`: what may be bought; `plan.target` and `plan.unserved_cost`.

use super::super::service::profile_scope;
use crate::config::{Section, one_of, share, text, unit};
use crate::domain::{Scope, Term};
use crate::units::{Ratio, TokensPerMinute, Usd};

/// The kinds of offers.
const KINDS: [&str; 3] = ["reserved", "provisioned", "scope"];

/// What share of the requests must be served, and what one costs that is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServedSpec {
    /// The share of requests that must be served; `None` is what the SLO allows to be refused.
    pub target: Option<Ratio>,
    /// What a request costs that finds no capacity, beside being missed.
    pub unserved_cost: Option<Usd>,
}

/// Something that may be bought.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedOffer {
    /// Its name in the plan.
    pub name: String,
    /// The model that it is for.
    pub model: String,
    /// What it is.
    pub kind: OfferKind,
    /// Where it stands in the scenario, such as `plan.offer[0]`.
    pub path: String,
}

/// What an offer is.
#[derive(Clone, Debug, PartialEq)]
pub enum OfferKind {
    /// The Reserved tier: tokens per minute of input and output apart.
    Reserved {
        /// Geo or global.
        scope: Scope,
        /// The commitment.
        term: Term,
        /// Dollars per hour and 1,000 input tokens per minute; `None` is the price book's.
        input_price: Option<Usd>,
        /// The same of output.
        output_price: Option<Usd>,
    },
    /// Model units of Provisioned Throughput.
    Provisioned {
        /// The commitment.
        term: Term,
        /// Input tokens per minute of one unit; `None` is solved for.
        unit_input_tpm: Option<TokensPerMinute>,
        /// Output tokens per minute of one unit.
        unit_output_tpm: Option<TokensPerMinute>,
        /// Dollars per unit and hour; `None` is the price book's, or solved for.
        unit_price_per_hour: Option<Usd>,
    },
    /// On-demand quota of another scope, for what the own one has no room for.
    Scope {
        /// The other scope.
        scope: Scope,
    },
}

/// Reads `plan.target` and `plan.unserved_cost`.
pub(super) fn served(s: &mut Section<'_>) -> ServedSpec {
    let target = s.optional("target", share());
    let unserved_cost = s.optional("unserved_cost", unit::<Usd>());
    not_negative(s, "unserved_cost", unserved_cost);
    ServedSpec {
        target,
        unserved_cost,
    }
}

/// Reads `[[plan.offer]]`; without any, all offers count, and one that is wrong has been reported. `models` are those
/// that the workloads call.
pub(super) fn offers(s: &mut Section<'_>, models: &[&str]) -> Option<Vec<PlannedOffer>> {
    let is_given = s.has("offer");
    let mut names: Vec<String> = Vec::new();
    let offers = s.tables("offer", |s| {
        let named = s.optional("name", text());
        let model = model(s, models);
        let kind = kind(s)?;
        let name = named.unwrap_or_else(|| usual_name(&kind));
        let name = match model.as_deref() {
            // Offers of several models are told apart by it.
            Some(model) if models.len() > 1 && !s.has("name") => format!("{model} {name}"),
            _ => name,
        };
        if names.contains(&name) {
            s.report(
                if s.has("name") {
                    "name"
                } else {
                    kind_key(&kind)
                },
                format!("two offers are named `{}`", name.escape_debug()),
                "second offer of this name",
                "plans tell offers apart by name; give one of them another `name`",
            );
        }
        names.push(name.clone());
        Some(PlannedOffer {
            name,
            model: model?,
            kind,
            path: s.path().to_owned(),
        })
    })?;
    is_given.then_some(offers)
}

/// The model of an offer: by default the only one that is called.
fn model(s: &mut Section<'_>, models: &[&str]) -> Option<String> {
    let asked = s.optional("model", text());
    match (asked, models) {
        // Whether it is known is seen when the scenario meets the profiles.
        (Some(asked), _) => Some(asked),
        (None, _) if s.has("model") => None,
        // The workloads are wrong, which has been reported.
        (None, []) => Some(String::new()),
        (None, [only]) => Some((*only).to_owned()),
        (None, _) => {
            s.report(
                "model",
                "an offer needs `model` where several are called",
                "`model` is missing",
                &format!("the workloads call `{}`", models.join("`, `")),
            );
            None
        }
    }
}

fn kind(s: &mut Section<'_>) -> Option<OfferKind> {
    let tag = s.tag(&KINDS)?;
    s.optional_table(tag, |s| match tag {
        "reserved" => reserved(s),
        "provisioned" => provisioned(s),
        _ => {
            let scope = required_scope(s)?;
            Some(OfferKind::Scope { scope })
        }
    })
}

fn required_scope(s: &mut Section<'_>) -> Option<Scope> {
    if s.has("scope") {
        return profile_scope(s, "scope", "global");
    }
    // Missing, which is reported as such.
    s.required("scope", text()).map(|_| Scope::Global)
}

fn reserved(s: &mut Section<'_>) -> Option<OfferKind> {
    let scope = required_scope(s);
    let terms = [("1-month", Term::OneMonth), ("3-month", Term::ThreeMonths)];
    let term = s.required("term", one_of(&terms));
    let input_price = s.optional("input_price", unit::<Usd>());
    let output_price = s.optional("output_price", unit::<Usd>());
    not_negative(s, "input_price", input_price);
    not_negative(s, "output_price", output_price);
    Some(OfferKind::Reserved {
        scope: scope?,
        term: term?,
        input_price,
        output_price,
    })
}

fn provisioned(s: &mut Section<'_>) -> Option<OfferKind> {
    let terms = [
        ("hourly", Term::Hourly),
        ("1-month", Term::OneMonth),
        ("6-month", Term::SixMonths),
    ];
    let term = s.required("term", one_of(&terms));
    let unit_input_tpm = size(s, "unit_input_tpm");
    let unit_output_tpm = size(s, "unit_output_tpm");
    let unit_price_per_hour = s.optional("unit_price_per_hour", unit::<Usd>());
    not_negative(s, "unit_price_per_hour", unit_price_per_hour);
    Some(OfferKind::Provisioned {
        term: term?,
        unit_input_tpm,
        unit_output_tpm,
        unit_price_per_hour,
    })
}

/// The size of a unit on one side, which is not nothing.
fn size(s: &mut Section<'_>, key: &str) -> Option<TokensPerMinute> {
    let size = s.optional(key, unit::<TokensPerMinute>())?;
    if size.0 == 0 {
        s.report(
            key,
            format!("`{key}` must be at least 1"),
            "is 0",
            "leave it out if the size is not known: the plan then says which one would pay",
        );
    }
    Some(size)
}

fn not_negative(s: &Section<'_>, key: &str, price: Option<Usd>) {
    if price.is_some_and(|price| price < Usd::ZERO) {
        s.report(
            key,
            format!("`{key}` must not be negative"),
            "is below $0",
            "leave it out if the price is not known: the plan then says up to which one buying pays",
        );
    }
}

fn kind_key(kind: &OfferKind) -> &'static str {
    match kind {
        OfferKind::Reserved { .. } => KINDS[0],
        OfferKind::Provisioned { .. } => KINDS[1],
        OfferKind::Scope { .. } => KINDS[2],
    }
}

/// The name of an offer that has none of its own.
fn usual_name(kind: &OfferKind) -> String {
    match kind {
        OfferKind::Reserved { scope, term, .. } => format!("reserved {term} ({scope})"),
        OfferKind::Provisioned { term, .. } => format!("model units {term}"),
        OfferKind::Scope { scope } => format!("on demand ({scope})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Source};

    /// What reading `[plan]` of one or two models says, or the offers.
    fn told(toml: &str, models: &[&str]) -> Result<Option<Vec<PlannedOffer>>, String> {
        let source = Source::new("t.toml", toml);
        let read = config::read(&source, |s| {
            served(s);
            Some(offers(s, models))
        });
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn offers_are_read_with_their_defaults() {
        let toml = "target = 0.995\nunserved_cost = \"$0.02\"\n\
                    [[offer]]\nreserved = { scope = \"global\", term = \"3-month\", input_price = \"$0.15\" }\n\
                    [[offer]]\nname = \"mu\"\nprovisioned = { term = \"hourly\", unit_input_tpm = \"300k\" }\n\
                    [[offer]]\nscope = { scope = \"us\" }\n";
        let offers = told(toml, &["m"]).unwrap().unwrap();
        let names: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
        assert_eq!(names, ["reserved 3-month (global)", "mu", "on demand (us)"]);
        assert!(offers.iter().all(|offer| offer.model == "m"));
        assert_eq!(
            offers[0].kind,
            OfferKind::Reserved {
                scope: Scope::Global,
                term: Term::ThreeMonths,
                input_price: Some(Usd::from_dollars(0.15)),
                output_price: None,
            }
        );
        assert_eq!(told("", &["m"]).unwrap(), None);
    }

    #[test]
    fn bad_offers_are_refused_where_they_stand() {
        for (bad, place, says) in [
            (
                "[[offer]]\nreserved = { scope = \"global\" }",
                "t.toml:2:12",
                "needs `term`",
            ),
            (
                "[[offer]]\nreserved = { term = \"1-month\" }",
                "t.toml:2:12",
                "needs `scope`",
            ),
            (
                "[[offer]]\nreserved = { scope = \"us\", term = \"6-month\" }",
                "t.toml:2:35",
                "3-month",
            ),
            (
                "[[offer]]\nprovisioned = { unit_price_per_hour = \"$40\" }",
                "t.toml:2:15",
                "needs `term`",
            ),
            (
                "[[offer]]\nprovisioned = { term = \"1-month\", unit_input_tpm = 0 }",
                "t.toml:2:52",
                "at least 1",
            ),
            (
                "[[offer]]\nprovisioned = { term = \"1-month\", unit_price_per_hour = \"-$4\" }",
                "t.toml:2:57",
                "",
            ),
            ("[[offer]]\nname = \"x\"", "t.toml:1:1", "chooses nothing"),
            (
                "[[offer]]\nscope = { scope = \"us-east-1\" }",
                "t.toml:2:19",
                "Region",
            ),
            (
                "[[offer]]\nscope = { scope = \"us\" }\n[[offer]]\nscope = { scope = \"us\" }",
                "t.toml:4:9",
                "two offers",
            ),
            ("target = 2", "t.toml:1:10", "share"),
            ("unserved_cost = \"-$1\"", "t.toml:1:17", ""),
            ("unserved_cost = 1", "t.toml:1:17", "no unit"),
        ] {
            let told = told(bad, &["m"]).unwrap_err();
            assert!(
                told.contains(place) && told.contains(says),
                "{bad}:\n{told}"
            );
        }
        let two = told("[[offer]]\nscope = { scope = \"us\" }", &["a", "b"]).unwrap_err();
        assert!(two.contains("`a`, `b`"), "{two}");
    }
}
