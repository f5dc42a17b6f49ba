mod formats;

use super::*;
use proptest::prelude::*;

fn names() -> Columns {
    Columns {
        at: "t".to_owned(),
        at_unit: TimeUnit::Seconds,
        input: "in".to_owned(),
        output: "out".to_owned(),
        session: Some("user".to_owned()),
    }
}

fn bedload(rows: &str) -> Result<Trace, TraceError> {
    let text =
        format!("# bedload.trace/1\n# source: a test\nat_us,input_tokens,output_tokens\n{rows}");
    read(TraceFormat::Bedload, None, text.as_bytes())
}

fn check_problem(result: Result<Trace, TraceError>, expected: &str) {
    let error = result.expect_err("the file is bad").to_string();
    assert!(
        error.contains(expected),
        "`{error}` does not say `{expected}`"
    );
}

#[test]
fn each_problem_names_its_line_and_field() {
    let check = |rows: &str, expected: &str| check_problem(bedload(rows), expected);
    check(
        "0,1,1\n5,x,1\n",
        "line 5: `input_tokens`: not a whole number of tokens, found `x`",
    );
    check("0,0,1\n", "line 4: `input_tokens`: zero tokens");
    check("0,1,0\n", "line 4: `output_tokens`: zero tokens");
    check(
        "0,1,-7\n",
        "line 4: `output_tokens`: a negative token count, found `-7`",
    );
    check("-1,1,1\n", "line 4: `at_us`: a negative time, found `-1`");
    check("nan,1,1\n", "line 4: `at_us`: the time is not finite");
    check("inf,1,1\n", "the time is not finite");
    check(
        "9,1,1\n8,1,1\n",
        "line 5: the time is before that of the row above (help: sort the file",
    );
    check("9,1,5000000000\n", "the token count is too large");
    check(
        "9,1\n",
        "line 4: `output_tokens`: the row has only 2 fields",
    );
    check("9,\"1,1\n", "a quote is not closed");
    check("", "the file holds no requests");
    check_problem(bedload("1e40,1,1\n"), "the time is too large");
}

#[test]
fn problems_are_gathered_up_to_twenty() {
    let error = bedload(&"0,0,1\n".repeat(25)).unwrap_err();
    assert_eq!((error.problems.len(), error.more), (20, 5));
    assert!(error.to_string().ends_with("and 5 more"));
}

#[test]
fn wrong_files_are_told_as_such() {
    let read = |format, text: &[u8]| read(format, Some(&names()), text);
    check_problem(
        read(TraceFormat::Bedload, b"a,b\n"),
        "line 1: not a bedload trace",
    );
    check_problem(
        read(TraceFormat::Bedload, b"# bedload.trace/2\n"),
        "a version that is not known",
    );
    check_problem(
        read(TraceFormat::Bedload, b"# bedload.trace/1\nat,in,out\n"),
        "line 2: wrong header",
    );
    check_problem(
        read(TraceFormat::Azure, b"TIMESTAMP,GeneratedTokens\n"),
        "line 1: `ContextTokens`: the column is missing",
    );
    check_problem(
        read(
            TraceFormat::Csv,
            b"t,in,out,user\n0,1,1,a\n\xff\xfe,1,1,b\n",
        ),
        "line 3: the line is not UTF-8",
    );
    check_problem(
        read(
            TraceFormat::Jsonl,
            b"{\"t\":0,\"in\":1,\"out\":1,\"user\":1}\n{\"t\":1,\"in\"",
        ),
        "line 2: the JSON object is cut off",
    );
    check_problem(
        read(TraceFormat::Jsonl, b"{\"t\":0,\"in\":1}\n"),
        "the field is missing",
    );
    check_problem(read(TraceFormat::Mooncake, b"[]\n"), "not a JSON object");
    check_problem(
        read(
            TraceFormat::Mooncake,
            b"{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[-1]}",
        ),
        "line 1: `hash_ids`: not a block number, found `-1`",
    );
    check_problem(
        super::read(TraceFormat::Csv, None, &b""[..]),
        "the columns are not named",
    );
}

#[test]
fn azure_times_keep_their_microseconds() {
    let text = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
        2023-11-16 23:59:59.9799600,4808,10\r\n\
        2023-11-17 00:00:00.0319605,3180,8\r\n";
    let trace = read(TraceFormat::Azure, None, text.as_bytes()).unwrap();
    let rows: Vec<_> = trace
        .rows
        .iter()
        .map(|r| (r.at.0, r.input, r.output, r.session))
        .collect();
    assert_eq!(rows, [(0, 4808, 10, 0), (52_000, 3180, 8, 1)]);
}

