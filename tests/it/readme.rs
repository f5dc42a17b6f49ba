//! What the README says is what the program does.
//!
//! `BEDLOAD_UPDATE=1 cargo test readme` writes printed output into the README anew.

use bedload::config::Source;
use bedload::profile::Catalogue;
use bedload::scenario::{Files, read};
use bedload::sim::assemble;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// The pages that show commands and what they print.
const PAGES: [&str; 2] = ["README.md", "scenarios/README.md"];

/// A key that no table has.
const STRANGER: &str = "zzz_stranger";

/// A path of a table in a scenario, and a scenario that has a strange key there and nowhere else.
///
/// The complaint about the stranger lists the keys that the table really has.
const PROBES: [(&str, &str); 97] = [
    ("", "§"),
    ("plan", "[plan]\n§"),
    ("plan.growth", "[plan.growth]\n§"),
    ("plan.workload.NAME", "[plan.workload.x]\n§"),
    (
        "plan.workload.NAME",
        "[plan.workload.x]\n§\n[plan.workload.x.hourly]",
    ),
    ("plan.workload.NAME.hourly", "[plan.workload.x.hourly]\n§"),
    ("plan.offer", "[[plan.offer]]\n§"),
    (
        "plan.offer.reserved",
        "[[plan.offer]]\n[plan.offer.reserved]\n§",
    ),
    (
        "plan.offer.provisioned",
        "[[plan.offer]]\n[plan.offer.provisioned]\n§",
    ),
    ("plan.offer.scope", "[[plan.offer]]\n[plan.offer.scope]\n§"),
    ("plan.credit", "[[plan.credit]]\n§"),
    ("", "§\n[answers]"),
    ("workload", "[[workload]]\n§"),
    ("workload", "[[workload]]\n§\n[workload.prompts]"),
    ("workload.prompts", "[[workload]]\n[workload.prompts]\n§"),
    ("workload.arrival", "[[workload]]\n[workload.arrival]\n§"),
    (
        "workload.arrival.constant",
        "[[workload]]\n[workload.arrival.constant]\n§",
    ),
    (
        "workload.arrival.poisson",
        "[[workload]]\n[workload.arrival.poisson]\n§",
    ),
    (
        "workload.arrival.gamma",
        "[[workload]]\n[workload.arrival.gamma]\n§",
    ),
    (
        "workload.arrival.weibull",
        "[[workload]]\n[workload.arrival.weibull]\n§",
    ),
    (
        "workload.arrival.on_off",
        "[[workload]]\n[workload.arrival.on_off]\n§",
    ),
    (
        "workload.arrival.ramp",
        "[[workload]]\n[workload.arrival.ramp]\n§",
    ),
    (
        "workload.arrival.closed",
        "[[workload]]\n[workload.arrival.closed]\n§",
    ),
    (
        "workload.arrival.closed.think",
        "[[workload]]\n[workload.arrival.closed.think]\n§",
    ),
    (
        "workload.arrival.closed.think.exponential",
        "[[workload]]\n[workload.arrival.closed.think.exponential]\n§",
    ),
    (
        "workload.arrival.closed.think.lognormal",
        "[[workload]]\n[workload.arrival.closed.think.lognormal]\n§",
    ),
    (
        "workload.arrival.trace",
        "[[workload]]\n[workload.arrival.trace]\n§",
    ),
    (
        "workload.arrival.trace.columns",
        "[[workload]]\n[workload.arrival.trace.columns]\n§",
    ),
    (
        "workload.arrival.recorded",
        "[[workload]]\n[workload.arrival.recorded]\n§",
    ),
    ("workload.shape", "[[workload]]\n[workload.shape]\n§"),
    (
        "workload.shape.hour_of_week",
        "[[workload]]\n[workload.shape.hour_of_week]\nfactors = []\n§",
    ),
    (
        "workload.shape.ramp",
        "[[workload]]\n[workload.shape.ramp]\n§",
    ),
    (
        "workload.shape.steps",
        "[[workload]]\n[workload.shape.steps]\n§",
    ),
    (
        "workload.shape.spike",
        "[[workload]]\n[workload.shape.spike]\n§",
    ),
    ("workload.tokens", "[[workload]]\n[workload.tokens]\n§"),
    (
        "workload.tokens.input",
        "[[workload]]\n[workload.tokens.input]\n§",
    ),
    (
        "workload.tokens.input.lognormal",
        "[[workload]]\n[workload.tokens.input.lognormal]\n§",
    ),
    (
        "workload.tokens.input.mixture",
        "[[workload]]\n[[workload.tokens.input.mixture]]\n§",
    ),
    ("workload.cache", "[[workload]]\n[workload.cache]\n§"),
    (
        "workload.cache.point",
        "[[workload]]\n[[workload.cache.point]]\n§",
    ),
    ("workload.session", "[[workload]]\n[workload.session]\n§"),
    (
        "workload.session.tools",
        "[[workload]]\n[workload.session.tools]\n§",
    ),
    ("cache", "[cache]\n§"),
    ("slo", "[slo]\n§"),
    ("slo.ttft", "[slo.ttft]\n§"),
    ("client", "[client]\n§"),
    ("client.retry", "[client.retry]\n§"),
    ("client.retry.exponential", "[client.retry.exponential]\n§"),
    (
        "client.retry.aws_standard_2_0",
        "[client.retry.aws_standard_2_0]\n§",
    ),
    (
        "client.retry.aws_standard_2_1",
        "[client.retry.aws_standard_2_1]\n§",
    ),
    ("client.retry.sdk", "[client.retry.sdk]\n§"),
    (
        "client.retry.aws_adaptive",
        "[client.retry.aws_adaptive]\n§",
    ),
    ("client.retry.aws_legacy", "[client.retry.aws_legacy]\n§"),
    (
        "client.retry.anthropic_sdk",
        "[client.retry.anthropic_sdk]\n§",
    ),
    ("client.retry.langchain", "[client.retry.langchain]\n§"),
    ("client.retry.llama_index", "[client.retry.llama_index]\n§"),
    (
        "client.retry.window_aware",
        "[client.retry.window_aware]\n§",
    ),
    ("client.retry_budget", "[client.retry_budget]\n§"),
    ("client.breaker", "[client.breaker]\n§"),
    ("client.adaptive_throttle", "[client.adaptive_throttle]\n§"),
    ("client.concurrency", "[client.concurrency]\n§"),
    (
        "client.concurrency.fixed",
        "[client.concurrency.fixed]\nlimit = 5\n§",
    ),
    ("client.concurrency.aimd", "[client.concurrency.aimd]\n§"),
    (
        "client.concurrency.gradient",
        "[client.concurrency.gradient]\n§",
    ),
    ("client.pacing", "[client.pacing]\n§"),
    (
        "client.pacing.rate",
        "[client.pacing.rate]\nrate = \"1/s\"\n§",
    ),
    (
        "client.pacing.ramp",
        "[client.pacing.ramp]\ntarget = \"1/s\"\n§",
    ),
    ("client.pacing.tokens", "[client.pacing.tokens]\n§"),
    ("client.hedge", "[client.hedge]\n§"),
    ("client.fallback", "[[client.fallback]]\n§"),
    ("client.route", "[[client.route]]\n§"),
    ("workload.route", "[[workload]]\n[[workload.route]]\n§"),
    (
        "workload.classifier",
        "[[workload]]\n[workload.classifier]\n§",
    ),
    (
        "workload.classifier.easy",
        "[[workload]]\n[workload.classifier.easy]\n§",
    ),
    ("capacity", "[capacity]\n§"),
    (
        "capacity.on_demand",
        "[capacity.on_demand]\nregion = \"us-east-1\"\n§",
    ),
    (
        "capacity.provisioned",
        "[capacity.provisioned]\noverload = \"on-demand\"\n§",
    ),
    ("capacity.reserved", "[capacity.reserved]\n§"),
    ("service", "[service]\n§"),
    ("service.latency", "[service.latency]\n§"),
    ("service.latency.fixed", "[service.latency.fixed]\n§"),
    ("quota", "[quota]\n§"),
    ("fault", "[[fault]]\nkind = \"slow_start\"\n§"),
    ("answers", "[answers]\n§"),
    ("workload.batch", "[[workload]]\n[workload.batch]\n§"),
    (
        "workload.batch.completion",
        "[[workload]]\n[workload.batch.completion]\n§",
    ),
    (
        "workload.batch.completion.lognormal",
        "[[workload]]\n[workload.batch.completion.lognormal]\n§",
    ),
    (
        "service.latency_optimized",
        "[service.latency_optimized]\n§",
    ),
    ("service.routing", "[service.routing]\n§"),
    ("service.pool", "[[service.pool]]\n§"),
    ("quota.limit", "[[quota.limit]]\n§"),
    ("quota.change", "[[quota.change]]\n§"),
    ("guardrail", "[[guardrail]]\n§"),
    ("guardrail.latency", "[[guardrail]]\n[guardrail.latency]\n§"),
    ("fault", "[[fault]]\nkind = \"latency\"\n§"),
    ("answers.guardrail", "[answers.guardrail]\n§"),
    ("spike", "[spike]\n§"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("the page is part of the project")
}

/// Runs the program in the project's folder, as wide as a page and without colour.
fn bedload(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bedload"))
        .args(args)
        .current_dir(root())
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .output()
        .expect("the program starts")
}

/// The bodies of the code blocks in `language`.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let open = format!("\n```{language}\n");
    text.split(&open)
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap_or_default())
        .collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The rows of the tables below `<!-- marker -->`, or below markers that begin with it.
