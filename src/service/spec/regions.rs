//! What a scenario says of Regions: how calls are routed, and what capacity each Region has.

use crate::units::Micros;

/// Routing and capacity of Regions. AWS publishes neither, so all of it is assumed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegionsSpec {
    /// How a destination is chosen.
    pub policy: RoutingPolicy,
    /// Whether a call goes to another destination when the chosen one lacks capacity; otherwise it
    /// gets a 503.
    pub spill: bool,
    /// The hour of the day, UTC, at which the run begins.
    pub start_hour: f64,
    /// The pools, each for a Region; one without a name stands for all Regions that have none.
    pub pools: Vec<PoolSpec>,
}

/// How a destination is chosen among those of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RoutingPolicy {
    /// Any, with equal odds.
    #[default]
    Random,
    /// Any, with odds by weight.
    Weighted,
    /// In turn, by weight, evenly interleaved (the smooth form of nginx).
    RoundRobin,
    /// The source Region, the others in their order when it lacks capacity.
    SourceFirst,
    /// The one with the least load.
    LeastLoaded,
    /// The less loaded of two drawn ones.
    TwoChoices,
    /// Always the same for one prefix (rendezvous hashing by weight).
    Sticky,
}

impl RoutingPolicy {
    /// Every policy by the name that a scenario writes.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("random", Self::Random),
        ("weighted", Self::Weighted),
        ("round_robin", Self::RoundRobin),
        ("source_first", Self::SourceFirst),
        ("least_loaded", Self::LeastLoaded),
        ("two_choices", Self::TwoChoices),
        ("sticky", Self::Sticky),
    ];

    /// The name that a scenario writes.
    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, policy)| *policy == self);
        found.map_or("random", |(name, _)| name)
    }
}

/// What one Region gives the account's use of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolSpec {
    /// The Region; `None` for all that have no pool of their own.
    pub region: Option<String>,
    /// Answers at the same time that the pool gives; `None` is any number.
    pub streams: Option<u32>,
    /// Load by others, ρ in `[0, 1)`, by hour of the day, UTC; `None` takes `service.ambient_load`.
    pub ambient: Option<[f64; 24]>,
    /// Weight in routing.
    pub weight: f64,
    /// Latency from the source; `None` takes that of the scope.
    pub hop: Option<Micros>,
    /// When the Region is lost.
    pub lost: Vec<Loss>,
}

/// A span in which a Region is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// From when on.
    pub from: Micros,
    /// Until when; `None` is the end of the run.
    pub until: Option<Micros>,
}
