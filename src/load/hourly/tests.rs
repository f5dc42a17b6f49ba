//! Series that are whole, mended and refused.

use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

fn read(text: &str) -> Result<Hourly, TraceError> {
    Hourly::read(text.as_bytes(), "timestamp", "requests")
}

fn refused(text: &str) -> String {
    read(text).expect_err("it is refused").to_string()
}

/// Rows from Monday 2027-01-04 00:00 on, one for each value.
fn series(values: impl IntoIterator<Item = f64>) -> String {
    let mut text = "timestamp,requests\n".to_owned();
    for (i, value) in values.into_iter().enumerate() {
        writeln!(text, "{}Z,{value}", stamp_text(MONDAY + i as i64)).unwrap();
    }
    text
}

/// 2027-01-04 00:00, 20,822 days after 1970-01-01.
const MONDAY: i64 = 20_822 * 24;

#[test]
fn stamps_are_read_in_each_form() {
    let text = "timestamp,region,requests\n\
                2027-01-04T00:00:00Z,x,10\n2027-01-04 01:00,x,20.5\n2027-01-04T02:00Z,x,0\n\
                2027-01-04T04:00:00.000+01:00,x,1e3\n";
    let read = read(text).unwrap();
    assert_eq!((read.first_hour, read.hour_of_week(0)), (MONDAY, 0));
    assert_eq!(read.values, [10.0, 20.5, 0.0, 1000.0]);
    assert!(!read.has_zone);
    assert_eq!(read.mended, Vec::<String>::new());
}