fn rows<'t>(text: &'t str, marker: &str) -> Vec<(&'t str, Vec<&'t str>)> {
    let mut found = Vec::new();
    for part in text.split(&format!("<!-- {marker}")).skip(1) {
        let (name, rest) = part.split_once("-->").expect("a comment ends");
        let table = rest
            .trim_start()
            .lines()
            .take_while(|line| line.starts_with('|'));
        for line in table.skip(2) {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            found.push((name.trim(), cells));
        }
    }
    found
}

/// The output of a command without what differs from machine to machine.
///
/// With `labels`, only the names of the variants and the rows that begin so; of a lab its first table, of a plan its
/// waterfall.
fn printed(command: &str, labels: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let out = folder.path().join("run");
    let mut args: Vec<&str> = command.split_whitespace().skip(1).collect();
    if ["simulate", "lab", "search", "plan"].contains(&args[0]) {
        args.extend(["--out", out.to_str().expect("a plain path")]);
    }
    let output = bedload(&args);
    let text = String::from_utf8(output.stdout).expect("text is UTF-8");
    assert!(
        !text.is_empty(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    if labels.is_empty() {
        return text.trim_end().to_owned();
    }
    if command.starts_with("bedload lab") {
        // The first table, whose header begins so.
        let table = text
            .lines()
            .skip_while(|line| !line.trim_start().starts_with("policy"))
            .take_while(|line| !line.is_empty());
        return table.collect::<Vec<_>>().join("\n");
    }
    if command.starts_with("bedload plan") {
        // The waterfall of its levers.
        let falls = text
            .lines()
            .skip_while(|line| !line.starts_with("  start "))
            .take_while(|line| !line.is_empty());
        return falls.collect::<Vec<_>>().join("\n");
    }
    // Rows of the table are indented by three; what they wrap to is indented further.
    let wanted = |line: &str| {
        let row = line.strip_prefix("   ").unwrap_or_default();
        labels.iter().any(|label| row.starts_with(label))
    };
    let mut kept: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("   "))
        .take(1)
        .collect();
    kept.extend(text.lines().skip(3).filter(|line| wanted(line)));
    kept.join("\n")
}

fn redacted(text: &str) -> String {
    let neutral = |line: &str| {
        if let Some((count, _)) = line.split_once(" requests simulated in ") {
            format!("{count} requests simulated in …")
        } else if line.starts_with("results in ") {
            "results in …".to_owned()
        } else if line.starts_with("report in ") {
            "report in …".to_owned()
        } else {
            line.trim_end().to_owned()
        }
    };
    text.lines().map(neutral).collect::<Vec<_>>().join("\n")
}

/// The text with each block below `<!-- output: … -->` as the program prints it now.
fn refreshed(text: &str) -> String {
    let mut fresh = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!-- output: ") {
        let (marker, after) = after.split_once(" -->\n").expect("a comment ends");
        let after = after
            .trim_start()
            .strip_prefix("```text\n")
            .expect("a block follows");
        let (body, after) = after.split_once("```\n").expect("a block ends");
        let (command, labels) = marker.split_once(" :: ").unwrap_or((marker, ""));
        let labels: Vec<&str> = labels
            .split("; ")
            .filter(|label| !label.is_empty())
            .collect();
        let now = printed(command, &labels);
        let kept = if redacted(&now) == redacted(body) {
            body.trim_end().to_owned()
        } else {
            now.lines()
                .map(|line| {
                    if line.starts_with("results in ") {
                        "results in results/runs/20261123T101500Z-quickstart-4e70badc"
                    } else if line.starts_with("report in ") {
                        "report in results/runs/20261123T101500Z-quickstart-4e70badc/report.html"
                    } else {
                        line.trim_end()
                    }
                })
                .collect::<Vec<_>>()
                .join("\n")
        };
        let block = format!("<!-- output: {marker} -->\n```text\n{kept}\n```\n");
        fresh.extend([before, &block]);
        rest = after;
    }
    fresh + rest
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    for name in PAGES {
        let old = page(name);
        let new = refreshed(&old);
        if env::var_os("BEDLOAD_UPDATE").is_some() {
            fs::write(root().join(name), &new).expect("the page can be written");
        } else {
            let differs = old.lines().zip(new.lines()).find(|(old, new)| old != new);
            assert!(
                old == new,
                "{name} shows other output; BEDLOAD_UPDATE=1 renews it: {differs:?}"
            );
        }
    }
}

