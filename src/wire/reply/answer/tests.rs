use super::*;
use crate::wire::reply::tests::{call, draws, tools};
use proptest::prelude::*;

fn plan(call: &ModelCall, wanted: u32, key: u64) -> AnswerPlan {
    AnswerPlan::new(call, wanted, draws(), key, &AnswerSettings::default())
}

#[test]
fn text_has_the_bytes_of_its_tokens() {
    let answer = plan(&call(Dialect::Converse), 25, 1).cut(25, false);
    assert_eq!(answer.stop_reason(), StopReason::EndTurn);
    assert_eq!(answer.output_tokens(), 25);
    let text = answer.text();
    assert_eq!(text.len(), 100);
    assert!(
        text.ends_with('.') && text.starts_with(char::is_uppercase),
        "{text}"
    );
    // The first draws never change: published answers stay what they are.
    insta::assert_snapshot!(text, @r#"Not could time all a many or her to or by. Their into do will what was what when an has two. See by."#);
}

#[test]
fn a_bound_cuts_the_text() {
    let whole = plan(&call(Dialect::Converse), 50, 2).cut(50, false).text();
    let answer = plan(&call(Dialect::Converse), 50, 2).cut(20, true);
    assert_eq!(answer.stop_reason(), StopReason::MaxTokens);
    assert_eq!(answer.output_tokens(), 20);
    assert_eq!(answer.text(), whole[..80]);
}

#[test]
fn a_stop_sequence_in_the_text_ends_it() {
    let mut asked = call(Dialect::Converse);
    let whole = plan(&asked, 100, 3).cut(100, false).text();
    let sequence = &whole[200..212];
    let at = whole.find(sequence).unwrap();
    asked.stop_sequences = vec!["\n\nHuman:".to_owned(), sequence.to_owned()];
    let planned = plan(&asked, 100, 3);
    assert_eq!(planned.output_tokens() as usize, (at + 12).div_ceil(4));
    let answer = planned.cut(1_000, false);
    assert_eq!(answer.stop_reason(), StopReason::StopSequence);
    assert_eq!(answer.stop_sequence(), Some(sequence));
    assert_eq!(answer.text(), whole[..at]);
}

#[test]
fn a_share_of_answers_ends_at_a_stop_sequence_that_does_not_show() {
    let mut asked = call(Dialect::Converse);
    asked.stop_sequences = vec!["END OF ANSWER".to_owned()];
    let settings = AnswerSettings {
        stop_sequence: Ratio::new(0.25).unwrap(),
        ..AnswerSettings::default()
    };
    let stopped = (0..2_000)
        .map(|key| AnswerPlan::new(&asked, 10, draws(), key, &settings).cut(10, false))
        .filter(|answer| answer.stop_reason() == StopReason::StopSequence)
        .inspect(|answer| assert!(!answer.text().contains("END OF ANSWER")))
        .count();
    // Binomial(2000, 0.25): 500 give or take four times 19.4.
    assert!((423..=577).contains(&stopped), "{stopped}");
}

#[test]
fn tools_are_used_as_the_choice_says() {
    let mut asked = tools(Dialect::Converse);
    let planned = plan(&asked, 5, 1);
    let arguments = planned.0.tool().unwrap().arguments.clone();
    assert_eq!(
        planned.output_tokens() as usize,
        arguments.len().div_ceil(4).max(5)
    );
    let answer = planned.cut(1_000, false);
    assert_eq!(answer.stop_reason(), StopReason::ToolUse);
    assert_eq!(answer.tool_use(), Some(("get_weather", arguments.as_str())));

    let with = |choice, brings_results| {
        let mut asked = asked.clone();
        let tools = asked.tools.as_mut().unwrap();
        tools.choice = choice;
        tools.brings_results = brings_results;
        plan(&asked, 5, 1).0.tool().is_some()
    };
    assert!(!with(ToolChoice::None, false));
    assert!(!with(ToolChoice::Auto, true));
    assert!(with(ToolChoice::Any, true));
    assert!(with(ToolChoice::Named("get_weather".to_owned()), true));
    asked.tools = None;
    assert!(plan(&asked, 5, 1).0.tool().is_none());
}

#[test]
fn ids_look_like_recorded_ones() {
    let of = |dialect| plan(&tools(dialect), 5, 1).0.tool().unwrap().id.clone();
    assert_eq!(
        of(Dialect::Converse).len(),
        "tooluse_YFo0dGJWt2BxnVmdQ8qPQt".len()
    );
    assert!(of(Dialect::Converse).starts_with("tooluse_"));
    assert!(of(Dialect::Anthropic).starts_with("toolu_bdrk_01"));
}

#[test]
fn a_bound_within_arguments_cuts_them() {
    let planned = plan(&tools(Dialect::Converse), 40, 1);
    let total = planned.output_tokens();
    let answer = planned.clone().cut(total - 1, true);
    assert_eq!(answer.stop_reason(), StopReason::MaxTokens);
    assert!(!answer.tool().unwrap().whole);
    let early = planned.cut(3, true);
    assert!(early.tool().is_none());
    assert_eq!(early.text().len(), 12);
}

#[test]
fn strange_settings_do_no_harm() {
    for bytes_per_token in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300] {
        let settings = AnswerSettings {
            bytes_per_token,
            ..AnswerSettings::default()
        };
        let planned = AnswerPlan::new(&tools(Dialect::Nova), 9, draws(), 1, &settings);
        assert!(planned.cut(9, false).text().len() < 10_000);
    }
}

proptest! {
    #[test]
    fn pieces_join_to_the_whole(
        wanted in 0u32..400,
        cut in 0u32..500,
        truncated: bool,
        step in 1u32..40,
        key: u64,
        uses_tool: bool,
        bytes_per_token in 0.3f64..9.0,
    ) {
        let asked = if uses_tool { tools(Dialect::Converse) } else { call(Dialect::Converse) };
        let settings = AnswerSettings { bytes_per_token, ..AnswerSettings::default() };
        let planned = AnswerPlan::new(&asked, wanted, draws(), key, &settings);
        prop_assert!(planned.output_tokens() >= wanted);
        let answer = planned.cut(cut, truncated);
        prop_assert!(!truncated || answer.output_tokens() <= cut);
        let (mut written, mut text, mut arguments) = (Written::default(), Vec::new(), String::new());
        for upto in (0..answer.output_tokens()).step_by(step as usize).chain([u32::MAX]) {
            answer.write_json_text(&mut written, upto, &mut text);
            arguments.push_str(answer.next_arguments(&mut written, upto));
        }
        prop_assert_eq!(String::from_utf8(text).unwrap(), answer.text());
        prop_assert_eq!(arguments, answer.tool_use().map_or("", |tool| tool.1));
        // Length and tokens agree within one token and one byte.
        let bytes = answer.text().len() + answer.tool_use().map_or(0, |tool| tool.1.len());
        let tokens = f64::from(answer.output_tokens());
        prop_assert!((bytes as f64 - tokens * bytes_per_token).abs() <= bytes_per_token + 2.0);
    }
}
