//! Bills against published figures, and against what simulated runs cost.

use super::*;
use crate::config::Source;
use crate::cost::TokenClass;
use crate::profile::Catalogue;
use crate::scenario::{Files, read};
use crate::sim::{VariantMeasures, assemble, run_all};

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path} in this test"))
    }
}

/// The first variant of a scenario, ready to run.
pub(super) fn assembled(text: &str) -> (Variant, Assembled) {
    let catalogue = Catalogue::builtin();
    let loaded = match read(&Source::new("s.toml", text), &[], &NoFiles) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    };
    let book = catalogue.prices("2026-11-22").unwrap();
    let mut variants = match assemble(&loaded, &catalogue, book) {
        Ok(variants) => variants,
        Err(error) => panic!("{error}"),
    };
    (loaded.scenario.variants[0].clone(), variants.remove(0))
}

fn bill(text: &str) -> Bill {
    let (variant, assembled) = assembled(text);
    month(&variant, &assembled, 1)
}

fn usd(dollars: f64) -> Usd {
    Usd::from_dollars(dollars)
}

const HEAD: &str = "name = \"t\"\nduration = \"10m\"\ncapacity.on_demand = { scope = \"global\" }\nquota.tpm = \"900M\"\n";

/// A workload of fixed sizes: name, model, input, output, and further keys.
fn workload(name: &str, model: &str, input: u32, output: u32, more: &str) -> String {
    format!(
        "[[workload]]\nname = \"{name}\"\nmodel = \"{model}\"\nmax_tokens = 4096\n\
         arrival.constant = {{ rate = \"1/s\" }}\ntokens.input = {{ fixed = {input} }}\n\
         tokens.output = {{ fixed = {output} }}\n{more}\n"
    )
}

/// The support bot of the case studies with its volumes.
fn support_bot(chat_model: &str, chats: &str, summary_model: &str, summaries: &str) -> String {
    HEAD.to_owned()
        + &workload(
            "chat",
            chat_model,
            600,
            300,
            &format!("tags = {{ feature = \"chat\", customer = \"acme\" }}\n{chats}"),
        )
        + &workload(
            "summary",
            summary_model,
            1_500,
            250,
            &format!("tags = {{ feature = \"summary\" }}\n{summaries}"),
        )
}

const VOLUMES: &str =
    "[plan.workload.chat]\nvolume = 630000\n[plan.workload.summary]\nvolume = 330000\n";
const UNCACHED: &str = "cache = { prefix_tokens = 6000, marked = false }";
const CACHED: &str = "cache = { prefix_tokens = 6000 }";

#[test]
fn a_month_of_the_support_bot_is_what_the_case_study_says() {
    let text = support_bot("claude-opus-5", UNCACHED, "claude-opus-5", "") + VOLUMES;
    let bill = bill(&text);
    let workloads = bill.by_workload();
    let want = [("chat", 25_515.0), ("summary", 4_537.5)];
    assert_eq!(
        workloads,
        want.map(|(name, all)| (name.to_owned(), usd(all)))
    );
    assert_eq!(bill.total(), usd(30_052.5));
    assert!(bill.is_complete(), "{:?}", bill.unpriced);
    let features = bill.by_tag("feature");
    assert_eq!(features[0], (Some("chat".to_owned()), usd(25_515.0)));
    let customers = bill.by_tag("customer");
    assert_eq!(customers[1], (None, usd(4_537.5)));
    assert_eq!(
        bill.units_of(|line| line.class.unit() == "tokens"),
        630_000 * 6_900 + 330_000 * 1_750
    );
}

#[test]
fn the_same_volumes_on_other_models() {
    for (model, total) in [
        ("claude-sonnet-4-6", 18_031.5),
        ("claude-opus-4-1", 90_157.5),
        ("claude-opus-5-5", 24_042.0),
    ] {
        let text = support_bot(model, UNCACHED, model, "") + VOLUMES;
        // Claude Opus 4.1 has no global profile, and its geographic one costs the same.
        let text = if model == "claude-opus-4-1" {
            text.replace("\"global\"", "\"us\"")
        } else {
            text
        };
        assert_eq!(bill(&text).total(), usd(total), "{model}");
    }
}

/// 60 % of the chats and all summaries on Haiku, with a classifier of 300 + 5 tokens in front of the chats.
fn routed(cache: &str, summaries: &str) -> String {
    let chats = format!(
        "{cache}\n[workload.classifier]\nmodel = \"claude-haiku-4-5\"\nhard_share = 0.4\naccuracy = 1.0\n\
         input_tokens = 300\noutput_tokens = 5\neasy = {{ model = \"claude-haiku-4-5\" }}"
    );
    support_bot("claude-sonnet-4-6", &chats, "claude-haiku-4-5", summaries) + VOLUMES
}

