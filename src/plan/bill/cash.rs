//! What is paid month by month: bills after a private discount and credits. It changes payments, not what is best.

use crate::results::plan::{CashMonthSummary, CashSummary};
use crate::scenario::{CashSpec, HorizonSpec};
use crate::units::Usd;

/// What is paid over the months of a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CashFlow {
    /// Month by month.
    pub months: Vec<CashMonth>,
    /// The discount, as a share.
    pub discount: f64,
    /// All credits of the account.
    pub credits: Usd,
    /// The month (from 0) in which nothing is left of them, used or expired; `None` while some is left, and without
    /// any.
    pub used_up: Option<usize>,
    /// What expires unused.
    pub expired: Usd,
    /// What is left after the last month.
    pub left: Usd,
}

/// One month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CashMonth {
    /// The bill.
    pub bill: Usd,
    /// What the discount takes off.
    pub discount: Usd,
    /// What credits pay.
    pub credit: Usd,
    /// What is paid: the bill without both.
    pub paid: Usd,
    /// What expires unused at the end.
    pub expired: Usd,
    /// What is left of all credits at the end.
    pub left: Usd,
}

/// Payments for the bills of `months`: first the discount, then credits, those that expire soonest first.
pub fn cash(months: &[Usd], spec: &CashSpec) -> CashFlow {
    let mut order: Vec<usize> = (0..spec.credits.len()).collect();
    order.sort_by_key(|&index| spec.credits[index].months.unwrap_or(u32::MAX));
    let mut left: Vec<Usd> = spec.credits.iter().map(|credit| credit.amount).collect();
    let all: Usd = left.iter().copied().sum();
    let mut flow = CashFlow {
        discount: spec.discount.get(),
        credits: all,
        left: all,
        ..CashFlow::default()
    };
    for (month, &bill) in months.iter().enumerate() {
        let discount = share_of(bill, spec.discount.get());
        let mut due = bill - discount;
        let mut used = Usd::ZERO;
        let mut expired = Usd::ZERO;
        for &index in &order {
            let lives = spec.credits[index].months;
            let is_usable = lives.is_none_or(|months| (month as u32) < months);
            if is_usable {
                let part = left[index].min(due.max(Usd::ZERO));
                left[index] = left[index] - part;
                due = due - part;
                used += part;
            }
            let ends = lives.is_some_and(|months| month as u32 + 1 >= months);
            if ends {
                expired += std::mem::take(&mut left[index]);
            }
        }
        let rest = left.iter().copied().sum();
        if rest == Usd::ZERO && flow.left > Usd::ZERO && flow.used_up.is_none() {
            flow.used_up = Some(month);
        }
        flow.left = rest;
        flow.expired += expired;
        flow.months.push(CashMonth {
            bill,
            discount,
            credit: used,
            paid: due,
            expired,
            left: rest,
        });
    }
    flow
}

/// A share of an amount, to the pico-dollar: the share counts in billionths.
fn share_of(amount: Usd, share: f64) -> Usd {
    const PARTS: i128 = 1_000_000_000;
    let parts = (share * PARTS as f64).round() as i128;
    Usd(amount
        .0
        .saturating_mul(parts)
        .saturating_add(PARTS / 2)
        .div_euclid(PARTS))
}

impl CashFlow {
    /// What is paid over all months.
    pub fn paid(&self) -> Usd {
        self.months.iter().map(|month| month.paid).sum()
    }

    /// As part of a document.
    pub fn summary(&self, horizon: &HorizonSpec) -> CashSummary {
        let sum = |of: fn(&CashMonth) -> Usd| self.months.iter().map(of).sum::<Usd>().dollars();
        let label = |month: usize| {
            horizon
                .start
                .map(|start| start.plus(month as u32).to_string())
        };
        let months = self.months.iter().enumerate();
        CashSummary {
            discount_share: self.discount,
            credits_usd: self.credits.dollars(),
            bill_usd: sum(|month| month.bill),
            discount_usd: sum(|month| month.discount),
            credit_used_usd: sum(|month| month.credit),
            paid_usd: sum(|month| month.paid),
            expired_usd: self.expired.dollars(),
            credit_left_usd: self.left.dollars(),
            used_up_month: self.used_up.map(|month| month as u32 + 1),
            used_up_label: self.used_up.and_then(label),
            months: months
                .map(|(index, month)| CashMonthSummary {
                    month: index as u32 + 1,
                    label: label(index),
                    bill_usd: month.bill.dollars(),
                    discount_usd: month.discount.dollars(),
                    credit_used_usd: month.credit.dollars(),
                    paid_usd: month.paid.dollars(),
                    expired_usd: month.expired.dollars(),
                    credit_left_usd: month.left.dollars(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Credit;
    use crate::units::Ratio;
    use proptest::prelude::*;

    fn usd(dollars: f64) -> Usd {
        Usd::from_dollars(dollars)
    }

    fn credit(dollars: f64, months: Option<u32>) -> Credit {
        Credit {
            amount: usd(dollars),
            months,
        }
    }

    fn spec(discount: f64, credits: Vec<Credit>) -> CashSpec {
        CashSpec {
            discount: Ratio::new(discount).unwrap(),
            credits,
        }
    }

    #[test]
    fn discounts_come_before_credits_and_the_soonest_to_expire_is_used_first() {
        let spec = spec(
            0.1,
            vec![
                credit(1000.0, None),
                credit(500.0, Some(2)),
                credit(100.0, Some(1)),
            ],
        );
        let flow = cash(&[usd(300.0), usd(300.0), usd(1000.0), usd(1000.0)], &spec);
        // 270 a month: 100 + 170 of the 500; then 270 more of it, and 60 expire.
        let used: Vec<_> = flow.months.iter().map(|one| one.credit.dollars()).collect();
        assert_eq!(used, [270.0, 270.0, 900.0, 100.0]);
        assert_eq!(flow.months[1].expired, usd(60.0));
        assert_eq!(flow.months[0].left, usd(1330.0));
        assert_eq!(flow.months[3].paid, usd(800.0));
        assert_eq!((flow.used_up, flow.left), (Some(3), Usd::ZERO));
        assert_eq!(flow.paid(), usd(800.0));
    }

    #[test]
    fn what_is_left_at_the_end_has_not_run_out() {
        let flow = cash(&[usd(10.0)], &spec(0.0, vec![credit(25.0, Some(12))]));
        assert_eq!((flow.used_up, flow.left), (None, usd(15.0)));
        let none = cash(&[usd(10.0)], &CashSpec::default());
        assert_eq!((none.used_up, none.paid()), (None, usd(10.0)));
    }

    proptest! {
        #[test]
        fn every_dollar_goes_somewhere(
            bills in prop::collection::vec(0i128..1 << 60, 0..24),
            credits in prop::collection::vec((0i128..1 << 60, prop::option::of(1u32..30)), 0..5),
            discount in 0.0f64..=1.0,
        ) {
            let bills: Vec<Usd> = bills.into_iter().map(Usd).collect();
            let credits = credits.into_iter().map(|(amount, months)| Credit { amount: Usd(amount), months });
            let spec = spec(discount, credits.collect());
            let flow = cash(&bills, &spec);
            let used: Usd = flow.months.iter().map(|one| one.credit).sum();
            let all: Usd = spec.credits.iter().map(|one| one.amount).sum();
            prop_assert_eq!(used + flow.expired + flow.left, all);
            for month in &flow.months {
                prop_assert_eq!(month.discount + month.credit + month.paid, month.bill);
                prop_assert!(month.paid >= Usd::ZERO);
            }
        }
    }
}