/// Files beside the gallery.
struct Gallery;

impl Files for Gallery {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(root().join("scenarios").join(path)).map_err(|error| error.to_string())
    }
}

#[test]
fn scenarios_in_the_readme_read() {
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().expect("a price book is built in");
    let readme = page("README.md");
    let whole = blocks(&readme, "toml")
        .into_iter()
        .filter(|block| block.starts_with("# scenario"));
    let mut seen = 0;
    for block in whole {
        let loaded = read(&Source::new("README.md", block), &[], &Gallery)
            .unwrap_or_else(|error| panic!("{}", error.render(100, false)));
        let assembled = assemble(&loaded, &catalogue, book)
            .unwrap_or_else(|error| panic!("{}", error.render(100, false)));
        assert!(!assembled.is_empty());
        seen += 1;
    }
    assert!(seen > 0, "the README shows no scenario");
}

/// The keys of every table, as complaints about a strange key list them.
fn known_keys() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let fault = ("fault", "[[fault]]\n§");
    for (path, text) in PROBES.into_iter().chain([fault]) {
        let text = text.replace('§', &format!("{STRANGER} = 1"));
        let error =
            read(&Source::new("probe.toml", text), &[], &Gallery).expect_err("it is strange");
        let shown = error.render(2000, false);
        let list = shown
            .split("known keys: ")
            .nth(1)
            .unwrap_or_else(|| panic!("{path}: {shown}"));
        let list = list.split("\n\n").next().unwrap_or_default();
        known.extend(quoted(list).into_iter().map(|key| joined(path, key)));
    }
    known
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

