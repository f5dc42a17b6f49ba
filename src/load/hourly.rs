//! Series of one value an hour, as monitoring exports them: read, mended where that is honest, and summed up.
//!
//! Nothing is guessed in silence. What is mended comes with a sentence that says so; what could be read in two
//! ways is refused.

use super::trace::error::{RowProblem, TraceError};
use super::trace::rows::{Lines, columns, csv_fields, field};
use super::trace::stamp::timestamp_ns;

/// Hours of a week.
const WEEK: usize = 168;
/// Hours of the day.
const DAY: usize = 24;
/// The hour of the week, Monday 00:00 first, in which 1970-01-01 began, a Thursday.
const EPOCH_HOUR: i64 = 72;
/// The largest share of hours that may be missing.
const GAPS_MAX: f64 = 0.05;
/// Weeks of which a typical one is the mean.
const TYPICAL_WEEKS: usize = 4;
/// Hours of three months, the least from which growth can be told.
const GROWTH_HOURS: usize = 3 * 730;
/// Nanoseconds of an hour.
const HOUR_NS: i128 = 3_600_000_000_000;

/// One value for each hour of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Hourly {
    /// The first hour, in hours since 1970-01-01 00:00 UTC.
    pub first_hour: i64,
    /// The values, zero or more, without gaps.
    pub values: Vec<f64>,
    /// What was mended, as sentences.
    pub mended: Vec<String>,
    /// Whether its stamps name a time zone; others are taken as UTC.
    pub has_zone: bool,
}

/// A row as it stands in the file.
struct Row {
    line: u64,
    hour: i64,
    value: f64,
}

impl Hourly {
    /// Reads a CSV file with a header, with the stamps in the column `time` and the values in `value`.
    ///
    /// Stamps are RFC 3339, or `YYYY-MM-DD HH:MM` with or without seconds; each is the beginning of its hour.
    ///
    /// # Errors
    /// All problems of the file, the first twenty in full.
    pub fn read(bytes: &[u8], time: &str, value: &str) -> Result<Self, TraceError> {
        let mut lines = Lines::new(bytes);
        let Some((number, header)) = lines.next()? else {
            return Err(
                RowProblem::new("the file is empty", "give a header and one row an hour").into(),
            );
        };
        let [time_at, value_at] = columns(number, header, [time, value])?;
        let mut error = TraceError::default();
        let mut rows = Vec::new();
        let mut has_zone = true;
        loop {
            match lines.next() {
                Ok(None) => break,
                Ok(Some((line, text))) => {
                    let read = csv_fields(text).and_then(|fields| {
                        let stamp = stamp(field(&fields, time_at, time)?);
                        let stamp = stamp.map_err(|problem| problem.field(time));
                        let number = number_of(field(&fields, value_at, value)?);
                        let number = number.map_err(|problem| problem.field(value));
                        Ok((stamp?, number?))
                    });
                    match read {
                        Ok(((hour, zone), value)) => {
                            has_zone &= zone;
                            rows.push(Row { line, hour, value });
                        }
                        Err(problem) => error.push(problem.line(line)),
                    }
                }
                Err(problem) => {
                    let readable = problem.line.is_some();
                    error.push(problem);
                    if !readable {
                        break;
                    }
                }
            }
        }
        if !error.is_empty() {
            return Err(error);
        }
        let mut mended = Vec::new();
        let rows = without_doubles(rows, has_zone, &mut mended)?;
        let (first_hour, values) = without_gaps(&rows, &mut mended)?;
        if values.iter().sum::<f64>() <= 0.0 {
            let help = format!("check that `{value}` is the right column");
            return Err(RowProblem::new("all values are zero", help)
                .field(value)
                .into());
        }
        Ok(Self {
            first_hour,
            values,
            mended,
            has_zone,
        })
    }

    /// The hour of the week of value number `index`, Monday 00:00 first.
    pub fn hour_of_week(&self, index: usize) -> usize {
        hour_of_week(self.first_hour + index as i64)
    }

    /// A typical week, Monday 00:00 first: the mean of each hour over the last four weeks.
    ///
    /// Hours of the week that are not in the series have the mean of that hour of the other days, or else that of
    /// all hours.
    pub fn typical_week(&self) -> Vec<f64> {
        let last = self.last_weeks();
        let mean_where = |wanted: &dyn Fn(usize) -> bool| {
            let chosen = last.clone().filter(|&i| wanted(self.hour_of_week(i)));
            let (sum, n) = chosen.fold((0.0, 0.0), |(sum, n), i| (sum + self.values[i], n + 1.0));
            (n > 0.0).then(|| sum / n)
        };
        let of_hour = |hour: usize| {
            mean_where(&|h| h == hour)
                .or_else(|| mean_where(&|h| h % DAY == hour % DAY))
                .or_else(|| mean_where(&|_| true))
                .unwrap_or(0.0)
        };
        (0..WEEK).map(of_hour).collect()
    }

