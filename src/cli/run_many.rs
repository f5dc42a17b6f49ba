//! `bedload run -k N` and `--interleave`: several live runs, for comparisons between runs.

use super::args::RunArgs;
use super::compare;
use super::exit::Exit;
use super::inputs::{Prepared, Stopped, catalogue, prepare, price_book};
use super::run::{Done, choose, consent, one_run, options, plans};
use super::simulate::now;
use super::term::{Term, talk};
use crate::live::{LivePlan, Stop, Target};
use crate::sim::replication_seed;
use crate::units::Usd;
use std::fs;
use std::path::{Path, PathBuf};

/// Runs on each side of an interleaved comparison.
const RUNS: u32 = 5;

/// One of the scenarios that take turns.
struct Turns {
    prepared: Prepared,
    /// The seed of its first run.
    seed: u64,
    /// The folder of its runs.
    folder: PathBuf,
    done: Vec<PathBuf>,
}

/// Runs one scenario several times, or two in turns.
pub(super) fn run_many(args: &RunArgs, term: Term) -> Result<Exit, Stopped> {
    let catalogue = catalogue(&args.shared, term)?;
    let book = price_book(&catalogue, &args.shared)?;
    let read = |path: &Path| {
        let mut prepared = prepare(path, &args.shared, &[], &catalogue, book, term)?;
        choose(args, &mut prepared, term);
        Ok(prepared)
    };
    let count = args.runs.unwrap_or(RUNS);
    let base = read(&args.scenario)?;
    let root = root(args, &base)?;
    let mut sides = vec![side(base, root.join("base"))];
    match &args.interleave {
        Some(new) => sides.push(side(read(new)?, root.join("new"))),
        None => sides[0].folder = root,
    }
    let mut options = options(args);
    if args.target == Target::Bedrock {
        let each: Result<Vec<Vec<LivePlan>>, _> = sides
            .iter()
            .map(|one| plans(&one.prepared, &catalogue))
            .collect();
        let each: Vec<LivePlan> = each?.into_iter().flatten().collect();
        consent(args.budget, args.yes, &each, count)?;
    }
    let mut all_met = true;
    let mut all_valid = true;
    for number in 0..count {
        for place in order(number, sides.len()) {
            let one = &mut sides[place];
            one.reseed(number);
            let path = one.folder.join(format!("{:02}", number + 1));
            if !term.quiet {
                talk(&format!(
                    "run {} of {count}: {}",
                    number + 1,
                    path.display()
                ));
            }
            let plans = plans(&one.prepared, &catalogue)?;
            let done = one_run(
                &one.prepared,
                &catalogue,
                plans,
                &options,
                Some(&path),
                term,
            )?;
            options.budget = options.budget.map(|left| rest(left, &done));
            all_met &= done.summary.variants.iter().any(|variant| variant.slo.met);
            all_valid &= done.summary.valid;
            let stop = done.stop;
            one.done.push(done.path);
            match stop {
                Some(Stop::Interrupted) => return Ok(Exit::Interrupted),
                Some(Stop::Budget) => {
                    talk("note: the budget is used up; the runs so far are kept");
                    return Ok(Exit::Inconclusive);
                }
                None => {}
            }
        }
    }
    if let [base, new] = &sides[..] {
        return compare::interleaved(&base.done, &new.done, &args.shared, term);
    }
    let exit = compare::repeated(&sides[0].done, &args.shared, term)?;
    Ok(match exit {
        Exit::Met if !all_valid => Exit::Inconclusive,
        Exit::Met if !all_met => Exit::Missed,
        exit => exit,
    })
}

/// Who goes first changes from turn to turn, so that a drift within a turn favours nobody.
fn order(number: u32, sides: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sides).collect();
    if number % 2 == 1 {
        order.reverse();
    }
    order
}

fn rest(left: Usd, done: &Done) -> Usd {
    (left - done.spent).max(Usd::ZERO)
}

fn side(prepared: Prepared, folder: PathBuf) -> Turns {
    Turns {
        seed: prepared.loaded.scenario.seed,
        prepared,
        folder,
        done: Vec::new(),
    }
}

impl Turns {
    /// Gives the run of this number its seed: the same on both sides, so that they meet the same requests.
    fn reseed(&mut self, number: u32) {
        // Scenarios have seeds that fit into a signed number.
        let seed = replication_seed(self.seed, number) & (u64::MAX >> 1);
        let scenario = &mut self.prepared.loaded.scenario;
        scenario.seed = seed;
        scenario
            .resolved
            .insert("seed".to_owned(), toml::Value::Integer(seed as i64));
    }
}

/// The folder of all runs. It has to be new, so that no earlier run is taken for one of these.
fn root(args: &RunArgs, base: &Prepared) -> Result<PathBuf, Stopped> {
    let root = if let Some(out) = &args.out {
        out.clone()
    } else {
        let time = now().0.replace(['-', ':'], "");
        let name: String = base
            .loaded
            .scenario
            .name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-_".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        Path::new("results/runs").join(format!("{time}-{name}-runs"))
    };
    let is_taken = fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken || root.is_file() {
        talk(&format!(
            "error: `{}` is not empty\n  help: name a new folder with `--out`, so that no earlier run is \
             taken for one of these",
            root.display()
        ));
        return Err(Exit::Usage);
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_alternate() {
        assert_eq!(order(0, 2), [0, 1]);
        assert_eq!(order(1, 2), [1, 0]);
        assert_eq!(order(1, 1), [0]);
    }
}