#[test]
fn routing_caching_and_batch_give_the_steps_of_the_case_study() {
    let near = |got: Usd, want: f64| {
        assert!((got.dollars() - want).abs() < 0.050_1, "{got} for {want}");
    };
    let step = bill(&routed(UNCACHED, ""));
    near(step.total(), 10_297.6);
    let classifier = step.total_of(|line| line.lane == BillLane::Classifier);
    assert_eq!(classifier, Usd(usd(0.000_325).0 * 630_000));
    let hits = "hit_ratio = 0.97\n[plan.workload.summary]";
    let cached = routed(CACHED, "").replace("[plan.workload.summary]", hits);
    near(bill(&cached).total(), 4_408.8);
    let batch =
        routed(CACHED, "batch = { every = \"1h\" }").replace("[plan.workload.summary]", hits);
    let last = bill(&batch);
    near(last.total(), 3_955.0);
    let workloads = last.by_workload();
    near(workloads[0].1, 3_501.3);
    near(workloads[1].1, 453.8);
    let of_chats = |line: &BillLine| line.workload == "chat";
    let reads = last
        .units_of(|line| of_chats(line) && line.class == BillClass::Tokens(TokenClass::CacheRead));
    assert_eq!(reads, 630_000 * 6_000 * 97 / 100);
    let writes = last.units_of(|line| {
        of_chats(line) && line.class == BillClass::Tokens(TokenClass::CacheWrite5m)
    });
    assert_eq!(writes, 630_000 * 6_000 * 3 / 100);
    assert!(last.lines.iter().any(|line| line.tier == PriceTier::Batch));
}

#[test]
fn other_case_studies_without_levers() {
    let documents = |model: &str, batch: &str| {
        let text = HEAD.to_owned() + &workload("doc", model, 4_500, 300, batch);
        bill(&(text + "[plan.workload.doc]\nvolume = 1000000\n")).total()
    };
    assert_eq!(documents("claude-opus-5", ""), usd(30_000.0));
    assert_eq!(documents("claude-sonnet-4-6", ""), usd(18_000.0));
    assert_eq!(documents("claude-haiku-4-5", ""), usd(6_000.0));
    assert_eq!(documents("claude-opus-5-5", ""), usd(24_000.0));
    let batch = "batch = { every = \"1h\" }";
    assert_eq!(documents("claude-sonnet-4-6", batch), usd(9_000.0));
    assert_eq!(documents("claude-haiku-4-5", batch), usd(3_000.0));
    // Twice the $300 that batch would cost, which is not sold for it.
    assert_eq!(documents("claude-haiku-5-5", ""), usd(600.0));
    let everywhere = HEAD.to_owned() + &workload("chat", "claude-opus-5", 2_000, 150, "");
    let everywhere = everywhere + "[plan.workload.chat]\nvolume = 1000000\n";
    assert_eq!(bill(&everywhere).total(), usd(13_750.0));
}

/// Guardrail of $.40 for 1,000 units over a prompt of 26,400 characters of which the user says 2,400.
fn guarded(guard: &str) -> String {
    format!(
        "{HEAD}[[guardrail]]\nname = \"g\"\npolicies = [\"content\", \"topics\", \"sensitive\", \"words\"]\n\
         chars_per_token = 4.0\nguard = \"{guard}\"\n"
    ) + &workload(
        "chat",
        "claude-sonnet-4-6",
        600,
        300,
        "guardrail = \"g\"\ncache = { prefix_tokens = 6000, marked = false }",
    )
}

#[test]
fn guardrails_cost_their_text_units_by_policy() {
    let of = |guard: &str| {
        let text = guarded(guard) + "[plan.workload.chat]\nvolume = 1000\n";
        let bill = bill(&text);
        let is_guard = |line: &BillLine| matches!(line.class, BillClass::Guardrail(_));
        let units: Vec<_> = bill.lines.iter().filter(|line| is_guard(line)).collect();
        assert_eq!(units.len(), 4, "one line for each policy, free ones too");
        (units[0].units, bill.total_of(is_guard))
    };
    assert_eq!(of("all"), (29_000, usd(11.6)));
    assert_eq!(of("user"), (5_000, usd(2.0)));
}