#[test]
fn time_stamps_of_all_common_forms() {
    let ns = |text| stamp::timestamp_ns(text);
    assert_eq!(ns("1970-01-02 00:00:01"), Some(86_401_000_000_000));
    assert_eq!(ns("1970-01-01T01:00:00.5+01:00"), Some(500_000_000));
    assert_eq!(ns("1970-01-01T00:00:00.000000001Z"), Some(1));
    assert_eq!(ns("2000-03-01T00:00:00Z"), Some(951_868_800_000_000_000));
    for bad in [
        "",
        "2023",
        "2023-02-29 00:00:00",
        "2023-01-01 24:00:00",
        "2023-01-01 00:00",
        "2023-01-01 00:00:00.",
        "x-01-01 00:00:00",
    ] {
        assert_eq!(ns(bad), None, "{bad}");
    }
}

#[test]
fn csv_and_json_take_named_columns_and_sessions() {
    let csv = "user,out,in,t\n\"a,b\",2,1,0.5\nc,4,3,0.75\n\"a,b\",6,5,1e1\n";
    let csv = read(TraceFormat::Csv, Some(&names()), csv.as_bytes()).unwrap();
    let mut columns = names();
    columns.input = "usage.in".to_owned();
    columns.at_unit = TimeUnit::Millis;
    let json = "{\"t\":500,\"usage\":{\"in\":1},\"out\":2,\"user\":\"x\"}\n\n\
        {\"t\":\"750\",\"usage\":{\"in\":3},\"out\":4,\"user\":7}\n\
        {\"t\":10000,\"usage\":{\"in\":5},\"out\":6,\"user\":\"x\"}\n";
    let json = read(TraceFormat::Jsonl, Some(&columns), json.as_bytes()).unwrap();
    assert_eq!(csv, json);
    let rows: Vec<_> = csv
        .rows
        .iter()
        .map(|r| (r.at.0, r.input, r.output, r.session))
        .collect();
    assert_eq!(
        rows,
        [(0, 1, 2, 0), (250_000, 3, 4, 1), (9_500_000, 5, 6, 0)]
    );
}

#[test]
fn mooncake_rows_of_one_stamp_are_spread() {
    let row = |t: u32| {
        format!(
            "{{\"timestamp\":{t},\"input_length\":9,\"output_length\":1,\"hash_ids\":[{t},7]}}\n"
        )
    };
    let text = [0, 0, 0, 3000, 4000, 4000].map(row).concat();
    let trace = read(TraceFormat::Mooncake, None, text.as_bytes()).unwrap();
    let times: Vec<u64> = trace.rows.iter().map(|r| r.at.0).collect();
    assert_eq!(
        times,
        [0, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_500_000]
    );
    assert_eq!(
        (trace.block_tokens, &trace.blocks[6..8]),
        (512, &[3000, 7][..])
    );
}

#[test]
fn a_written_trace_reads_back_the_same() {
    let row = |at, session, blocks_start, blocks_len| TraceRow {
        at: Micros(at),
        input: 5,
        output: 6,
        session,
        blocks_start,
        blocks_len,
    };
    let trace = Trace {
        rows: vec![row(0, 0, 0, 2), row(9, 1, 2, 0), row(10, 0, 2, 1)],
        blocks: vec![8, 9, 8],
        block_tokens: 512,
    };
    let text = write_compact(&trace, "a\ntest", "CC0");
    assert!(text.starts_with("# bedload.trace/1\n# source: a test\n# licence: CC0\n"));
    assert_eq!(read(TraceFormat::Bedload, None, text.as_bytes()), Ok(trace));
}

fn recording() -> Recording {
    Recording {
        source: "a \"test\"".to_owned(),
        licence: "CC0".to_owned(),
        as_of: "2023-11-16".to_owned(),
        interval: Micros::SECOND,
        counts: (0..150)
            .map(|i| if i % 50 > 20 { 0 } else { i % 3 })
            .collect(),
        input: vec![(0.0, 2.5), (0.123_456, 10.0), (1.0, 99.5)],
        output: vec![(0.0, 0.5), (1.0, 7.0)],
        rank_correlation: -0.02,
    }
}

