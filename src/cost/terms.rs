//! For how long to buy a slice of capacity, exactly: dynamic programming over the months of a plan.
//!
//! V(m) = min( value of the month on demand + V(m+1), price of a term of n months + V(m+n) ), and V past the last
//! month is nothing; O(months · terms) for one slice ([`best_terms`]).
//!
//! Several equal slices do not quite separate: with terms of three months, one may be bought for months 1 to 3 and
//! another for 2 to 4, and month 4 then has one slice, the first one in value. All together are a flow of minimal cost
//! ([`best_counts`]): each slice is a path through the months, along a term or on demand, and the more slices are on
//! demand in a month, the more the next one costs.

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

/// How many slices are bought: for each term and first month.
pub type Counts = Vec<Vec<usize>>;

/// A month in which a slice must be held costs this much without it, far above any bill.
const FORBIDDEN: f64 = 1e13;

/// The cheapest way to hold equal slices over the months, exactly.
///
/// `saved[k][m]` is what the slice after k others saves in month m, which does not grow with k; infinite where it must
/// be held. A term may cover only months in which holding is `allowed` (all, if that is empty), and ends inside the
/// plan. Successive shortest paths: one path for each slice, O(slices · months² · terms).
pub fn best_counts(saved: &[Vec<f64>], terms: &[TermPrice], allowed: &[bool]) -> Counts {
    let months = saved.first().map_or(0, Vec::len);
    let mut flow = Flow {
        saved: saved
            .iter()
            .map(|slice| {
                slice
                    .iter()
                    .map(|saved| saved.clamp(0.0, FORBIDDEN))
                    .collect()
            })
            .collect(),
        terms,
        allowed,
        months,
        on_demand: vec![0; months],
        bought: vec![vec![0; months]; terms.len()],
    };
    for _ in saved {
        flow.augment();
    }
    flow.bought
}

struct Flow<'a> {
    saved: Vec<Vec<f64>>,
    terms: &'a [TermPrice],
    allowed: &'a [bool],
    months: usize,
    /// Slices on demand in each month.
    on_demand: Vec<usize>,
    bought: Counts,
}

/// A step of a path: forwards or back along a month on demand, or a term.
#[derive(Clone, Copy)]
enum Arc {
    Month(usize),
    MonthBack(usize),
    Term(usize, usize),
    TermBack(usize, usize),
}

