//! Dates of the Gregorian calendar as plain integers.
//!
//! Units: days since 1970-01-01 and seconds since 1970-01-01T00:00:00, both in some civil calendar, not UTC.
//! Rounding: down, also before 1970.
//! Invariant: `date_of(day_number(y, m, d)) == (y, m, d)` for every real date.
//! Not here: zones (`offsets`, `fold`).
//! Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

/// Seconds of a civil day.
pub(super) const DAY_SECONDS: i64 = 86_400;

/// Days from 1970-01-01 to a date.
pub(super) const fn day_number(year: i32, month: u32, day: u32) -> i64 {
    let year = year as i64 - (month <= 2) as i64;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month as i64 + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day as i64 - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date that lies `number` days after 1970-01-01: year, month, day.
pub(super) const fn date_of(number: i64) -> (i32, u32, u32) {
    let shifted = number + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + (month <= 2) as i64;
    (year as i32, month as u32, day as u32)
}

/// The weekday of a day number, 0 = Sunday.
pub(super) const fn weekday_of(number: i64) -> u32 {
    (number + 4).rem_euclid(7) as u32
}

/// How many days a month has.
pub(super) const fn month_length(year: i32, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
