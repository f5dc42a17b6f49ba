//! Requests in flight, in reusable places: memory follows what is in flight, not what was run.

use crate::client::Progress;
use crate::load::source::{Arrival, Prefix};
use crate::service::{Grant, KEYS_PER_REQUEST};
use crate::units::Moment;
use std::ops::{Index, IndexMut};

/// A logical request from its due moment to its end.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The workload that it belongs to.
    pub workload: usize,
    /// Its number in the workload.
    pub seq: u64,
    /// When it was due.
    pub intended: Moment,
    /// When its latest attempt was sent.
    pub sent_at: Moment,
    /// Input tokens after the prefix.
    pub input: u32,
    /// Output tokens that the model would produce.
    pub output: u32,
    /// Its prefix.
    pub prefix: Prefix,
    /// Tokens before the input that end in cache points of their own.
    pub pointed: u32,
    /// The user of a closed loop, or the session.
    pub user: Option<u32>,
    /// How far the client brain has come with it.
    pub progress: Progress,
    /// What the service brain granted to its latest attempt.
    pub grant: Grant,
    /// Events of a lower serial no longer concern it.
    pub valid_from: u64,
}

impl Request {
    /// A request that is due as `arrival` says; events from the serial `valid_from` on concern it.
    pub fn new(workload: usize, user: Option<u32>, arrival: &Arrival, valid_from: u64) -> Self {
        let mut request = Self {
            workload,
            seq: 0,
            intended: Moment::ZERO,
            sent_at: Moment::ZERO,
            input: 0,
            output: 0,
            prefix: arrival.prefix,
            pointed: 0,
            user,
            progress: Progress::default(),
            grant: Grant::default(),
            valid_from,
        };
        request.renew(workload, user, arrival, valid_from);
        request
    }

    /// Becomes another request. What was granted to the old one stands until something is granted to
    /// this one; a grant is long, and nobody looks at it before.
    #[inline]
    fn renew(&mut self, workload: usize, user: Option<u32>, arrival: &Arrival, valid_from: u64) {
        self.workload = workload;
        self.seq = arrival.seq;
        self.intended = arrival.at;
        self.sent_at = arrival.at;
        self.input = arrival.input;
        self.output = arrival.output;
        self.prefix = arrival.prefix;
        self.pointed = arrival.pointed;
        self.user = user;
        self.progress = Progress::default();
        self.valid_from = valid_from;
    }

    /// The lane that it is on, which is the number of its target.
    #[inline]
    pub fn lane(&self) -> usize {
        self.progress.lane as usize
    }

    /// The key of the draws of its latest attempt; attempts beyond 63 share keys with later requests.
    #[inline]
    pub fn draw_key(&self) -> u64 {
        self.seq
            .wrapping_mul(KEYS_PER_REQUEST)
            .wrapping_add(u64::from(self.progress.attempts))
    }
}

/// Places for requests.
#[derive(Default)]
pub struct Slab {
    places: Vec<Request>,
    vacant: Vec<u32>,
}

impl Slab {
    /// No places yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of all requests in place.
    pub fn names(&self) -> Vec<u32> {
        let taken = |id: &u32| self.places[*id as usize].valid_from < u64::MAX;
        (0..self.places.len() as u32).filter(taken).collect()
    }

    /// Requests in place.
    pub fn in_use(&self) -> usize {
        self.places.len() - self.vacant.len()
    }

    /// Puts a request that is due as `arrival` says in a place, and names it.
    #[inline]
    pub fn insert(
        &mut self,
        workload: usize,
        user: Option<u32>,
        arrival: &Arrival,
        valid_from: u64,
    ) -> u32 {
        if let Some(id) = self.vacant.pop() {
            self.places[id as usize].renew(workload, user, arrival, valid_from);
            id
        } else {
            let request = Request::new(workload, user, arrival, valid_from);
            self.places.push(request);
            (self.places.len() - 1) as u32
        }
    }

    /// Puts a twin of the request `id` in a place of its own: another attempt of the same request.
    pub fn twin(&mut self, id: u32, valid_from: u64) -> u32 {
        let twin = Request {
            valid_from,
            ..self.places[id as usize]
        };
        if let Some(place) = self.vacant.pop() {
            self.places[place as usize] = twin;
            place
        } else {
            self.places.push(twin);
            (self.places.len() - 1) as u32
        }
    }

    /// Frees the place of a request that has ended; no event concerns the place from now on.
    #[inline]
    pub fn free(&mut self, id: u32) {
        self.places[id as usize].valid_from = u64::MAX;
        self.vacant.push(id);
    }
}

impl Index<u32> for Slab {
    type Output = Request;
    #[inline]
    fn index(&self, id: u32) -> &Request {
        &self.places[id as usize]
    }
}

impl IndexMut<u32> for Slab {
    #[inline]
    fn index_mut(&mut self, id: u32) -> &mut Request {
        &mut self.places[id as usize]
    }
}
