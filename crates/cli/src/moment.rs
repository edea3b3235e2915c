//! Moments as people type them: RFC 3339, milliseconds since 1970, or so long ago.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(test)]
mod tests;

/// Milliseconds since 1970 of `2026-01-31T09:00:00Z`, `1769850000000` or `-15m`, the last counted from `now`.
pub(crate) fn parse(text: &str, now: SystemTime) -> Result<i64, String> {
    let found = match text.strip_prefix('-') {
        Some(ago) => before(ago, now),
        None => text
            .parse()
            .ok()
            .filter(|time| *time >= 0)
            .or_else(|| rfc_3339(text)),
    };
    found.ok_or_else(|| {
        format!("{text:?} is no moment; try 2026-01-31T09:00:00Z, milliseconds since 1970, or -15m")
    })
}

/// As [`SystemTime`].
pub(crate) fn system_time(milliseconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(milliseconds.unsigned_abs())
}

fn before(ago: &str, now: SystemTime) -> Option<i64> {
    let (digits, unit) = ago.split_at_checked(ago.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let ago = digits.parse::<i64>().ok()?.checked_mul(seconds * 1_000)?;
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_millis();
    i64::try_from(now)
        .ok()?
        .checked_sub(ago)
        .filter(|time| ago >= 0 && *time >= 0)
}

/// `YYYY-MM-DD`, then optionally `Thh:mm[:ss[.fff]]`, then optionally `Z` or `±hh:mm`; UTC when nothing says otherwise.
fn rfc_3339(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, time),
        None => (text, "00:00"),
    };
    let (time, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at_checked(at)?,
        None => (time, "Z"),
    };
    let [year, month, day] = numbers(date, '-')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = match clock.matches(':').count() {
        1 => {
            let [hour, minute] = numbers(clock, ':')?;
            [hour, minute, 0]
        }
        _ => numbers(clock, ':')?,
    };
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let milliseconds: String = fraction.chars().chain("00".chars()).take(3).collect();
    let milliseconds: i64 = milliseconds.parse().ok()?;
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    let moment = (seconds - offset(zone)?) * 1_000 + milliseconds;
    (fits && moment >= 0).then_some(moment)
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next()? {
        'Z' | 'z' => return (zone.len() == 1).then_some(0),
        '+' => 1,
        _ => -1,
    };
    let [hours, minutes] = numbers(zone.get(1..)?, ':')?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let parts = text.split(separator).map(|part| {
        let is_digits =
            !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
        is_digits.then(|| part.parse().ok()).flatten()
    });
    let numbers: Vec<i64> = parts.collect::<Option<_>>()?;
    numbers.try_into().ok()
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let years: i64 = (1970..year).map(|year| 337 + days_in(year, 2)).sum();
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    years + months + day - 1
}