#[test]
fn a_written_recording_reads_back_the_same() {
    let text = write_recording(&recording(), "two lines\n\nof comment");
    assert!(text.starts_with("# two lines\n#\n# of comment\nschema"));
    assert!(text.contains("0*29"), "{text}");
    assert_eq!(read_recording(&text), Ok(recording()));
}

#[test]
fn bad_recordings_are_told_where() {
    let good = write_recording(&recording(), "");
    let check = |from: &str, to: &str, expected: &str| {
        let error = read_recording(&good.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(expected),
            "`{error}` does not say `{expected}`"
        );
    };
    check(
        "recording/1",
        "recording/9",
        "line 1: `schema`: an unknown schema",
    );
    check(
        "\"1s\"",
        "\"0s\"",
        "line 5: `interval`: not a duration above zero, found `0s`",
    );
    check("-0.02", "2.0", "`rank_correlation`: out of range");
    check(
        "[1.0, 99.5]",
        "[1.0, 9.5]",
        "`input.quantiles`: the quantiles do not ascend",
    );
    check(
        "[0.0, 0.5]",
        "[0.1, 0.5]",
        "`output.quantiles`: the first share is not 0",
    );
    check(
        "0*29",
        "0*99999999999",
        "`counts`: more than ten million intervals",
    );
    check("0*29", "x", "`counts`: not a count, found `x`");
    check("licence", "license", "line 3: unknown field `license`");
}

#[test]
fn figures_of_a_trace() {
    let rows: Vec<TraceRow> = (0..1000u32)
        .map(|i| TraceRow {
            at: Micros(u64::from(i) * 10_000),
            input: i % 100 + 1,
            output: 200 - i % 100,
            session: i,
            ..TraceRow::default()
        })
        .collect();
    let figures = Recording::of_trace(
        &Trace {
            rows,
            ..Trace::default()
        },
        Micros::SECOND,
    );
    assert_eq!(figures.counts, [100; 10]);
    assert!((figures.rank_correlation + 1.0).abs() < 1e-12);
    assert_eq!(ends(&figures.input), ((0.0, 0.5), (1.0, 100.5)));
    assert_eq!(ends(&figures.output), ((0.0, 100.5), (1.0, 200.5)));
}

/// First and last point of a table, all of whose points lie on the line between them.
fn ends(points: &[(f64, f64)]) -> ((f64, f64), (f64, f64)) {
    let (first, last) = (points[0], points[points.len() - 1]);
    assert!(
        points
            .iter()
            .all(|p| (p.1 - first.1 - p.0 * (last.1 - first.1)).abs() < 1e-9)
    );
    (first, last)
}

#[test]
fn rank_correlation_with_ties() {
    assert!((spearman(&[1, 2, 3], &[10, 20, 30]) - 1.0).abs() < 1e-12);
    assert!((spearman(&[1, 1, 2, 2], &[1, 2, 1, 2])).abs() < 1e-12);
    assert!(spearman(&[1, 1], &[1, 2]).abs() < 1e-12);
    assert!(spearman(&[], &[]).abs() < 1e-12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_in_all_formats(&bytes);
    }

    #[test]
    fn no_likely_text_panics(text in "[0-9a-zA-Z\"{}\\[\\]:,.#\\-+*/ \n=_]{0,200}") {
        read_in_all_formats(text.as_bytes());
        for head in [
            "# bedload.trace/1\nat_us,input_tokens,output_tokens,session\n",
            "TIMESTAMP,ContextTokens,GeneratedTokens\n",
            "t,in,out,user\n",
        ] {
            read_in_all_formats(format!("{head}{text}").as_bytes());
        }
    }

    #[test]
    fn no_damaged_recording_panics(at in 0usize..900, text in "[0-9a-z\"\\[\\],.* \n-]{0,6}") {
        let mut damaged = write_recording(&recording(), "");
        let at = at.min(damaged.len());
        damaged.insert_str(at, &text);
        let _ = read_recording(&damaged);
    }

    #[test]
    fn no_time_stamp_panics(text in "[0-9T:. Z+\\-é]{0,40}") {
        let _ = stamp::timestamp_ns(&text);
    }
}