    /// How hours scatter about those of the typical week, as a coefficient of variation; `None` with less than two
    /// weeks.
    pub fn scatter(&self) -> Option<f64> {
        let last = self.last_weeks();
        let n = last.len();
        if n < 2 * WEEK {
            return None;
        }
        let week = self.typical_week();
        let (mut off, mut level) = (0.0, 0.0);
        for i in last {
            let typical = week[self.hour_of_week(i)];
            off += (self.values[i] - typical).powi(2);
            level += typical * typical;
        }
        // Each mean of the week was made from the same values.
        let variance = off / (n - WEEK) as f64;
        (level > 0.0).then(|| (variance / (level / n as f64)).sqrt())
    }

    /// The means of four weeks each, counted back from the end, oldest first; empty with less than three months.
    pub fn four_weeks(&self) -> Vec<f64> {
        if self.values.len() < GROWTH_HOURS {
            return Vec::new();
        }
        let block = TYPICAL_WEEKS * WEEK;
        let rest = self.values.len() % block;
        let blocks = self.values[rest..].chunks(block);
        blocks
            .map(|block| block.iter().sum::<f64>() / block.len() as f64)
            .collect()
    }

    fn last_weeks(&self) -> std::ops::Range<usize> {
        let n = self.values.len();
        n.saturating_sub(TYPICAL_WEEKS * WEEK)..n
    }
}

fn hour_of_week(hour: i64) -> usize {
    (hour + EPOCH_HOUR).rem_euclid(WEEK as i64) as usize
}

/// The hour that a stamp begins, and whether it names a zone.
fn stamp(text: &str) -> Result<(i64, bool), RowProblem> {
    let problem = |message: &str, help: &str| RowProblem::new(message, help).value(text);
    let Some(ns) = timestamp_ns(&with_seconds(text)) else {
        return Err(problem(
            "not a time stamp",
            "write it as 2027-01-31T13:00Z or 2027-01-31 13:00",
        ));
    };
    if ns.rem_euclid(HOUR_NS) != 0 {
        return Err(problem(
            "the stamp is not on the hour",
            "give one row for each hour, with the stamp of its beginning; sum up finer series first",
        ));
    }
    let clock = text.get(10..).unwrap_or_default();
    let zone = clock.contains(['Z', 'z', '+', '-']);
    // Stamps have years of four digits, so their hours fit.
    Ok((ns.div_euclid(HOUR_NS) as i64, zone))
}

/// A stamp that has seconds, from one that may end in minutes.
fn with_seconds(text: &str) -> String {
    const MINUTES_END: usize = "2027-01-31 13:00".len();
    match (text.get(..MINUTES_END), text.get(MINUTES_END..)) {
        (Some(minutes), Some(rest)) if !rest.starts_with(':') => format!("{minutes}:00{rest}"),
        _ => text.to_owned(),
    }
}

fn number_of(text: &str) -> Result<f64, RowProblem> {
    let problem = |message: &str, help: &str| Err(RowProblem::new(message, help).value(text));
    match text.parse::<f64>() {
        _ if text.is_empty() => problem(
            "no value",
            "remove the row: up to 5 % of the hours may be missing",
        ),
        Err(_) => problem(
            "not a number",
            "write digits with a point for the fraction and no separators, such as 12345.6",
        ),
        Ok(value) if !value.is_finite() => problem(
            "the value is not finite",
            "remove the row: up to 5 % of the hours may be missing",
        ),
        Ok(value) if value < 0.0 => problem("a negative value", "values are zero or more"),
        Ok(value) if value > 1e15 => problem("the value is too large", "values reach to 1e15"),
        Ok(value) => Ok(value),
    }
}