#[test]
fn a_router_has_its_fee_by_the_thousand() {
    let more =
        "router_fee = \"$1\"\n[[workload.route]]\nmodel = \"claude-haiku-4-5\"\nshare = 0.25";
    let text = HEAD.to_owned() + &workload("chat", "claude-sonnet-4-6", 1_000, 100, more);
    let text = text + "[plan.workload.chat]\nvolume = 100000\n";
    let bill = bill(&text);
    let fee = bill.total_of(|line| line.class == BillClass::RouterFee);
    assert_eq!(fee, usd(100.0));
    // $.0045 on Sonnet, $.0015 on Haiku.
    assert_eq!(bill.total(), usd(100.0 + 75.0 * 4.5 + 25.0 * 1.5));
    let models = bill.by_model();
    assert_eq!(models[1], ("claude-haiku-4-5".to_owned(), usd(37.5)));
}

#[test]
fn long_prompts_have_a_premium_of_their_own() {
    let text = HEAD.to_owned() + &workload("doc", "claude-haiku-5-5", 120_000, 100, "");
    let bill = bill(&(text + "[plan.workload.doc]\nvolume = 10\n"));
    // $.10 and $.50 per million up to 100K tokens of prompt, five times that beyond.
    let classes = bill.by_class();
    assert_eq!(
        classes,
        [
            ("input", usd(0.12)),
            ("output", usd(0.0005)),
            ("long_context", usd(0.482)),
        ]
    );
}

#[test]
fn bought_capacity_is_on_the_bill_by_the_hour() {
    let text = HEAD.replace(
        "capacity.on_demand = { scope = \"global\" }",
        "capacity.reserved = { scope = \"global\", input_tpm = \"300k\", output_tpm = \"30k\", term = \"1-month\", \
         overflow = \"refuse\" }",
    ) + &workload("chat", "claude-sonnet-4-6", 1_000, 100, "");
    let bill = bill(&text);
    assert_eq!(bill.by_class(), [("capacity", usd(59_130.0))]);
    assert_eq!(bill.lines[0].units, 730);
}

#[test]
fn a_rate_gives_the_requests_of_730_hours() {
    let text = HEAD.to_owned() + &workload("chat", "claude-sonnet-4-6", 1_000, 100, "");
    let bill = bill(&text);
    let requests = bill.units_of(|line| line.class == BillClass::Tokens(TokenClass::Output)) / 100;
    let want = 730 * 3600;
    assert!(requests.abs_diff(want) <= want / 500, "{requests}");
    assert!(
        bill.assumptions
            .iter()
            .any(|text| text.contains("mean rate"))
    );
}

/// What a run costs, and the bill of as many requests with the hit ratio of the run.
fn both(text: &str) -> (Usd, Bill) {
    let (mut variant, assembled) = assembled(text);
    let measures = run_all(std::slice::from_ref(&assembled.setup), 1, 1, &|| {});
    let measures: &VariantMeasures = &measures[0];
    let total: Usd = measures
        .total
        .workloads
        .iter()
        .map(|one| one.ledger.total())
        .sum();
    for (workload, tally) in variant.workloads.iter().zip(&measures.total.workloads) {
        assert_eq!(tally.requests.completed, tally.requests.offered);
        let cached = tally.tokens.cache_read + tally.tokens.cache_write;
        let hits = tally.tokens.cache_read as f64 / cached.max(1) as f64;
        let plan = crate::scenario::WorkloadPlan {
            volume: Some(tally.requests.completed as f64),
            hit_ratio: crate::units::Ratio::new(hits),
            ..crate::scenario::WorkloadPlan::default()
        };
        variant.plan.workloads.push((workload.name.clone(), plan));
    }
    (total, month(&variant, &assembled, 1))
}

#[test]
fn a_simulated_run_costs_what_the_closed_form_says() {
    let plain =
        |more: &str| HEAD.to_owned() + &workload("w", "claude-sonnet-4-6", 1_000, 100, more);
    let route = "[[workload.route]]\nmodel = \"claude-haiku-4-5\"\nshare = 1.0";
    let classifier = "[workload.classifier]\nmodel = \"claude-haiku-4-5\"\nhard_share = 0.0\naccuracy = 1.0\n\
                      input_tokens = 300\noutput_tokens = 5\neasy = { model = \"claude-haiku-4-5\" }";
    let hour = "cache = { prefix_tokens = 6000, prefixes = 40, ttl = \"1h\" }";
    let scenarios = [
        ("plain", plain("")),
        ("geo", plain("").replace("\"global\"", "\"us\"")),
        ("batch", plain("batch = { every = \"2m\" }")),
        ("guardrail", guarded("user")),
        ("route", plain(route)),
        ("fee", plain(&format!("router_fee = \"$0.7\"\n{route}"))),
        ("classifier", plain(classifier)),
        (
            "cache",
            plain("cache = { prefix_tokens = 6000, prefixes = 40 }"),
        ),
        ("cache of an hour", plain(hour)),
        (
            "long context",
            HEAD.to_owned() + &workload("w", "claude-haiku-5-5", 150_000, 100, ""),
        ),
        (
            "mixed lives",
            plain(
                "[workload.cache]\nhistory = false\n[[workload.cache.point]]\npart = \"system\"\ntokens = 4000\n\
                 ttl = \"1h\"\n[[workload.cache.point]]\npart = \"messages\"\ntokens = 2000\nttl = \"5m\"",
            ),
        ),
        (
            "two workloads",
            plain("") + &workload("v", "claude-opus-5", 777, 55, hour),
        ),
    ];
    for (name, text) in scenarios {
        let (run, bill) = both(&text);
        assert_eq!(bill.total(), run, "{name}");
        assert!(run > Usd::ZERO, "{name}");
    }
}

