//! Before, during and after: whether a system came back, and when.

use crate::measure::{Course, CourseBin};
use crate::units::Micros;

/// A system whose good share at the end is below this share of what it was before has not come back.
pub const COMES_BACK_AT: f64 = 0.95;
/// A bin has recovered if this share of what was good before is good again.
const BIN_RECOVERS_AT: f64 = 0.98;
/// That many bins in a row have to.
const BINS_IN_A_ROW: usize = 3;
/// A system that serves less than this share of its base load well is overloaded by it.
const CARRIES_AT: f64 = 0.5;

/// The times of a spike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The end of the warm-up.
    pub from: Micros,
    /// When the spike begins.
    pub at: Micros,
    /// When it lets go.
    pub release: Micros,
    /// The end of the run.
    pub until: Micros,
}

impl Window {
    /// Whether there is time before the spike and after it; without it nothing can be compared.
    pub fn is_sound(&self) -> bool {
        self.from < self.at && self.at < self.release && self.release < self.until
    }

    /// A width of bins that shows a recovery: about a hundredth of the time after the release, and some
    /// bins in each other part.
    pub fn bin(&self) -> Micros {
        const WIDTHS_S: [u64; 7] = [1, 2, 5, 10, 15, 30, 60];
        let parts = [
            (self.until - self.release).as_secs_f64() / 100.0,
            (self.at - self.from).as_secs_f64() / 4.0,
            (self.release - self.at).as_secs_f64() / 4.0,
        ];
        let wanted = parts.into_iter().fold(f64::INFINITY, f64::min);
        let within = |&&s: &&u64| s as f64 <= wanted.max(1.0);
        Micros::from_secs(WIDTHS_S.iter().rev().find(within).copied().unwrap_or(1))
    }

    /// Where the last third of the time after the release begins.
    pub fn last_third(&self) -> Micros {
        self.until - Micros((self.until - self.release).0 / 3)
    }
}

/// What was counted in a part of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Phase {
    /// Its length in seconds, over all runs that were merged.
    pub seconds: f64,
    /// Requests that were due.
    pub offered: u64,
    /// Of those, good ones.
    pub good: u64,
    /// Attempts that were sent.
    pub sent: u64,
}

impl Phase {
    /// Good requests over those that were due.
    pub fn share(&self) -> Option<f64> {
        (self.offered > 0).then(|| self.good as f64 / self.offered as f64)
    }

    /// Requests that were due, per second.
    pub fn offered_rps(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.offered as f64 / self.seconds)
    }

    /// Of those, good ones per second.
    pub fn goodput_rps(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.good as f64 / self.seconds)
    }

    /// Attempts over requests.
    pub fn amplification(&self) -> Option<f64> {
        (self.offered > 0).then(|| self.sent as f64 / self.offered as f64)
    }
}

/// The parts of a run with a spike.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Phases {
    /// From the end of the warm-up to the spike.
    pub before: Phase,
    /// The spike.
    pub during: Phase,
    /// From the release to the end.
    pub after: Phase,
    /// The last third of that.
    pub last: Phase,
}

/// How a policy came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It serves the base load as well at the end as it did before.
    Recovers,
    /// It does not, although it carried that load before.
    Metastable,
    /// It never carried the base load.
    Overloaded,
}

impl Verdict {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recovers => "recovers",
            Self::Metastable => "metastable",
            Self::Overloaded => "overloaded",
        }
    }
}

impl Phases {
    /// The good share of the last third over that before the spike. With equal base loads this is the
    /// ratio of their goodputs (Bronson et al. 2021), without the noise of how many requests came.
    /// `None` if a part is empty, or nothing was good before.
    pub fn hysteresis(&self) -> Option<f64> {
        let before = self.before.share().filter(|share| *share > 0.0)?;
        Some(self.last.share()? / before)
    }

    /// How the policy came through. `base` is the good share at a load that is known to be carried:
    /// below its part of that, the system is overloaded. `None` takes half of all requests.
    pub fn verdict(&self, base: Option<f64>) -> Verdict {
        let carried = base.map_or(CARRIES_AT, |base| COMES_BACK_AT * base);
        if self.before.share().is_none_or(|share| share < carried) {
            Verdict::Overloaded
        } else if self
            .hysteresis()
            .is_some_and(|ratio| ratio >= COMES_BACK_AT)
        {
            Verdict::Recovers
        } else {
            Verdict::Metastable
        }
    }
}

/// The bins that lie wholly in `[from, until)`.
fn between(course: &Course, from: Micros, until: Micros) -> &[CourseBin] {
    let width = course.width().0;
    let bins = course.bins();
    let first = (from.0.div_ceil(width) as usize).min(bins.len());
    let end = ((until.0 / width) as usize).min(bins.len());
    &bins[first.min(end)..end]
}

