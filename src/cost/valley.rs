//! Work that can wait, put where bought capacity is idle.

/// The level to which `work` fills the valleys of `load`: Σ(ℓ − x)⁺ = work. `None` for a load without steps.
pub fn level(load: &[f64], work: f64) -> Option<f64> {
    let mut sorted = load.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut sum = 0.0;
    for (index, low) in sorted.iter().enumerate() {
        sum += low;
        let filled = (index + 1) as f64;
        let level = (sum + work.max(0.0)) / filled;
        if sorted.get(index + 1).is_none_or(|next| level <= *next) {
            return Some(level);
        }
    }
    None
}

/// How much of `work` goes into each step of `load` when it fills the valleys to one level.
pub fn fill(load: &[f64], work: f64) -> Vec<f64> {
    let level = level(load, work).unwrap_or(0.0);
    load.iter().map(|x| (level - x).max(0.0)).collect()
}

/// A kind of work that can wait, in a cycle of equal steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Deferrable {
    /// How much comes in each step.
    pub arrives: Vec<f64>,
    /// For how many further steps it can wait.
    pub waits: usize,
    /// How much of each of the two sides of capacity one piece takes.
    pub takes: (f64, f64),
}

/// Idle capacity of a step, by side.
pub type Room = (f64, f64);

/// How much of each kind of work finds room in a cycle when the earliest deadline goes first.
///
/// `room` is what is left over in each step, and is lowered by what is done. A cycle goes before it, so that work
/// of its end that waits over the seam is met. What finds no room until its deadline is left.
pub fn earliest_deadline_first(room: &mut [Room], kinds: &[Deferrable]) -> Vec<f64> {
    let steps = room.len();
    let mut done = vec![0.0; kinds.len()];
    if steps == 0 {
        return done;
    }
    // Work in hand by kind: the step of its deadline, and how much is left.
    let mut queues: Vec<std::collections::VecDeque<(usize, f64)>> =
        vec![std::collections::VecDeque::new(); kinds.len()];
    let warm: Vec<Room> = room.to_vec();
    for step in 0..2 * steps {
        let (counts, hour) = (step >= steps, step % steps);
        let mut left = if counts { room[hour] } else { warm[hour] };
        for (queue, kind) in queues.iter_mut().zip(kinds) {
            queue.push_back((step + kind.waits.min(steps - 1), kind.arrives[hour]));
            while queue.front().is_some_and(|(until, _)| *until < step) {
                queue.pop_front();
            }
        }
        while let Some(next) = earliest(&queues) {
            let Some((_, amount)) = queues[next].front_mut() else {
                break;
            };
            let takes = kinds[next].takes;
            let fits = pieces(left.0, takes.0)
                .min(pieces(left.1, takes.1))
                .min(*amount);
            left.0 -= fits * takes.0;
            left.1 -= fits * takes.1;
            *amount -= fits;
            if counts {
                done[next] += fits;
            }
            if *amount > 1e-12 {
                break;
            }
            queues[next].pop_front();
        }
        if counts {
            room[hour] = (left.0.max(0.0), left.1.max(0.0));
        }
    }
    done
}

fn pieces(room: f64, each: f64) -> f64 {
    if each > 0.0 {
        (room / each).max(0.0)
    } else {
        f64::INFINITY
    }
}

