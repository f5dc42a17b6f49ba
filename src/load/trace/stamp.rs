//! Time stamps such as `2023-11-16 18:17:03.9799600`.

/// Nanoseconds since 1970 of a date and time; without an offset it counts as UTC. `None` if the
/// text is not one. Only differences matter to a trace, so leap seconds are left out.
pub(in crate::load) fn timestamp_ns(text: &str) -> Option<i128> {
    let (date, rest) = text.split_once(['T', ' '])?;
    let (clock, offset_s) = split_offset(rest.trim())?;
    let mut date = date.split('-');
    let (year, month, day) = (
        number(date.next()?, 4)?,
        number(date.next()?, 2)?,
        number(date.next()?, 2)?,
    );
    let mut clock = clock.split(':');
    let (hour, minute) = (number(clock.next()?, 2)?, number(clock.next()?, 2)?);
    let seconds = clock.next()?;
    if date.next().is_some() || clock.next().is_some() {
        return None;
    }
    let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let second = number(second, 2)?;
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let nanos = number(fraction, fraction.len())? * 10i64.pow(9 - fraction.len() as u32);
    let valid = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !valid {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(i128::from(seconds - offset_s) * 1_000_000_000 + i128::from(nanos))
}

/// Microseconds since 1970 of a moment as people write it: a date, with an hour, with minutes, or with seconds.
pub fn moment_us(text: &str) -> Option<i64> {
    const FORMS: [(usize, &str); 3] = [(10, "T00:00:00"), (13, ":00:00"), (16, ":00")];
    let text = text.trim();
    let (plain, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(plain) => (plain, "Z"),
        None => (text, ""),
    };
    let form = FORMS.iter().find(|(length, _)| *length == plain.len());
    let rest = form.map_or("", |(_, rest)| rest);
    let ns = timestamp_ns(&format!("{plain}{rest}{zone}"))?;
    i64::try_from(ns.div_euclid(1000)).ok()
}

/// Splits off `Z`, `+01:00` or `-0530`, and tells the offset in seconds.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(sign_at) = text.find(['+', '-']) else {
        return Some((text, 0));
    };
    let sign = if text[sign_at..].starts_with('-') {
        -1
    } else {
        1
    };
    let digits = text[sign_at + 1..].replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 => (number(&digits, 2)?, 0),
        4 => (number(digits.get(..2)?, 2)?, number(digits.get(2..)?, 2)?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| {
        (
            text[..sign_at].trim_end(),
            sign * (hours * 3600 + minutes * 60),
        )
    })
}

/// A number of exactly `len` digits.
fn number(text: &str, len: usize) -> Option<i64> {
    let digits = text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms", `days_from_civil`).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
