//! The formats that are only read in full.

use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::super::*;

fn records(format: TraceFormat, options: &ReadOptions, bytes: &[u8]) -> Reading {
    read_all(format, options, bytes).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn burstgpt_tells_failures_by_missing_answers() {
    let text = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
        5,ChatGPT,472,18,490,Conversation log\n45.5,GPT-4,1087,0,1087,API log\n46,GPT-4,x,2,3,API log\n";
    let options = ReadOptions::default();
    let reading = records(TraceFormat::BurstGpt, &options, text.as_bytes());
    let calls = &reading.recorded.calls;
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[1].at.0, calls[1].end), (40_500_000, CallEnd::Failed));
    assert_eq!(reading.recorded.models, ["ChatGPT", "GPT-4"]);
    assert_eq!(reading.recorded.clients, ["Conversation log", "API log"]);
    assert_eq!(reading.problems.problems[0].line, Some(4));
    assert_eq!(
        TraceFormat::detect("x", text.as_bytes()),
        Some(TraceFormat::BurstGpt)
    );
    let trace = read(TraceFormat::BurstGpt, None, text.as_bytes()).unwrap();
    assert_eq!(trace.rows.len(), 1);
}

#[test]
fn agents_share_the_blocks_of_their_last_prompt() {
    let text = "trace,group,agent,agent_kind,t_s,type,model,input_tokens,output_tokens,reused_prefix_tokens,stop,\
        api_time_s,ttft_s,think_time_s,in_types,out_types,dup\n\
        t1,g,a0,,0.0,n,m,2000,169,0,tool_use,7.34,,0.0,text,text,0\n\
        t1,g,a0,,19.0,s,m,3000,296,1600,tool_use,9.19,1.5,12.0,text,text,0\n\
        t1,g,a0,,19.0,n,m,3000,296,1600,tool_use,9.19,,12.0,text,text,1\n\
        t1,g,a1,,3.0,n,m,600,9,0,end,1,,0,text,text,0\n";
    let options = ReadOptions::default();
    let reading = records(TraceFormat::AgentSessions, &options, text.as_bytes());
    let recorded = reading.recorded;
    assert!(recorded.session_clock);
    assert_eq!(recorded.skipped["a copy of an earlier row"], 1);
    assert_eq!(recorded.out_of_order, 1);
    let sessions: Vec<u32> = recorded.calls.iter().map(|call| call.session).collect();
    assert_eq!(sessions, [0, 1, 0]);
    let (first, second) = (recorded.calls[0], recorded.calls[2]);
    assert_eq!((second.input, second.cache_read), (1400, 1600));
    assert_eq!(second.ttft, Some(Micros(1_500_000)));
    assert_eq!(second.streamed, Some(true));
    let (a, b) = (recorded.blocks_of(&first), recorded.blocks_of(&second));
    assert_eq!((a.len(), b.len()), (4, 6));
    assert_eq!(a[..3], b[..3], "1,600 tokens are three whole blocks");
    assert_ne!(a[3], b[3]);
}

#[test]
fn agents_on_one_clock_tell_their_cache() {
    let text = "session,role,received_ms,end_ms,model,input_tokens,output_tokens,cached_tokens,prefill_wait_ms,\
        prefill_ms,ttft_ms,total_ms,avg_itl_ms,queue_depth\n\
        x,root,100,1482,q,15,3,0,2.0,1326.3,1328.4,1381.8,26.7,0\nx,root,900,2000,q,40,3,16,2,3,5,6,7,0\n";
    let options = ReadOptions::default();
    let reading = records(TraceFormat::AgentSessions, &options, text.as_bytes());
    let call = reading.recorded.calls[1];
    assert_eq!((call.at.0, call.input, call.cache_read), (800_000, 24, 16));
    assert_eq!(call.latency, Some(Micros(6000)));
    assert!(!reading.recorded.session_clock);
}