/// A book of one's own, of another day, in which Sonnet 4.6 costs twice as much.
fn with_older_book() -> Catalogue {
    let book = "base = \"2026-11-22\"\nas_of = \"2026-05-01\"\n\
                [model.claude-sonnet-4-6.usd_per_million_tokens]\n\
                global = { input = 6.00, output = 30.00, cache_write_5m = 7.50, cache_read = 0.60 }\n";
    let source = Source::new("profiles/prices/2026-05-01.toml", book);
    match Catalogue::load([(crate::profile::ProfileKind::Prices, source)]) {
        Ok(catalogue) => catalogue,
        Err(errors) => panic!("{}", errors[0]),
    }
}

const BOOKS: &str = "[plan.workload.w]\nvolume = 1000000\n[[variant]]\nname = \"now\"\n\
                     [[variant]]\nname = \"then\"\nprice_book = \"2026-05-01\"\n";

#[test]
fn price_books_are_variants() {
    let text = HEAD.to_owned() + &workload("w", "claude-sonnet-4-6", 1_000, 100, "") + BOOKS;
    let catalogue = with_older_book();
    let Ok(loaded) = read(&Source::new("s.toml", text.as_str()), &[], &NoFiles) else {
        panic!("the scenario reads");
    };
    let Ok(variants) = assemble(&loaded, &catalogue, catalogue.latest_prices().unwrap()) else {
        panic!("both books are known");
    };
    let parts = loaded.scenario.variants.iter().zip(&variants);
    let totals: Vec<Usd> = parts
        .map(|(variant, assembled)| month(variant, assembled, 1).total())
        .collect();
    assert_eq!(totals, [usd(4_500.0), usd(9_000.0)]);
    let names: Vec<&str> = variants
        .iter()
        .map(|one| one.context.price_book.0.as_str())
        .collect();
    assert_eq!(names, ["2026-11-22", "2026-05-01"]);
}

#[test]
fn an_unknown_price_book_is_refused_with_those_that_are_known() {
    let text = HEAD.to_owned() + &workload("w", "claude-sonnet-4-6", 1_000, 100, "");
    let text = text + &BOOKS.replace("2026-05-01", "2026-11-21");
    let catalogue = with_older_book();
    let Ok(loaded) = read(&Source::new("s.toml", text.as_str()), &[], &NoFiles) else {
        panic!("the scenario reads");
    };
    let book = catalogue.latest_prices().unwrap();
    let Err(error) = assemble(&loaded, &catalogue, book) else {
        panic!("there is no such book");
    };
    let error = error.to_string();
    assert!(
        error.contains("no price book is named `2026-11-21`"),
        "{error}"
    );
    assert!(error.contains("`2026-05-01`, `2026-11-22`"), "{error}");
    assert!(error.contains("s.toml:"), "{error}");
}

#[test]
fn a_bill_names_the_age_of_its_prices() {
    let text = guarded("user") + "[plan.workload.chat]\nvolume = 1000\n";
    let (variant, assembled) = assembled(&text);
    let catalogue = Catalogue::builtin();
    let bill = month(&variant, &assembled, 1).summary();
    let of_book = bill.clone().dated(&assembled.context, &catalogue, None);
    let ages: Vec<i64> = of_book
        .figures
        .iter()
        .filter_map(|one| one.age_days)
        .collect();
    assert_eq!(ages.len(), of_book.figures.len());
    // The Reserved tier's prices are two months older than the book.
    assert_eq!(
        (ages.iter().min(), ages.iter().max()),
        (Some(&0), Some(&61))
    );
    assert!(
        of_book
            .figures
            .iter()
            .any(|one| one.model.is_empty() && one.what == "content")
    );
    let later = bill.dated(&assembled.context, &catalogue, Some("2026-12-02T10:00:00Z"));
    assert_eq!(
        later.figures[0]
            .age_days
            .map(|days| days - of_book.figures[0].age_days.unwrap()),
        Some(10)
    );
}
