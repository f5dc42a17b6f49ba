//! Spikes as they are read and refused.

use super::*;
use crate::config::Source;
use crate::scenario::{Files, Loaded, read};

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no such file".to_owned())
    }
}

const BASE: &str = r#"
name     = "s"
duration = "10m"
warmup   = "10s"

[[workload]]
name  = "chat"
model = "nova-lite"
arrival.poisson.rate = "1/s"
tokens.input.fixed  = 10
tokens.output.fixed = 10

[[workload]]
name  = "desk"
model = "nova-lite"
arrival.closed = { users = 3, think.fixed = "1s" }
tokens.input.fixed  = 10
tokens.output.fixed = 10
"#;

fn with(tables: &str) -> Result<Loaded, String> {
    let source = Source::new("s.toml", format!("{BASE}{tables}"));
    read(&source, &[], &NoFiles).map_err(|error| error.render(100, false))
}

fn refused(spike: &str) -> String {
    match with(&format!("[spike]\n{spike}")) {
        Ok(_) => panic!("{spike} was accepted"),
        Err(shown) => shown,
    }
}

#[test]
fn triggers_become_what_the_other_tables_can_say() {
    let loaded = with(
        "[service]\n[[service.pool]]\nregion = \"*\"\nstreams = 7\n[spike]\nat = \"2m\"\nlength = \"1m\"\nload = 4.0\n\
         unavailable = 0.5\nlatency = 3.0\nquota = 0.25\nregion_lost = \"us-east-2\"\ncache_flush = true\n",
    )
    .unwrap();
    let variant = &loaded.scenario.variants[0];
    let spike = variant.spike.as_ref().unwrap();
    let minute = Micros::from_secs(60);
    assert_eq!(
        (spike.at, spike.release()),
        (minute + minute, Micros::from_secs(180))
    );
    assert_eq!(spike.triggers.len(), 6);
    let (at, length) = (minute + minute, minute);
    let shape = ShapeSpec::Spike {
        at,
        length,
        factor: 4.0,
    };
    assert_eq!(variant.workloads[0].traffic.shapes, [shape]);
    assert!(
        variant.workloads[1].traffic.shapes.is_empty(),
        "users set their own pace"
    );
    let kinds: Vec<&str> = variant
        .service
        .faults
        .iter()
        .map(|one| one.kind.word())
        .collect();
    assert_eq!(kinds, ["unavailable", "latency", "cache_flush"]);
    let window = (at, Some(at + length));
    assert!(
        variant
            .service
            .faults
            .iter()
            .all(|one| (one.from, one.until) == window)
    );
    let changes: Vec<_> = variant
        .service
        .quotas
        .changes
        .iter()
        .map(|one| (one.at, one.to.clone()))
        .collect();
    assert_eq!(
        changes,
        [
            (at, NewLimits::Times(0.25)),
            (at + length, NewLimits::Times(4.0))
        ]
    );
    let pools = &variant.service.regions.as_ref().unwrap().pools;
    assert_eq!(pools[1].region.as_deref(), Some("us-east-2"));
    assert_eq!(
        (pools[1].streams, pools[1].lost.len(), pools[0].lost.len()),
        (Some(7), 1, 0)
    );
    // What was resolved reads as the same scenario: effects are not written down twice.
    let again = toml::to_string(&loaded.scenario.resolved).unwrap();
    let again = read(&Source::new("again.toml", again), &[], &NoFiles).unwrap();
    assert_eq!(again.scenario.variants, loaded.scenario.variants);
}

#[test]
fn a_spike_in_the_shape_of_the_load_is_one_too() {
    let shaped = BASE.replacen(
        "arrival.poisson.rate = \"1/s\"",
        "arrival.poisson.rate = \"1/s\"\nshape.spike = { at = \"3m\", length = \"2m\", factor = 5.0 }",
        1,
    );
    let loaded = read(&Source::new("s.toml", shaped), &[], &NoFiles).unwrap();
    let spike = loaded.scenario.variants[0].spike.as_ref().unwrap();
    assert_eq!(
        (spike.at, spike.release()),
        (Micros::from_secs(180), Micros::from_secs(300))
    );
    assert_eq!(spike.triggers[0].to_string(), "load × 5 (chat)");
    assert_eq!(with("").unwrap().scenario.variants[0].spike, None);
}

#[test]
fn bad_spikes_are_refused_where_they_stand() {
    let window = "at = \"2m\"\nlength = \"1m\"\n";
    for (spike, said) in [
        (window.to_owned(), "the spike has no trigger"),
        (format!("{window}load = 0.0"), "load"),
        (format!("{window}load = -1.0"), "load"),
        (format!("{window}latency = 0"), "latency"),
        (format!("{window}quota = 1.5"), "quota"),
        (format!("{window}unavailable = 1.5"), "unavailable"),
        (
            format!("{window}load = 2.0\nworkloads = [\"chats\"]"),
            "no workload is named `chats`",
        ),
        (
            format!("{window}load = 2.0\nworkloads = [\"desk\"]"),
            "`desk` has no rate",
        ),
        (
            format!("{window}latency = 2.0\nworkloads = [\"chat\"]"),
            "`workloads` needs `load`",
        ),
        (
            format!("{window}region_lost = \"us-east-1\""),
            "`region_lost` needs Regions",
        ),
        (format!("{window}loud = 2.0"), "loud"),
        (
            "at = \"5s\"\nlength = \"1m\"\nload = 2.0".to_owned(),
            "before anything is measured",
        ),
        (
            "at = \"10m\"\nlength = \"1m\"\nload = 2.0".to_owned(),
            "after the run has ended",
        ),
        (
            "at = \"2m\"\nlength = \"8m\"\nload = 2.0".to_owned(),
            "no time in which a recovery",
        ),
        (
            "at = \"2m\"\nlength = \"0s\"\nload = 2.0".to_owned(),
            "`length` must be above zero",
        ),
    ] {
        let shown = refused(&spike);
        assert!(shown.contains(said), "{spike}:\n{shown}");
        let line = shown.lines().find(|line| line.contains("s.toml:"));
        assert!(
            line.is_some_and(|line| !line.contains("s.toml:1:")),
            "no place: {shown}"
        );
    }
}

#[test]
fn a_flush_of_caches_is_narrowed_by_nothing() {
    let flush = "[[fault]]\nkind = \"cache_flush\"\nfrom = \"1m\"\n";
    assert!(with(flush).is_ok());
    let shown = with(&format!("{flush}share = 0.5\n")).unwrap_err();
    assert!(
        shown.contains("`share` does not go with `cache_flush`"),
        "{shown}"
    );
}