/// Rows that ascend, each hour once. Equal doubles are dropped; what clocks repeat in autumn is averaged.
fn without_doubles(
    rows: Vec<Row>,
    has_zone: bool,
    mended: &mut Vec<String>,
) -> Result<Vec<Row>, TraceError> {
    let mut error = TraceError::default();
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    let (mut equal, mut repeated): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
    // Clocks show one hour twice, once a year.
    let mut last_repeated = i64::MIN;
    for row in rows {
        let Some(before) = kept.last_mut() else {
            kept.push(row);
            continue;
        };
        if row.hour > before.hour {
            kept.push(row);
        } else if row.hour < before.hour {
            let problem = RowProblem::new(
                "the stamp is earlier than that of the row before",
                "sort the rows by time",
            );
            error.push(problem.line(row.line).value(&stamp_text(row.hour)));
        } else if row.value.to_bits() == before.value.to_bits() {
            equal.push(row.line);
        } else if !has_zone
            && is_autumn_hour(row.hour)
            && row.hour.saturating_sub(last_repeated) > 300 * DAY as i64
        {
            before.value = f64::midpoint(before.value, row.value);
            last_repeated = row.hour;
            repeated.push(row.line);
        } else {
            let problem = RowProblem::new(
                format!(
                    "the hour stands already in line {} with another value",
                    before.line
                ),
                "keep one row for each hour; if clocks were put back there, give stamps in UTC",
            );
            error.push(problem.line(row.line).value(&stamp_text(row.hour)));
        }
    }
    if !error.is_empty() {
        return Err(error);
    }
    if !equal.is_empty() {
        mended.push(format!(
            "{} with the stamp and the value of the row before {} left out ({})",
            counted(equal.len(), "row"),
            if equal.len() == 1 { "is" } else { "are" },
            lines_text(&equal)
        ));
    }
    if !repeated.is_empty() {
        mended.push(format!(
            "{}: an early Sunday hour stands there twice, taken as the hour that clocks repeat in autumn; \
             the mean of both is used (stamps in UTC leave no doubt)",
            lines_text(&repeated)
        ));
    }
    Ok(kept)
}

/// Whether clocks may be put back in this hour of local time: early on a Sunday.
fn is_autumn_hour(hour: i64) -> bool {
    const SUNDAY: usize = 6 * DAY;
    (SUNDAY..SUNDAY + 4).contains(&hour_of_week(hour))
}

/// One value for each hour. Few missing ones are filled from the same hour of other weeks.
fn without_gaps(rows: &[Row], mended: &mut Vec<String>) -> Result<(i64, Vec<f64>), TraceError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        let problem = RowProblem::new("the file has no rows", "give one row for each hour");
        return Err(problem.into());
    };
    // Stamps ascend, and their years have four digits.
    let span = (last.hour - first.hour + 1) as usize;
    let missing = span - rows.len();
    if missing as f64 > GAPS_MAX * span as f64 {
        let gap = rows.windows(2).max_by_key(|two| two[1].hour - two[0].hour);
        let (from, to) = gap.map_or((first, last), |two| (&two[0], &two[1]));
        let problem = RowProblem::new(
            format!(
                "{missing} of {span} hours are missing, most in a row after {}, up to {}",
                stamp_text(from.hour),
                stamp_text(to.hour)
            ),
            "up to 5 % are filled from other weeks; begin the file after the gap, or fill it",
        );
        return Err(problem.line(to.line).into());
    }
    let mut values = vec![f64::NAN; span];
    for row in rows {
        values[(row.hour - first.hour) as usize] = row.value;
    }
    if missing > 0 {
        fill(&mut values);
        mended.push(format!(
            "{} of {span} {} missing and filled with the mean of the same hour of other weeks",
            counted(missing, "hour"),
            if missing == 1 { "is" } else { "are" }
        ));
    }
    Ok((first.hour, values))
}

/// Fills what is not a number with the mean of the same hour of other weeks, or else of other days, or of all.
fn fill(values: &mut [f64]) {
    let means = |period: usize| {
        let mut sums = vec![(0.0, 0.0); period];
        for (i, value) in values
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.is_nan())
        {
            let (sum, n) = &mut sums[i % period];
            *sum += value;
            *n += 1.0;
        }
        sums
    };
    let known = [means(WEEK), means(DAY), means(1)];
    for (i, value) in values.iter_mut().enumerate() {
        if value.is_nan() {
            let mut all = known.iter().map(|sums| sums[i % sums.len()]);
            *value = all.find(|(_, n)| *n > 0.0).map_or(0.0, |(sum, n)| sum / n);
        }
    }
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn lines_text(lines: &[u64]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = lines.iter().take(SHOWN).map(u64::to_string).collect();
    let more = lines.len().saturating_sub(SHOWN);
    let plural = if lines.len() == 1 { "" } else { "s" };
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("line{plural} {}{rest}", shown.join(", "))
}

fn stamp_text(hour: i64) -> String {
    let day = crate::units::Date::from_days(hour.div_euclid(DAY as i64));
    format!("{day} {:02}:00", hour.rem_euclid(DAY as i64))
}

#[cfg(test)]
mod tests;
