//! `plan.discount` and `[[plan.credit]]`: what changes the payments and not the decision.

use crate::config::{Section, share, text, unit, whole};
use crate::units::{Month, Ratio, Usd};

/// The most months of a plan, beyond which a credit lives for ever.
const MOST_MONTHS: i64 = 120;

/// Discounts and credits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CashSpec {
    /// A private discount on everything.
    pub discount: Ratio,
    /// Credits of the account.
    pub credits: Vec<Credit>,
}

/// A credit of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct Credit {
    /// How much.
    pub amount: Usd,
    /// For how many months from the start it can be used; `None` for ever.
    pub months: Option<u32>,
}

/// Reads the keys of `[plan]` about payments, of a plan that begins with the month `start`.
pub(super) fn cash(s: &mut Section<'_>, start: Option<Month>) -> Option<CashSpec> {
    let discount = s.optional("discount", share()).unwrap_or_default();
    let credits = s.tables("credit", |s| credit(s, start));
    Some(CashSpec {
        discount,
        credits: credits?,
    })
}

fn credit(s: &mut Section<'_>, start: Option<Month>) -> Option<Credit> {
    let amount = s.required("amount", unit::<Usd>());
    let months = s.optional("months", whole(1..=MOST_MONTHS));
    let expires = s.optional("expires", text());
    if s.has("months") && s.has("expires") {
        s.report(
            "expires",
            "a credit has `months` or `expires`, not both",
            "says when it ends, as `months` does",
            "leave one of the two out",
        );
        return None;
    }
    let months = match &expires {
        None => months,
        Some(written) => Some(months_until(s, written, start)?),
    };
    Some(Credit {
        amount: amount?,
        months,
    })
}

/// Months of the plan up to the month `written` and with it.
fn months_until(s: &Section<'_>, written: &str, start: Option<Month>) -> Option<u32> {
    let Some(last) = Month::parse(written) else {
        s.report(
            "expires",
            "`expires` is not a month",
            "cannot be read",
            "write the last month in which the credit can be used, such as `\"2027-06\"`",
        );
        return None;
    };
    let Some(start) = start else {
        s.report(
            "expires",
            "`expires` needs `plan.start`",
            "names a month of the calendar",
            "name the first month of the plan, such as `start = \"2027-01\"`, or write `months`",
        );
        return None;
    };
    if last < start {
        s.report(
            "expires",
            "the credit expires before the plan begins",
            &format!("`plan.start` is {start}"),
            "leave the credit out",
        );
        return None;
    }
    // Credits that outlive all plans are for ever.
    (1..MOST_MONTHS as u32)
        .find(|&months| start.plus(months) > last)
        .or(Some(MOST_MONTHS as u32))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Files, read};
    use super::*;
    use crate::config::Source;

    struct NoFiles;

    impl Files for NoFiles {
        fn open(&self, path: &str) -> Result<Vec<u8>, String> {
            Err(format!("no file {path} in this test"))
        }
    }

    fn spec(plan: &str) -> Result<CashSpec, String> {
        let text = format!(
            "name = \"t\"\nduration = \"1m\"\n[[workload]]\nname = \"w\"\nmodel = \"m\"\n\
             arrival.poisson = {{ rate = \"1/s\" }}\ntokens.input = {{ fixed = 1 }}\n\
             tokens.output = {{ fixed = 1 }}\n[plan]\n{plan}"
        );
        let loaded = read(&Source::new("s.toml", text.as_str()), &[], &NoFiles);
        let loaded = loaded.map_err(|error| error.to_string())?;
        Ok(loaded.scenario.variants[0].plan.cash.clone())
    }

    #[test]
    fn credits_live_for_months_or_until_one() {
        let read = spec(
            "start = \"2027-01\"\ndiscount = 0.07\n[[plan.credit]]\namount = \"$1000\"\n\
             [[plan.credit]]\namount = \"$500\"\nmonths = 3\n\
             [[plan.credit]]\namount = \"$50\"\nexpires = \"2027-06\"",
        );
        let read = read.unwrap();
        assert_eq!(read.discount, Ratio::new(0.07).unwrap());
        let months: Vec<_> = read.credits.iter().map(|one| one.months).collect();
        assert_eq!(months, [None, Some(3), Some(6)]);
        assert_eq!(read.credits[1].amount, Usd::from_dollars(500.0));
    }

    #[test]
    fn credits_that_make_no_sense_are_refused_where_they_stand() {
        for (plan, message) in [
            ("discount = 7", "`discount` must be a share from 0 to 1"),
            ("[[plan.credit]]\nmonths = 3", "`amount`"),
            ("[[plan.credit]]\namount = \"-$3\"", "`amount`"),
            ("[[plan.credit]]\namount = \"$3\"\nmonths = 0", "`months`"),
            (
                "[[plan.credit]]\namount = \"$3\"\nexpires = \"2027-01\"",
                "`expires` needs `plan.start`",
            ),
            (
                "start = \"2027-02\"\n[[plan.credit]]\namount = \"$3\"\nexpires = \"2027-01\"",
                "the credit expires before the plan begins",
            ),
            (
                "start = \"2027-02\"\n[[plan.credit]]\namount = \"$3\"\nexpires = \"June\"",
                "`expires` is not a month",
            ),
            (
                "start = \"2027-02\"\n[[plan.credit]]\namount = \"$3\"\nmonths = 2\nexpires = \"2027-03\"",
                "`months` or `expires`, not both",
            ),
        ] {
            let error = spec(plan).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