impl Flow<'_> {
    /// What the n-th slice on demand costs in a month: the saving of the last of those still held.
    fn month_cost(&self, month: usize, nth: usize) -> f64 {
        let slices = self.saved.len();
        // Savings that rounding lets grow would make a cycle below zero.
        (1..=nth)
            .map(|n| self.saved[slices - n][month])
            .fold(0.0, f64::max)
    }

    fn can(&self, term: usize, from: usize) -> bool {
        let end = from + self.terms[term].months.max(1);
        end <= self.months
            && (self.allowed.is_empty() || self.allowed[from..end].iter().all(|allowed| *allowed))
    }

    /// Sends one more slice along the cheapest path that is left (Bellman and Ford).
    fn augment(&mut self) {
        let mut cost = vec![f64::INFINITY; self.months + 1];
        let mut by: Vec<Option<(usize, Arc)>> = vec![None; self.months + 1];
        cost[0] = 0.0;
        for _ in 0..=2 * self.months {
            let mut changed = false;
            let mut relax = |from: usize, to: usize, arc: Arc, by_arc: f64| {
                let total = cost[from] + by_arc;
                if total < cost[to] - 1e-7 - 1e-12 * total.abs() {
                    cost[to] = total;
                    by[to] = Some((from, arc));
                    changed = true;
                }
            };
            for month in 0..self.months {
                let on_demand = self.on_demand[month];
                if on_demand < self.saved.len() {
                    let next = self.month_cost(month, on_demand + 1);
                    relax(month, month + 1, Arc::Month(month), next);
                }
                if on_demand > 0 {
                    let last = self.month_cost(month, on_demand);
                    relax(month + 1, month, Arc::MonthBack(month), -last);
                }
                for (term, price) in self.terms.iter().enumerate() {
                    let length = price.months.max(1);
                    let total = price.per_month * length as f64;
                    if self.can(term, month) {
                        relax(month, month + length, Arc::Term(term, month), total);
                    }
                    if self.bought[term][month] > 0 {
                        relax(month + length, month, Arc::TermBack(term, month), -total);
                    }
                }
            }
            if !changed {
                break;
            }
        }
        let mut node = self.months;
        // A path has fewer steps than there are arcs; more would be a cycle that rounding made.
        for _ in 0..4 * (self.months + 1) * (self.terms.len() + 1) {
            let Some((from, arc)) = by[node].filter(|_| node > 0) else {
                break;
            };
            match arc {
                Arc::Month(month) => self.on_demand[month] += 1,
                Arc::MonthBack(month) => self.on_demand[month] -= 1,
                Arc::Term(term, month) => self.bought[term][month] += 1,
                Arc::TermBack(term, month) => self.bought[term][month] -= 1,
            }
            node = from;
        }
    }
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

    #[test]
    fn slices_may_overlap_and_months_may_be_forced() {
        // Demand of 1, 2, 2, 1 slices and terms of three months: months 1 to 3 and 2 to 4, staggered.
        let saved = [vec![1.0; 4], vec![0.0, 1.0, 1.0, 0.0]];
        let three = [TermPrice {
            months: 3,
            per_month: 0.6,
            stops: false,
        }];
        assert_eq!(best_counts(&saved, &three, &[]), [[1, 1, 0, 0]]);
        let forced = [vec![0.0, f64::INFINITY, 0.0, 0.0]];
        let counts = best_counts(&forced, &three, &[true, true, true, false]);
        assert_eq!(counts, [[1, 0, 0, 0]]);
        assert_eq!(best_counts(&[], &three, &[]), [[0usize; 0]]);
    }

    /// The cheapest of all ways to hold whole slices over the months, by trying all.
    fn tried(costs: &[Vec<f64>], terms: &[TermPrice], month: usize, held: &[usize]) -> f64 {
        // `costs` is what a month costs by the slices held; a purchase in `month` adds to `held`.
        let months = costs[0].len();
        if month == months {
            let of_month = |(month, slices): (usize, &usize)| costs[*slices][month];
            return held.iter().enumerate().map(of_month).sum();
        }
        tried_with(costs, terms, (month, 0), held)
    }

    /// The same from a term on, any number of which is bought in the month.
    fn tried_with(
        costs: &[Vec<f64>],
        terms: &[TermPrice],
        (month, term): (usize, usize),
        held: &[usize],
    ) -> f64 {
        let Some(price) = terms.get(term) else {
            return tried(costs, terms, month + 1, held);
        };
        let mut best = tried_with(costs, terms, (month, term + 1), held);
        let mut more = held.to_vec();
        for count in 1..costs.len() {
            if month + price.months > held.len() {
                break;
            }
            for slices in &mut more[month..month + price.months] {
                *slices += 1;
            }
            if more.iter().any(|slices| *slices >= costs.len()) {
                break;
            }
            let paid = count as f64 * price.per_month * price.months as f64;
            best = best.min(paid + tried_with(costs, terms, (month, term + 1), &more));
        }
        best
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
        fn no_way_to_hold_several_slices_is_cheaper(
            level in proptest::collection::vec(0.0..3.0f64, 5),
            one in 0.2..1.1f64, two in 0.2..1.0f64, three in 0.2..0.9f64,
        ) {
            // Up to two slices of demand that goes up and down; a full slice is worth 1 a month.
            let costs: Vec<Vec<f64>> = (0..=2)
                .map(|slices| level.iter().map(|level| (level - f64::from(slices)).max(0.0)).collect())
                .collect();
            let saved: Vec<Vec<f64>> = (0..2)
                .map(|k| (0..5).map(|m| costs[k][m] - costs[k + 1][m]).collect())
                .collect();
            let terms = [(1, one), (2, two), (3, three)].map(|(months, per_month)| TermPrice {
                months,
                per_month,
                stops: false,
            });
            let counts = best_counts(&saved, &terms, &[]);
            let mut held = [0; 5];
            let mut paid = 0.0;
            for (term, price) in terms.iter().enumerate() {
                for (from, count) in counts[term].iter().enumerate() {
                    paid += *count as f64 * price.per_month * price.months as f64;
                    if *count > 0 {
                        for slices in &mut held[from..from + price.months] {
                            *slices += count;
                        }
                    }
                }
            }
            let got = paid + held.iter().enumerate().map(|(m, k)| costs[*k][m]).sum::<f64>();
            let all = tried(&costs, &terms, 0, &[0; 5]);
            prop_assert!((got - all).abs() < 1e-6, "{got} against {all}");
        }

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
