//! Days since 1970 as dates.

/// Year, month from 1 and day from 1 in the Gregorian calendar of the day that many days after 1970-01-01.
pub(crate) fn calendar_day(since_1970: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    let mut left = since_1970;
    while left >= days_of(year) {
        left -= days_of(year);
        year += 1;
    }
    let february = days_of(year) - 337;
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

fn days_of(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}