fn phase(course: &Course, from: Micros, until: Micros, runs: u32) -> Phase {
    let bins = between(course, from, until);
    let sum = |of: fn(&CourseBin) -> u64| bins.iter().map(of).sum();
    Phase {
        seconds: bins.len() as f64 * course.width().as_secs_f64() * f64::from(runs),
        offered: sum(|bin| bin.offered),
        good: sum(|bin| bin.good),
        sent: sum(|bin| bin.sent),
    }
}

/// The parts of a course that merges `runs` runs.
pub fn phases(course: &Course, window: &Window, runs: u32) -> Phases {
    let of = |from, until| phase(course, from, until, runs);
    Phases {
        before: of(window.from, window.at),
        during: of(window.at, window.release),
        after: of(window.release, window.until),
        last: of(window.last_third(), window.until),
    }
}

/// The time from the release to the first three bins in a row in which at least 98 % of what was good
/// before is good again, of the requests that begin there; `None` if there are none in the run.
pub fn recovery(course: &Course, window: &Window, base: f64) -> Option<Micros> {
    let width = course.width().0;
    let bins = between(course, window.release, window.until);
    let recovered =
        |bin: &CourseBin| bin.good as f64 >= BIN_RECOVERS_AT * base * bin.offered as f64;
    let first = bins
        .windows(BINS_IN_A_ROW)
        .position(|row| row.iter().all(recovered))?;
    let start = window.release.0.div_ceil(width) * width + first as u64 * width;
    Some(Micros(start - window.release.0))
}

/// The largest number of attempts over requests in one bin from the spike on.
pub fn peak_amplification(course: &Course, window: &Window) -> Option<f64> {
    between(course, window.at, window.until)
        .iter()
        .filter(|bin| bin.offered > 0)
        .map(|bin| bin.sent as f64 / bin.offered as f64)
        .reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Moment;

    const WINDOW: Window = Window {
        from: Micros(0),
        at: Micros(100_000_000),
        release: Micros(130_000_000),
        until: Micros(430_000_000),
    };

    /// Ten requests a second, of which a share is good that depends on the second.
    fn course(good: impl Fn(u64) -> bool) -> Course {
        let mut course = Course::new(WINDOW.bin());
        for tenth in 0..4300u64 {
            let at = Moment(tenth * 100_000);
            course.offered(at, 0);
            course.sent(at);
            if good(tenth / 10) {
                course.good(at, 0);
            }
        }
        course
    }

    #[test]
    fn a_recovery_is_timed_from_the_release() {
        assert_eq!(WINDOW.bin(), Micros::from_secs(2));
        let back = course(|second| !(100..180).contains(&second));
        assert_eq!(recovery(&back, &WINDOW, 1.0), Some(Micros::from_secs(50)));
        let parts = phases(&back, &WINDOW, 1);
        assert_eq!((parts.before.offered, parts.last.offered), (1000, 1000));
        assert_eq!(parts.hysteresis(), Some(1.0));
        assert_eq!(parts.verdict(None), Verdict::Recovers);
        assert_eq!(parts.during.share(), Some(0.0));
    }

    #[test]
    fn what_stays_down_is_metastable_and_what_was_never_up_is_overloaded() {
        let down = course(|second| second < 100);
        assert_eq!(recovery(&down, &WINDOW, 1.0), None);
        let parts = phases(&down, &WINDOW, 1);
        assert_eq!(
            (parts.hysteresis(), parts.verdict(None)),
            (Some(0.0), Verdict::Metastable)
        );
        let never = course(|second| second % 10 == 0);
        assert_eq!(
            phases(&never, &WINDOW, 1).verdict(None),
            Verdict::Overloaded
        );
        // Nine tenths are carried in general, but not where all are at a lower load.
        let most = phases(&course(|second| second % 10 != 0), &WINDOW, 1);
        assert_eq!(most.verdict(None), Verdict::Recovers);
        assert_eq!(most.verdict(Some(1.0)), Verdict::Overloaded);
    }

    #[test]
    fn a_late_recovery_is_none_if_the_last_third_suffers() {
        let late = course(|second| !(100..345).contains(&second));
        let parts = phases(&late, &WINDOW, 1);
        assert_eq!(recovery(&late, &WINDOW, 1.0), Some(Micros::from_secs(216)));
        assert_eq!(parts.verdict(None), Verdict::Metastable);
    }

    #[test]
    fn windows_without_room_are_not_sound() {
        assert!(WINDOW.is_sound());
        let none = Window {
            from: WINDOW.at,
            ..WINDOW
        };
        let late = Window {
            until: WINDOW.release,
            ..WINDOW
        };
        assert!(!none.is_sound() && !late.is_sound());
    }
}
