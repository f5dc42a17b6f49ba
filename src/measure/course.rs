//! What came of requests by when they began: the course of a recovery.
//!
//! The timeline counts requests where they end. Whether a system has recovered is a question about those
//! that begin: of requests due in a bin, how many turned out good. That reading has no noise from
//! requests which cross the borders of bins, and none from those of a spike that end after it.

use crate::units::{Micros, Moment};

/// One bin of a course.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CourseBin {
    /// Requests that were due in it.
    pub offered: u64,
    /// Of those, requests that met every latency bound, whenever they ended.
    pub good: u64,
    /// Attempts that were sent in it, whenever their requests were due.
    pub sent: u64,
}

/// Requests and good ones among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GoodOf {
    /// Requests that were due.
    pub offered: u64,
    /// Of those, requests that met every latency bound.
    pub good: u64,
}

/// A run, or several of the same setup, in bins of equal width from its start, warm-up inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    width: Micros,
    bins: Vec<CourseBin>,
    /// By client process.
    instances: Vec<GoodOf>,
    wasted_tokens: u64,
}

impl Course {
    /// An empty course; `width` is above zero.
    pub fn new(width: Micros) -> Self {
        Self {
            width: width.max(Micros(1)),
            bins: Vec::new(),
            instances: Vec::new(),
            wasted_tokens: 0,
        }
    }

    /// The width of a bin.
    pub fn width(&self) -> Micros {
        self.width
    }

    /// The bins in order.
    pub fn bins(&self) -> &[CourseBin] {
        &self.bins
    }

    /// Tokens of attempts that were abandoned or broke off, whoever paid for them: their prompts, and the
    /// part of the answer that had come.
    pub fn wasted_tokens(&self) -> u64 {
        self.wasted_tokens
    }

    /// An attempt that the service took up was for nothing.
    pub fn wasted(&mut self, tokens: u64) {
        self.wasted_tokens += tokens;
    }

    /// What each client process got.
    pub fn instances(&self) -> &[GoodOf] {
        &self.instances
    }

    fn bin(&mut self, at: Moment) -> &mut CourseBin {
        let index = (at.0 / self.width.0) as usize;
        if index >= self.bins.len() {
            self.bins.resize(index + 1, CourseBin::default());
        }
        &mut self.bins[index]
    }

    /// A request was due at `intended`, and a client process took it.
    pub fn offered(&mut self, intended: Moment, instance: u32) {
        self.bin(intended).offered += 1;
        let instance = instance as usize;
        if instance >= self.instances.len() {
            self.instances.resize(instance + 1, GoodOf::default());
        }
        self.instances[instance].offered += 1;
    }

    /// A request that was due at `intended` ended well.
    pub fn good(&mut self, intended: Moment, instance: u32) {
        self.bin(intended).good += 1;
        if let Some(one) = self.instances.get_mut(instance as usize) {
            one.good += 1;
        }
    }

    /// An attempt was sent.
    pub fn sent(&mut self, now: Moment) {
        self.bin(now).sent += 1;
    }

    /// Adds another course of the same width.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.width, other.width, "bins of one lab share their width");
        let len = self.bins.len().max(other.bins.len());
        self.bins.resize(len, CourseBin::default());
        for (sum, bin) in self.bins.iter_mut().zip(&other.bins) {
            sum.offered += bin.offered;
            sum.good += bin.good;
            sum.sent += bin.sent;
        }
        self.wasted_tokens += other.wasted_tokens;
        let len = self.instances.len().max(other.instances.len());
        self.instances.resize(len, GoodOf::default());
        for (sum, one) in self.instances.iter_mut().zip(&other.instances) {
            sum.offered += one.offered;
            sum.good += one.good;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_count_where_they_began_and_attempts_where_they_were_sent() {
        let mut course = Course::new(Micros::SECOND);
        let at = |s: u64| Moment(s * 1_000_000 + 1);
        course.offered(at(0), 0);
        course.offered(at(0), 2);
        course.sent(at(0));
        course.sent(at(3));
        course.good(at(0), 2);
        let mut twice = course.clone();
        twice.merge(&course);
        assert_eq!(twice.bins().len(), 4);
        let first = CourseBin {
            offered: 4,
            good: 2,
            sent: 2,
        };
        assert_eq!((twice.bins()[0], twice.bins()[3].sent), (first, 2));
        let of = |index: usize| twice.instances()[index];
        assert_eq!(
            of(2),
            GoodOf {
                offered: 2,
                good: 2
            }
        );
        assert_eq!((of(0).good, of(1).offered), (0, 0));
    }
}