/// The kind whose work in hand has the earliest deadline; of equal ones the first.
fn earliest(queues: &[std::collections::VecDeque<(usize, f64)>]) -> Option<usize> {
    let fronts = queues.iter().enumerate();
    fronts
        .filter_map(|(kind, queue)| Some((queue.front()?.0, kind)))
        .min()
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOAD: [f64; 8] = [2.0, 2.0, 3.0, 5.0, 8.0, 8.0, 5.0, 3.0];

    #[test]
    fn the_published_example() {
        assert!((level(&LOAD, 8.0).unwrap() - 4.5).abs() < 1e-12);
        let want = [2.5, 2.5, 1.5, 0.0, 0.0, 0.0, 0.0, 1.5];
        for (got, want) in fill(&LOAD, 8.0).iter().zip(want) {
            assert!((got - want).abs() < 1e-12);
        }
        assert_eq!(level(&[], 1.0), None);
    }

    #[test]
    fn deadlines_bound_what_fits() {
        // A cycle of four steps with room in the last one only.
        let work = |waits| Deferrable {
            arrives: vec![1.0, 0.0, 0.0, 0.0],
            waits,
            takes: (1.0, 0.0),
        };
        for (waits, fits) in [(0, 0.0), (2, 0.0), (3, 1.0), (9, 1.0)] {
            let mut room = [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (5.0, 0.0)];
            let done = earliest_deadline_first(&mut room, &[work(waits)]);
            assert!((done[0] - fits).abs() < 1e-12, "{waits}: {done:?}");
            assert!((room[3].0 - (5.0 - fits)).abs() < 1e-12);
        }
        // What comes at the end of a cycle goes into the next.
        let late = Deferrable {
            arrives: vec![0.0, 0.0, 0.0, 1.0],
            waits: 1,
            takes: (1.0, 2.0),
        };
        let mut room = [(9.0, 1.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)];
        let done = earliest_deadline_first(&mut room, &[late]);
        assert!((done[0] - 0.5).abs() < 1e-12, "the second side binds");
    }

    proptest! {
        #[test]
        fn filling_agrees_with_a_slow_greedy(
            load in proptest::collection::vec(0.0..10.0f64, 1..12), work in 0.0..30.0f64,
        ) {
            let grains = 3000;
            let mut slow = load.clone();
            for _ in 0..grains {
                let lowest = slow.iter_mut().min_by(|a, b| a.total_cmp(b)).unwrap();
                *lowest += work / f64::from(grains);
            }
            let filled = fill(&load, work);
            prop_assert!((filled.iter().sum::<f64>() - work).abs() < 1e-9);
            for ((x, more), slow) in load.iter().zip(&filled).zip(&slow) {
                prop_assert!((x + more - slow).abs() <= work / f64::from(grains) + 1e-9);
            }
        }

        #[test]
        fn deadlines_agree_with_a_greedy_by_the_piece(
            arrives in proptest::collection::vec((0u32..4, 0u32..4), 3..9),
            room in proptest::collection::vec(0u32..5, 9),
            waits in (0usize..4, 0usize..4),
        ) {
            let steps = arrives.len();
            let waits = (waits.0.min(steps - 1), waits.1.min(steps - 1));
            let kinds = [
                Deferrable {
                    arrives: arrives.iter().map(|a| f64::from(a.0)).collect(),
                    waits: waits.0,
                    takes: (1.0, 0.0),
                },
                Deferrable {
                    arrives: arrives.iter().map(|a| f64::from(a.1)).collect(),
                    waits: waits.1,
                    takes: (1.0, 0.0),
                },
            ];
            let mut left: Vec<Room> =
                room[..steps].iter().map(|&r| (f64::from(r), 0.0)).collect();
            let done = earliest_deadline_first(&mut left, &kinds);
            // Piece by piece: every piece of two cycles waits in a list, the earliest deadline first.
            let mut pieces: Vec<usize> = Vec::new();
            let mut slow = 0;
            for step in 0..2 * steps {
                let hour = step % steps;
                let (a, b) = arrives[hour];
                pieces.extend((0..a).map(|_| step + waits.0));
                pieces.extend((0..b).map(|_| step + waits.1));
                pieces.retain(|until| *until >= step);
                pieces.sort_unstable();
                let fits = pieces.len().min(room[hour] as usize);
                pieces.drain(..fits);
                if step >= steps {
                    slow += fits;
                }
            }
            prop_assert!((done.iter().sum::<f64>() - slow as f64).abs() < 1e-9);
        }
    }
}
