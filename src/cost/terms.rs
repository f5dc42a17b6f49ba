//! For how long to buy a slice of capacity, exactly: dynamic programming over the months of a plan.
//!
//! V(m) = min( value of the month on demand + V(m+1), price of a term of n months + V(m+n) ), and V past the last
//! month is nothing. Cost separates over slices of capacity, so each slice is solved by itself; O(months · terms).

/// What a plan may hold of one slice of capacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TermPrice {
    /// Months that one is bound, at least 1. Capacity without commitment is bought by the month too.
    pub months: usize,
    /// Dollars of one month.
    pub per_month: f64,
    /// Whether it costs only in the hours in which it is used, since it can be stopped by the hour.
    pub stops: bool,
}

/// What becomes of a term that would go on after the last month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    /// It is not bought.
    Inside,
    /// Each month beyond is worth this share of its price.
    Residual(f64),
}

/// One slice over the months of a plan.
#[derive(Clone, Copy, Debug)]
pub struct SliceMonths<'a> {
    /// What the slice's work costs in each month when it is not held: u · h · utilisation. An infinite value
    /// says that the slice must be held.
    pub on_demand: &'a [f64],
    /// The value of a month when the slice is full, u · h, for capacity that is stopped by the hour; not above
    /// zero where nothing can be stopped.
    pub full: f64,
    /// Months in which the slice may be held; empty where it always may.
    pub allowed: &'a [bool],
    /// What becomes of terms that go on after the last month.
    pub ending: Ending,
}

/// A term that is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which of the prices.
    pub term: usize,
    /// Its first month, from 0.
    pub from: usize,
}

/// The cheapest way through the months.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TermPlan {
    /// Dollars of all months together, what is used on demand inside.
    pub cost: f64,
    /// The terms in order.
    pub held: Vec<Held>,
}

/// The cheapest sequence of terms and months on demand. Of equal ones, the one that buys later and less.
pub fn best_terms(slice: &SliceMonths<'_>, terms: &[TermPrice]) -> TermPlan {
    let months = slice.on_demand.len();
    let mut cost = vec![0.0; months + 1];
    let mut choice: Vec<Option<usize>> = vec![None; months];
    for month in (0..months).rev() {
        let mut best = slice.on_demand[month] + cost[month + 1];
        for (index, term) in terms.iter().enumerate() {
            let Some(price) = term_cost(slice, *term, month) else {
                continue;
            };
            let total = price + cost[(month + term.months.max(1)).min(months)];
            if total < best - 1e-9 * best.abs().min(1e12) || best.is_infinite() && total.is_finite()
            {
                best = total;
                choice[month] = Some(index);
            }
        }
        cost[month] = best;
    }
    let mut held = Vec::new();
    let mut month = 0;
    while month < months {
        match choice[month] {
            Some(term) => {
                held.push(Held { term, from: month });
                month += terms[term].months.max(1);
            }
            None => month += 1,
        }
    }
    TermPlan {
        cost: cost[0],
        held,
    }
}