#[test]
fn the_readme_documents_every_key() {
    let readme = page("README.md");
    let mut documented = BTreeSet::new();
    for (section, cells) in rows(&readme, "keys:") {
        let section = section.trim_end_matches('.');
        for key in quoted(cells[0]) {
            let mut path = joined(section, key);
            while !path.is_empty() {
                documented.insert(path.clone());
                path.truncate(path.rfind('.').unwrap_or(0));
            }
        }
    }
    // A variant may change anything; it is read before the tables are.
    documented.remove("variant.name");
    // Names of tables, which no message lists.
    documented.remove("plan.workload.NAME");
    let known = known_keys();
    let missing: Vec<_> = known.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&known).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "not in the README: {missing:?}\nnot in the program: {invented:?}"
    );
}

/// The arguments of a line that calls the program, if it does; what stands in single quotes is one.
fn arguments(line: &str) -> Option<Vec<&str>> {
    let mut rest = line
        .trim()
        .strip_prefix("bedload ")
        .or_else(|| line.trim().strip_prefix("cargo run --release -- "))?;
    let mut words = Vec::new();
    loop {
        rest = rest.trim_start();
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'')?,
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        if rest.is_empty() || word.starts_with(['|', '>', '#']) {
            return Some(words);
        }
        words.push(word);
        rest = after;
    }
}

