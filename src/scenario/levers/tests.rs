use super::*;
use crate::config::Source;
use crate::scenario::read;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no such file".to_owned())
    }
}

const HEAD: &str = r#"
name = "t"
duration = "10m"
[[workload]]
name = "a"
model = "claude-sonnet-4-6"
max_tokens = 100
arrival.poisson = { rate = "1/s" }
tokens = { input = { fixed = 1000 }, output = { fixed = 100 } }
"#;

fn load(text: &str) -> Result<Loaded, ConfigError> {
    read(
        &Source::new("t.toml", format!("{HEAD}{text}")),
        &[],
        &NoFiles,
    )
}

fn problem(text: &str) -> String {
    load(text).expect_err("it is wrong").to_string()
}

const TWO: &str = r#"
[[plan.lever]]
name = "cap"
[[plan.lever.workload]]
name = "a"
max_tokens = 50
[[plan.lever]]
name = "small"
order = 1
[[plan.lever.workload]]
name = "a"
model = "claude-haiku-4-5"
max_tokens = 60
"#;

#[test]
fn levers_are_laid_over_the_scenario_in_their_order() {
    let loaded = load(TWO).unwrap();
    let names: Vec<_> = loaded
        .levers("base")
        .iter()
        .map(|one| (one.name.as_str(), one.order))
        .collect();
    assert_eq!(names, [("cap", None), ("small", Some(1))]);
    let combiner = Combiner::new(&loaded, &NoFiles);
    let workload = |subset| {
        let one = combiner.of("base", subset).unwrap();
        let workload = one.scenario.variants[0].workloads[0].clone();
        (workload.model, workload.max_tokens)
    };
    // None, each, and both: the later one wins where both say something.
    assert_eq!(workload(0), ("claude-sonnet-4-6".to_owned(), Some(100)));
    assert_eq!(workload(1), ("claude-sonnet-4-6".to_owned(), Some(50)));
    assert_eq!(workload(2), ("claude-haiku-4-5".to_owned(), Some(60)));
    assert_eq!(workload(3), ("claude-haiku-4-5".to_owned(), Some(60)));
    // The scenario itself is as if there were no levers.
    assert_eq!(
        loaded.scenario.variants,
        load("[plan]").unwrap().scenario.variants
    );
}

#[test]
fn a_variant_changes_a_lever_by_name() {
    let text = format!(
        "{TWO}[[variant]]\nname = \"x\"\n[[variant]]\nname = \"y\"\n[[variant.plan.lever]]\nname = \"small\"\n\
         [[variant.plan.lever.workload]]\nname = \"a\"\nmodel = \"nova-lite\"\n"
    );
    let loaded = load(&text).unwrap();
    let combiner = Combiner::new(&loaded, &NoFiles);
    let model = |variant, subset| {
        let one = combiner.of(variant, subset).unwrap();
        one.scenario.variants[0].workloads[0].model.clone()
    };
    assert_eq!(model("x", 2), "claude-haiku-4-5");
    assert_eq!(model("y", 2), "nova-lite");
    assert_eq!(model("y", 1), "claude-sonnet-4-6");
}

#[test]
fn the_resolved_scenario_keeps_its_levers() {
    for text in [TWO.to_owned(), format!("{TWO}[[variant]]\nname = \"x\"\n")] {
        let loaded = load(&text).unwrap();
        let again = toml::to_string(&loaded.scenario.resolved).unwrap();
        let again = read(&Source::new("again.toml", again), &[], &NoFiles).unwrap();
        let name = &loaded.scenario.variants[0].name;
        let kept = again.levers(name);
        assert_eq!(kept.len(), 2);
        let subset = |loaded: &Loaded| {
            let one = Combiner::new(loaded, &NoFiles).of(name, 3).unwrap();
            one.scenario.variants
        };
        assert_eq!(subset(&loaded), subset(&again));
        assert_eq!(loaded.scenario.resolved, again.scenario.resolved);
    }
}

#[test]
fn bad_levers_are_refused_where_they_stand() {
    let lever = |rest: &str| problem(&format!("[[plan.lever]]\n{rest}"));
    for (text, said) in [
        ("order = 1", "a lever needs `name`"),
        ("name = \"\"", "a lever cannot be named"),
        ("name = \"x\"", "the lever `x` changes nothing"),
        (
            "name = \"x\"\norder = 0\nwarmup = \"1m\"",
            "`order` must be a whole number from 1 to 1000",
        ),
        (
            "name = \"x\"\nseed = 3\nwarmup = \"1m\"",
            "a lever cannot change `seed`",
        ),
        (
            "name = \"x\"\nwarmup = \"1h\"",
            "`warmup` must be shorter than `duration`",
        ),
        (
            "name = \"x\"\n[[plan.lever.workload]]\nname = \"b\"\nmax_tokens = 3",
            "no workload is named `b`",
        ),
        (
            "name = \"x\"\n[[plan.lever.workload]]\nname = \"a\"\nmax_token = 3",
            "unknown key `max_token`",
        ),
        (
            "name = \"x\"\nwarmup = \"1m\"\n[[plan.lever]]\nname = \"x\"\nwarmup = \"2m\"",
            "two levers are named `x`",
        ),
        (
            "name = \"x\"\n[[plan.lever.plan.lever]]\nname = \"y\"",
            "a lever cannot have levers",
        ),
        (
            "name = \"x\"\n[[plan.lever.variant]]\nname = \"y\"",
            "a lever cannot have variants",
        ),
    ] {
        let shown = lever(text);
        assert!(shown.contains(said), "{text}\n{shown}");
        assert!(shown.starts_with("t.toml:1"), "{shown}");
    }
    assert!(problem("[plan]\nlever = 3").contains("expected `[[plan.lever]]` tables"));
    let many = (0..9).fold(String::new(), |text, i| {
        text + &format!("[[plan.lever]]\nname = \"{i}\"\nwarmup = \"1m\"\n")
    });
    assert!(problem(&many).contains("a plan has at most 8 levers"));
}

#[test]
fn overrides_reach_levers() {
    let source = Source::new("t.toml", format!("{HEAD}{TWO}"));
    let sets = ["plan.lever.cap.workload.a.max_tokens=7".to_owned()];
    let loaded = read(&source, &sets, &NoFiles).unwrap();
    let one = Combiner::new(&loaded, &NoFiles).of("base", 1).unwrap();
    assert_eq!(one.scenario.variants[0].workloads[0].max_tokens, Some(7));
}
