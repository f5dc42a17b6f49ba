//! The Mooncake conversation trace, read whole.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use bedload::load::trace::{TraceFormat, read};

#[test]
fn figures_of_the_conversation_trace() {
    let Ok(data) = std::env::var("BEDLOAD_DATA") else {
        eprintln!("did not run: BEDLOAD_DATA is not set");
        return;
    };
    let path = PathBuf::from(data).join("mooncake/conversation_trace.jsonl.gz");
    let file = flate2::read::GzDecoder::new(File::open(path).unwrap());
    let trace = read(TraceFormat::Mooncake, None, BufReader::new(file)).unwrap();
    assert_eq!(trace.rows.len(), 12_031);
    assert!(trace.rows.is_sorted_by_key(|row| row.at));
    let n = trace.rows.len() as f64;
    let input: f64 = trace.rows.iter().map(|row| f64::from(row.input)).sum();
    let output: f64 = trace.rows.iter().map(|row| f64::from(row.output)).sum();
    assert!((input / n - 12_035.1).abs() < 0.05, "{}", input / n);
    assert!((output / n - 342.6).abs() < 0.05, "{}", output / n);

    // An infinite cache serves the leading blocks that an earlier request had.
    let mut known: HashSet<u32> = HashSet::new();
    let mut served = 0.0;
    for row in &trace.rows {
        let start = row.blocks_start as usize;
        let blocks = &trace.blocks[start..start + row.blocks_len as usize];
        let hits = blocks.iter().take_while(|id| known.contains(*id)).count();
        served += (hits as f64 * f64::from(trace.block_tokens)).min(f64::from(row.input));
        known.extend(blocks);
    }
    assert!(
        (served / input - 0.374).abs() < 0.0005,
        "{}",
        served / input
    );
}