#[test]
fn commands_in_the_readme_are_commands() {
    let mut seen = 0;
    for name in PAGES {
        let text = page(name);
        let lines = blocks(&text, "sh").into_iter().flat_map(str::lines);
        for mut args in lines.filter_map(arguments) {
            for path in args
                .iter()
                .filter(|arg| arg.starts_with("scenarios/") && !arg.contains('*'))
            {
                assert!(root().join(path).exists(), "{name}: {path} does not exist");
            }
            args.push("--help");
            let output = bedload(&args);
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {args:?}: {complaint}");
            seen += 1;
        }
    }
    assert!(seen > 5, "only {seen} commands were found");
}

#[test]
fn the_readme_lists_the_flags_that_help_lists() {
    let readme = page("README.md");
    let mut written: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (_, cells) in rows(&readme, "flags") {
        let flag = quoted(cells[0])
            .into_iter()
            .find(|flag| flag.starts_with("--"));
        let flag = flag.expect("a row of the table names a flag");
        let flag = flag.split([' ', '=']).next().unwrap_or_default();
        for verb in quoted(cells[1]) {
            written.entry(verb).or_default().insert(flag.to_owned());
        }
    }
    for verb in [
        "simulate",
        "lab",
        "search",
        "plan",
        "run",
        "check",
        "compare",
        "report",
        "trace import",
        "trace stats",
        "trace synth",
        "calibrate",
        "probe",
    ] {
        let words: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        let output = bedload(&words);
        let help = String::from_utf8(output.stdout).expect("text is UTF-8");
        let flags: BTreeSet<String> = help
            .lines()
            .map(|line| {
                line.trim_start()
                    .trim_start_matches("-q, ")
                    .trim_start_matches("-y, ")
                    .trim_start_matches("-k, ")
            })
            .filter(|line| line.starts_with("--") && *line != "--help")
            .map(|line| line.split([' ', '=']).next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(written.get(verb), Some(&flags), "flags of {verb}");
    }
}

#[test]
fn links_of_the_pages_lead_somewhere() {
    for name in PAGES {
        let text = page(name);
        let here = root().join(Path::new(name).parent().expect("a page lies in a folder"));
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().unwrap_or_default();
            if target.starts_with("http") || target.starts_with('#') {
                continue;
            }
            let file = target.split('#').next().unwrap_or_default();
            assert!(here.join(file).exists(), "{name}: {target} does not exist");
        }
    }
}
