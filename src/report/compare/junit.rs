//! A comparison as `JUnit` XML: one suite for each variant, one case for each gated metric and threshold.

use super::name;
use crate::compare::sentences::effect_text;
use crate::results::compare::{CompareSummary, MetricComparison, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// The document as `JUnit` XML. What regressed or misses its threshold is a failure, what cannot be told an
/// error, so that neither counts as passed.
pub fn junit(document: &CompareSummary) -> String {
    let mut report = Report::new("bedload compare");
    for variant in &document.variants {
        let mut suite = TestSuite::new(variant.name.as_str());
        for one in variant.metrics.iter().filter(|one| one.gated) {
            let status = status(one.verdict, &said(one));
            let mut case = TestCase::new(name(one.workload.as_deref(), &one.metric), status);
            case.set_classname(format!("bedload.{}", variant.name));
            case.set_system_out(said(one));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    if !document.assertions.is_empty() {
        let mut suite = TestSuite::new("thresholds");
        for one in &document.assertions {
            let verdict = match one.holds {
                Some(true) => Verdict::Same,
                Some(false) => Verdict::Regressed,
                None => Verdict::Inconclusive,
            };
            let mut case = TestCase::new(one.text.as_str(), status(Some(verdict), &one.reason));
            case.set_classname(format!("bedload.{}", one.variant));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    let spoilt: Vec<&String> = [&document.baseline, &document.result]
        .into_iter()
        .flatten()
        .flat_map(|side| &side.spoilt)
        .collect();
    if !spoilt.is_empty() {
        let mut suite = TestSuite::new("runs");
        for line in spoilt {
            let status = status(Some(Verdict::Inconclusive), line);
            suite.add_test_case(TestCase::new(line.as_str(), status));
        }
        report.add_test_suite(suite);
    }
    // It fails only where a writer does, and a string never does.
    report.to_string().unwrap_or_default()
}

fn status(verdict: Option<Verdict>, message: &str) -> TestCaseStatus {
    let kind = match verdict {
        Some(Verdict::Regressed) => NonSuccessKind::Failure,
        Some(Verdict::Inconclusive) => NonSuccessKind::Error,
        _ => return TestCaseStatus::success(),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message.to_owned());
    status.set_type(
        verdict
            .map(|verdict| verdict.to_string())
            .unwrap_or_default(),
    );
    status
}

fn said(one: &MetricComparison) -> String {
    match one.effect {
        Some(effect) => format!("{}: {}", effect_text(one.relative, effect), one.reason),
        None => one.reason.clone(),
    }
}