#[test]
fn what_cannot_be_read_is_refused_where_it_stands() {
    insta::assert_snapshot!(refused(
        "timestamp,requests\n2027-01-04 00:00,1\n2027-01-04 01:30,2\nyesterday,3\n2027-01-04 02:00,-4\n\
         2027-01-04 03:00,many\n2027-01-04 04:00,\n2027-01-04 05:00,NaN\n2027-01-04 06:00\n"
    ), @r"
    line 3: `timestamp`: the stamp is not on the hour, found `2027-01-04 01:30` (help: give one row for each hour, with the stamp of its beginning; sum up finer series first)
    line 4: `timestamp`: not a time stamp, found `yesterday` (help: write it as 2027-01-31T13:00Z or 2027-01-31 13:00)
    line 5: `requests`: a negative value, found `-4` (help: values are zero or more)
    line 6: `requests`: not a number, found `many` (help: write digits with a point for the fraction and no separators, such as 12345.6)
    line 7: `requests`: no value, found `` (help: remove the row: up to 5 % of the hours may be missing)
    line 8: `requests`: the value is not finite, found `NaN` (help: remove the row: up to 5 % of the hours may be missing)
    line 9: `requests`: the row has only 1 fields (help: give as many fields as the header has, or remove the row if the file was cut off)
    ");
    insta::assert_snapshot!(refused("timestamp,calls\n2027-01-04 00:00,1\n"), @"line 1: `requests`: the column is missing, found `timestamp,calls` (help: the header needs a column `requests`)");
    insta::assert_snapshot!(refused(""), @"the file is empty (help: give a header and one row an hour)");
    insta::assert_snapshot!(refused("timestamp,requests\n"), @"the file has no rows (help: give one row for each hour)");
    insta::assert_snapshot!(refused("timestamp,requests\n2027-01-04 00:00,0\n"), @"`requests`: all values are zero (help: check that `requests` is the right column)");
}

#[test]
fn rows_that_go_back_and_hours_with_two_values_are_refused() {
    insta::assert_snapshot!(refused(
        "timestamp,requests\n2027-01-04 02:00,1\n2027-01-04 01:00,2\n2027-01-04 03:00,3\n2027-01-04 03:00,4\n"
    ), @r"
    line 3: the stamp is earlier than that of the row before, found `2027-01-04 01:00` (help: sort the rows by time)
    line 5: the hour stands already in line 4 with another value, found `2027-01-04 03:00` (help: keep one row for each hour; if clocks were put back there, give stamps in UTC)
    ");
}

#[test]
fn equal_doubles_are_left_out_and_repeated_hours_averaged() {
    // 2027-10-31 is a Sunday.
    let text = "timestamp,requests\n2027-10-31 00:00,1\n2027-10-31 00:00,1\n2027-10-31 01:00,4\n\
                2027-10-31 02:00,6\n2027-10-31 02:00,8\n2027-10-31 03:00,5\n";
    let read = read(text).unwrap();
    assert_eq!(read.values, [1.0, 4.0, 7.0, 5.0]);
    insta::assert_debug_snapshot!(read.mended, @r#"
    [
        "1 row with the stamp and the value of the row before is left out (line 3)",
        "line 6: an early Sunday hour stands there twice, taken as the hour that clocks repeat in autumn; the mean of both is used (stamps in UTC leave no doubt)",
    ]
    "#);
    // With a zone nothing repeats.
    let zoned = text.replace(":00,", ":00Z,");
    assert!(refused(&zoned).contains("another value"));
}

#[test]
fn few_missing_hours_are_filled_and_many_refused() {
    let values = |i: usize| 100.0 + (i % 168) as f64;
    let text = series((0..672).map(values));
    let without = |gone: std::ops::Range<usize>| {
        let lines = text.lines().enumerate();
        let kept = lines
            .filter(|(i, _)| !gone.contains(i))
            .map(|(_, line)| line);
        kept.collect::<Vec<_>>().join("\n")
    };
    let whole = read(&text).unwrap();
    let mended = read(&without(200..233)).unwrap();
    assert_eq!(mended.values, whole.values);
    insta::assert_debug_snapshot!(mended.mended, @r#"
    [
        "33 hours of 672 are missing and filled with the mean of the same hour of other weeks",
    ]
    "#);
    insta::assert_snapshot!(refused(&without(200..234)), @"line 201: 34 of 672 hours are missing, most in a row after 2027-01-12 06:00, up to 2027-01-13 17:00 (help: up to 5 % are filled from other weeks; begin the file after the gap, or fill it)");
    let far = "timestamp,requests\n1970-01-01 00:00,1\n9999-01-01 00:00,1\n";
    assert!(refused(far).contains("missing"));
}

#[test]
fn a_week_is_the_mean_of_the_last_four() {
    // Six weeks: the first two are ten times as high and do not count.
    let values = (0..6 * 168).map(|i| {
        let week = [1000.0, 1000.0, 90.0, 110.0, 90.0, 110.0][i / 168];
        week * (1.0 + (i % 24) as f64)
    });
    let read = read(&series(values)).unwrap();
    let week = read.typical_week();
    for (hour, got) in week.iter().enumerate() {
        assert!((got - 100.0 * (1.0 + (hour % 24) as f64)).abs() < 1e-9);
    }
    // A tenth up or down in turn, with one of four weeks spent on the mean.
    assert!((read.scatter().unwrap() - 0.1 * (4.0f64 / 3.0).sqrt()).abs() < 1e-9);
    assert!(read.four_weeks().is_empty());
}

#[test]
fn less_than_a_week_repeats_its_days() {
    let read = read(&series((0..48).map(|i| if i < 24 { 10.0 } else { 30.0 }))).unwrap();
    let week = read.typical_week();
    assert_eq!((week[0], week[24], week[50]), (10.0, 30.0, 20.0));
    assert_eq!(read.scatter(), None);
}

#[test]
fn four_weeks_are_counted_back_from_the_end() {
    let n = 5 * 672 + 100;
    let blocks = read(&series((0..n).map(|i| 1.0 + f64::from((i + 572) / 672)))).unwrap();
    assert_eq!(blocks.four_weeks(), [2.0, 3.0, 4.0, 5.0, 6.0]);
}

proptest! {
    #[test]
    fn no_file_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut file = b"timestamp,requests\n2027-01-04 00:00,1\n".to_vec();
        file.extend(bytes);
        let _ = Hourly::read(&file, "timestamp", "requests");
    }

    #[test]
    fn odd_stamps_do_not_panic(stamp in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.{0,8}", value in ".{0,6}") {
        let _ = read(&format!("timestamp,requests\n2027-01-04 00:00,1\n{stamp},{value}\n"));
    }
}