fn read_in_all_formats(bytes: &[u8]) {
    for (_, format) in TraceFormat::NAMES {
        let _ = read(format, Some(&names()), bytes);
        let _ = read_records(format, Some(&names()), bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = read_recording(text);
    }
}

#[test]
fn attempts_of_an_earlier_run_are_its_requests_without_retries() {
    let line = |variant: &str, attempt: u32, at: u64, input: u32| {
        format!(
            "{{\"variant\":\"{variant}\",\"attempt\":{attempt},\"scheduled_us\":{at},\
             \"request_input_tokens\":{input},\"request_output_tokens\":7}}\n"
        )
    };
    let text = [
        line("a", 1, 5, 100),
        line("a", 2, 5, 100),
        line("a", 1, 9, 200),
        line("b", 1, 5, 100),
    ];
    let trace = read(TraceFormat::Attempts, None, text.concat().as_bytes()).unwrap();
    let rows: Vec<_> = trace
        .rows
        .iter()
        .map(|row| (row.at.0, row.input, row.output))
        .collect();
    assert_eq!(rows, [(0, 100, 7), (4, 200, 7)]);
}

#[test]
fn attempts_are_records_with_their_ends_and_latencies() {
    let line = |variant: &str, request: u32, attempt: u32, sent: u64, end: &str, output: u32| {
        let first = if output > 0 { "9000" } else { "null" };
        let input = if output > 0 { 40 } else { 0 };
        format!(
            "{{\"variant\":\"{variant}\",\"workload\":\"w\",\"request\":{request},\"attempt\":{attempt},\
             \"request_input_tokens\":100,\"request_output_tokens\":7,\"scheduled_us\":5,\"sent_us\":{sent},\
             \"first_token_us\":{first},\"done_us\":10000,\"end\":\"{end}\",\"input_tokens\":{input},\
             \"cache_read_tokens\":{input},\"cache_write_tokens\":0,\"output_tokens\":{output}}}\n"
        )
    };
    let text = [
        line("a", 0, 1, 5, "throttled", 0),
        line("a", 0, 2, 1000, "answered", 7),
        line("a", 1, 1, 2000, "circuit_open", 0),
        line("b", 0, 1, 5, "answered", 7),
        "{\"variant\":\"a\"".to_owned(),
    ]
    .concat();
    let recorded = read_records(TraceFormat::Attempts, None, text.as_bytes()).unwrap();
    assert_eq!(recorded.calls.len(), 2);
    let (refused, answered) = (recorded.calls[0], recorded.calls[1]);
    assert_eq!(refused.end, CallEnd::Throttled);
    assert_eq!((refused.input_total(), refused.output), (100, 0));
    assert_eq!(answered.attempt, 2);
    assert_eq!(answered.at, Micros(995));
    assert_eq!(answered.ttft, Some(Micros(8000)));
    assert_eq!(answered.latency, Some(Micros(9000)));
    assert_eq!(answered.session, refused.session);
    assert_eq!((answered.input, answered.cache_read), (40, 40));
    assert_eq!(recorded.clients, ["w"]);
    let skipped: Vec<(&str, u64)> = recorded.skipped.iter().map(|(k, n)| (&**k, *n)).collect();
    assert_eq!(
        skipped,
        [
            ("never sent", 1),
            ("of another variant", 1),
            ("the JSON object is cut off", 1)
        ]
    );
    let trace = recorded.to_trace();
    assert_eq!((trace.rows.len(), trace.rows[0].output), (1, 7));
    let options = ReadOptions {
        variant: Some("b".to_owned()),
        ..ReadOptions::default()
    };
    let reading = read_all(TraceFormat::Attempts, &options, text.as_bytes()).unwrap();
    assert_eq!(reading.recorded.calls.len(), 1);
}

#[test]
fn formats_are_told_by_sight() {
    let check = |name: &str, text: &str, format: Option<TraceFormat>| {
        assert_eq!(
            TraceFormat::detect(name, text.as_bytes()),
            format,
            "{name}: {text}"
        );
    };
    check("x", "# bedload.trace/1\n", Some(TraceFormat::Bedload));
    check(
        "x.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n",
        Some(TraceFormat::Azure),
    );
    check(
        "x",
        "{\"timestamp\":0,\"hash_ids\":[]}",
        Some(TraceFormat::Mooncake),
    );
    check(
        "x.json",
        "{\"schemaType\":\"ModelInvocationLog\"",
        Some(TraceFormat::BedrockLog),
    );
    check(
        "attempts.jsonl",
        "{\"scheduled_us\":1",
        Some(TraceFormat::Attempts),
    );
    check("x.csv", "a,b\n", Some(TraceFormat::Csv));
    check("x.jsonl.gz", "{\"a\":1}", Some(TraceFormat::Jsonl));
    check("x", "", None);
    for (name, format) in TraceFormat::NAMES {
        assert_eq!(
            (format.name(), TraceFormat::named(name)),
            (name, Some(format))
        );
    }
}

#[test]
fn packed_files_read_as_plain_ones() {
    use std::io::Write;
    let text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.9799600,4808,10\n";
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    let packed = gz.finish().unwrap();
    assert_eq!(
        read(TraceFormat::Azure, None, packed.as_slice()),
        read(TraceFormat::Azure, None, text.as_bytes())
    );
    assert_eq!(TraceFormat::detect("x", &packed), Some(TraceFormat::Azure));
    let cut = &packed[..packed.len() - 9];
    let reading = read_all(TraceFormat::Azure, &ReadOptions::default(), cut);
    assert!(reading.is_err() || reading.is_ok_and(|r| !r.recorded.skipped.is_empty()));
}

/// Records whose numbers stand in the order in which they appear.
fn any_recorded() -> impl Strategy<Value = Recorded> {
    let call = (
        (0u64..5_000_000, 0u16..3, 0u32..3, 0u16..2, 0u32..4),
        (0u32..9, 0u32..9, 0u32..9, 0u32..9),
        prop::option::of(0u32..99),
        prop::option::of(0u64..99),
        prop::option::of(0u64..99),
        (0usize..7, prop::option::of(any::<bool>()), 1u16..3),
        prop::collection::vec(0u32..9, 0..3),
    );
    prop::collection::vec(call, 1..20).prop_map(|calls| {
        let mut recorded = Recorded {
            origin_unix_us: Some(1_700_000_000_000_000),
            models: vec!["a".to_owned(), "b, \"c\"".to_owned(), "d".to_owned()],
            clients: vec!["x".to_owned(), "y".to_owned(), String::new()],
            places: vec![
                Place::default(),
                Place {
                    region: "eu-west-1".to_owned(),
                    scope: "eu".to_owned(),
                    tier: String::new(),
                },
            ],
            block_tokens: 64,
            ..Recorded::default()
        };
        for (
            a,
            (input, read, write, output),
            max,
            ttft,
            latency,
            (end, streamed, attempt),
            blocks,
        ) in calls
        {
            let (at, model, client, place, session) = a;
            recorded.calls.push(Record {
                at: Micros(at),
                model,
                client,
                place,
                session,
                input,
                cache_read: read,
                cache_write: write,
                output,
                planned_output: max,
                max_tokens: max,
                ttft: ttft.map(Micros),
                latency: latency.map(Micros),
                end: CallEnd::ALL[end],
                streamed,
                attempt,
                blocks_start: recorded.blocks.len() as u32,
                blocks_len: blocks.len() as u32,
            });
            recorded.blocks.extend(blocks);
        }
        // What is read back is in order of time, the first call at zero.
        recorded.calls.sort_by_key(|call| call.at);
        let first = recorded.calls[0].at.0;
        for call in &mut recorded.calls {
            call.at.0 -= first;
        }
        recorded
    })
}

/// A record with the names behind its numbers, as two readings of a file can be compared.
fn told(recorded: &Recorded) -> Vec<String> {
    let mut sessions = Vec::new();
    let mut lines = Vec::new();
    for call in &recorded.calls {
        let session = sessions.iter().position(|known| *known == call.session);
        let session = session.unwrap_or_else(|| {
            sessions.push(call.session);
            sessions.len() - 1
        });
        let plain = Record {
            model: 0,
            client: 0,
            place: 0,
            session: 0,
            blocks_start: 0,
            ..*call
        };
        lines.push(format!(
            "{plain:?} {} {} {:?} {session} {:?}",
            recorded.models[usize::from(call.model)],
            recorded.clients[call.client as usize],
            recorded.places[usize::from(call.place)],
            recorded.blocks_of(call),
        ));
    }
    lines
}

proptest! {
    #[test]
    fn all_that_is_known_survives_the_compact_format(recorded in any_recorded()) {
        let text = write_records(&recorded, "a test", "none");
        let reading = read_all(TraceFormat::Bedload, &ReadOptions::default(), text.as_bytes()).unwrap();
        prop_assert_eq!(reading.problems, TraceError::default());
        prop_assert_eq!(told(&reading.recorded), told(&recorded));
        prop_assert_eq!(reading.recorded.origin_unix_us, recorded.origin_unix_us);
        // Who replays it gets what replays of the records themselves get.
        let trace = read(TraceFormat::Bedload, None, text.as_bytes());
        prop_assert_eq!(trace.map_or(0, |t| t.rows.len()), recorded.to_trace().rows.len());
    }
}