/// What a term that begins in `from` costs; `None` if it cannot be bought then.
pub fn term_cost(slice: &SliceMonths<'_>, term: TermPrice, from: usize) -> Option<f64> {
    let months = slice.on_demand.len();
    let end = from + term.months.max(1);
    let inside = end.min(months);
    if !slice.allowed.is_empty() && slice.allowed[from..inside].iter().any(|allowed| !allowed) {
        return None;
    }
    let beyond = (end - inside) as f64;
    let residual = match slice.ending {
        Ending::Inside if beyond > 0.0 => return None,
        Ending::Inside => 0.0,
        Ending::Residual(share) => share * beyond * term.per_month,
    };
    let of_month = |month: usize| {
        let used = slice.on_demand[month] / slice.full;
        if term.stops && slice.full > 0.0 && used.is_finite() {
            term.per_month.min(slice.full) * used
        } else {
            term.per_month
        }
    };
    let paid: f64 = (from..inside).map(of_month).sum();
    Some(paid + beyond * term.per_month - residual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOURS: f64 = 730.0;
    const U: f64 = 80.0;

    fn term(months: usize, per_hour: f64) -> TermPrice {
        TermPrice {
            months,
            per_month: per_hour * HOURS,
            stops: false,
        }
    }

    /// The prices of the published example: none, one month, six months.
    fn usual() -> [TermPrice; 3] {
        [term(1, 44.0), term(1, 40.0), term(6, 24.0)]
    }

    fn solve(utilisation: &[f64], terms: &[TermPrice]) -> (f64, f64, TermPlan) {
        let on_demand: Vec<f64> = utilisation.iter().map(|used| U * HOURS * used).collect();
        let slice = SliceMonths {
            on_demand: &on_demand,
            full: U * HOURS,
            allowed: &[],
            ending: Ending::Inside,
        };
        let plan = best_terms(&slice, terms);
        (on_demand.iter().sum(), plan.cost, plan)
    }

    fn check(utilisation: &[f64], on_demand: f64, cost: f64, held: &[(usize, usize)]) {
        let (alone, best, plan) = solve(utilisation, &usual());
        assert!((alone - on_demand).abs() < 1e-6, "{alone}");
        assert!((best - cost).abs() < 1e-6, "{best}");
        let got: Vec<(usize, usize)> = plan.held.iter().map(|one| (one.term, one.from)).collect();
        assert_eq!(got, held);
    }

    #[test]
    fn the_published_example() {
        check(&[0.35; 12], 245_280.0, 210_240.0, &[(2, 0), (2, 6)]);
        check(&[0.2; 12], 140_160.0, 140_160.0, &[]);
        let growing: Vec<f64> = (0..12).map(|m| 0.10 + 0.05 * f64::from(m)).collect();
        check(&growing, 262_800.0, 183_960.0, &[(2, 6)]);
        let mut late = [0.2; 12];
        late[9..].copy_from_slice(&[0.7, 0.8, 0.9]);
        check(&late, 245_280.0 - 0.0, 175_200.0, &[(2, 6)]);
    }

    #[test]
    fn capacity_that_stops_by_the_hour_costs_what_is_used() {
        let hourly = TermPrice {
            stops: true,
            ..term(1, 44.0)
        };
        // 44 of 80 dollars for each hour used, whatever the utilisation.
        let (_, cost, _) = solve(&[0.2; 12], &[hourly]);
        assert!((cost - 0.2 * 44.0 * HOURS * 12.0).abs() < 1e-6);
        let dear = TermPrice {
            stops: true,
            ..term(1, 90.0)
        };
        let (alone, cost, plan) = solve(&[0.2; 12], &[dear]);
        assert!((cost - alone).abs() < 1e-6 && plan.held.is_empty());
    }

    #[test]
    fn terms_end_inside_the_plan_or_leave_something() {
        let on_demand = [U * HOURS * 0.9; 4];
        let six = [term(6, 24.0)];
        let slice = |ending| SliceMonths {
            on_demand: &on_demand,
            full: U * HOURS,
            allowed: &[],
            ending,
        };
        assert!(best_terms(&slice(Ending::Inside), &six).held.is_empty());
        let plan = best_terms(&slice(Ending::Residual(1.0)), &six);
        assert!((plan.cost - 4.0 * 24.0 * HOURS).abs() < 1e-6);
        let plan = best_terms(&slice(Ending::Residual(0.0)), &six);
        assert!((plan.cost - 6.0 * 24.0 * HOURS).abs() < 1e-6);
    }

    #[test]
    fn a_month_can_be_made_to_hold() {
        let on_demand = [0.0, f64::INFINITY, 0.0];
        let slice = SliceMonths {
            on_demand: &on_demand,
            full: 0.0,
            allowed: &[],
            ending: Ending::Inside,
        };
        let plan = best_terms(&slice, &[term(3, 10.0), term(1, 20.0)]);
        assert_eq!(plan.held, [Held { term: 1, from: 1 }]);
        let allowed = [true, false, true];
        let never = SliceMonths {
            allowed: &allowed,
            ..slice
        };
        assert!(
            best_terms(&never, &[term(3, 10.0), term(1, 20.0)])
                .cost
                .is_infinite()
        );
    }

    /// The cheapest of all sequences.
    fn enumerated(slice: &SliceMonths<'_>, terms: &[TermPrice], month: usize) -> f64 {
        if month >= slice.on_demand.len() {
            return 0.0;
        }
        let mut best = slice.on_demand[month] + enumerated(slice, terms, month + 1);
        for term in terms {
            if let Some(cost) = term_cost(slice, *term, month) {
                best = best.min(cost + enumerated(slice, terms, month + term.months));
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_sequence_of_terms_is_cheaper(
            used in proptest::collection::vec(0.0..1.0f64, 1..9),
            prices in (20.0..90.0f64, 20.0..90.0f64, 10.0..80.0f64, 10.0..80.0f64),
            stops in any::<bool>(), residual in proptest::option::of(0.0..1.0f64),
        ) {
            let on_demand: Vec<f64> = used.iter().map(|used| U * HOURS * used).collect();
            let slice = SliceMonths {
                on_demand: &on_demand,
                full: U * HOURS,
                allowed: &[],
                ending: residual.map_or(Ending::Inside, Ending::Residual),
            };
            let mut terms = [
                term(1, prices.0), term(1, prices.1), term(3, prices.2), term(6, prices.3),
            ];
            terms[0].stops = stops;
            let plan = best_terms(&slice, &terms);
            let slow = enumerated(&slice, &terms, 0);
            prop_assert!((plan.cost - slow).abs() <= 1e-6 * slow.max(1.0));
            // The plan costs what it says.
            let mut month = 0;
            let mut sum = 0.0;
            for held in &plan.held {
                sum += on_demand[month..held.from].iter().sum::<f64>();
                sum += term_cost(&slice, terms[held.term], held.from).unwrap();
                month = held.from + terms[held.term].months;
            }
            sum += on_demand.iter().skip(month).sum::<f64>();
            prop_assert!((plan.cost - sum).abs() <= 1e-6 * sum.max(1.0));
        }
    }
}