#[test]
fn a_client_pool_makes_its_rates() {
    let text = "client,t_s,rate_rps,interarrival_cv,fit,fit_a,fit_b\n\
        1,0,2,0.9,Gamma,1.2,3\n2,0,0.5,2,Weibull,0.5,1\n2,600,1,1,,,\n\
        kind,tokens,requests\ninput_tokens,10,3\ninput_tokens,20,1\noutput_tokens,7,1\n";
    let with_seed = |seed| {
        let options = ReadOptions {
            pool: PoolOptions {
                seed,
                ..PoolOptions::default()
            },
            ..ReadOptions::default()
        };
        records(TraceFormat::ServeGen, &options, text.as_bytes()).recorded
    };
    let drawn = with_seed(1);
    assert_eq!(drawn.calls.len(), 1200 + 300 + 600);
    assert_eq!(drawn, with_seed(1));
    assert_ne!(drawn.calls, with_seed(2).calls);
    assert!(drawn.calls.is_sorted_by_key(|call| call.at));
    let small = drawn.calls.iter().filter(|call| call.input == 10).count() as f64;
    assert!((small / 2100.0 - 0.75).abs() < 0.05, "{small}");
    assert!(drawn.calls.iter().all(|call| call.output == 7));
    let options = ReadOptions {
        pool: PoolOptions {
            seed: 1,
            from_s: Some(600.0),
            to_s: None,
        },
        ..ReadOptions::default()
    };
    let part = records(TraceFormat::ServeGen, &options, text.as_bytes()).recorded;
    assert_eq!(part.calls.len(), 600);
    let many = "client,t_s,rate_rps,interarrival_cv,fit,fit_a,fit_b\n1,0,1e9,1,,,\n";
    let error = read_records(TraceFormat::ServeGen, None, many.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("--from 0 --to 3600"), "{error}");
}

fn parquet() -> Vec<u8> {
    let schema = "message calls { required int64 at (TIMESTAMP_MICROS); required int32 input; \
        required int64 output; optional binary model (UTF8); required double took; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut number = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        match number {
            0 => {
                let times = [1_700_000_000_000_000, 1_700_000_000_500_000];
                column.typed::<Int64Type>().write_batch(&times, None, None)
            }
            1 => column
                .typed::<Int32Type>()
                .write_batch(&[10, 20], None, None),
            2 => column.typed::<Int64Type>().write_batch(&[3, 4], None, None),
            3 => {
                let names = [ByteArray::from("m")];
                column
                    .typed::<ByteArrayType>()
                    .write_batch(&names, Some(&[1, 0]), None)
            }
            _ => column
                .typed::<DoubleType>()
                .write_batch(&[0.25, 1.5], None, None),
        }
        .unwrap();
        column.close().unwrap();
        number += 1;
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_is_read_by_its_columns() {
    let bytes = parquet();
    let columns = Columns {
        at: "at".to_owned(),
        at_unit: TimeUnit::Seconds,
        input: "input".to_owned(),
        output: "output".to_owned(),
        session: None,
    };
    let options = ReadOptions {
        columns: Some(columns),
        more: MoreColumns {
            model: Some("model".to_owned()),
            latency: Some("took".to_owned()),
            latency_unit: Some(TimeUnit::Seconds),
            ..MoreColumns::default()
        },
        ..ReadOptions::default()
    };
    assert_eq!(TraceFormat::detect("x", &bytes), Some(TraceFormat::Parquet));
    let recorded = records(TraceFormat::Parquet, &options, &bytes).recorded;
    assert_eq!(recorded.origin_unix_us, Some(1_700_000_000_000_000));
    let told: Vec<_> = recorded
        .calls
        .iter()
        .map(|call| {
            (
                call.at.0,
                call.input,
                call.output,
                call.latency.map(|l| l.0),
            )
        })
        .collect();
    assert_eq!(
        told,
        [(0, 10, 3, Some(250_000)), (500_000, 20, 4, Some(1_500_000))]
    );
    assert_eq!(recorded.models, ["m"]);
    let mut wrong = options.clone();
    wrong.more.end = Some("status".to_owned());
    let error = read_all(TraceFormat::Parquet, &wrong, bytes.as_slice()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the columns are at, input, output, model, took"),
        "{error}"
    );
    for cut in [0, 3, 4, 40, bytes.len() / 2, bytes.len() - 1] {
        let _ = read_all(TraceFormat::Parquet, &options, &bytes[..cut]);
    }
}
