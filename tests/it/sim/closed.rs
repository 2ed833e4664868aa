//! Exclusions as the oracle sees them: whether the clock on the wall of a zone shows a closed hour or day.
//!
//! Found without the engine's calendar: local time comes from `jiff`, and each form is one comparison.

use chimewheel::calendar::{Except, Zone};
use jiff::tz::TimeZone;

use super::shape::MINUTE;
use crate::store::chance::Chance;

const DAY: i64 = 1440 * MINUTE;

/// One closed time, in a zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    zone: &'static str,
    when: When,
}

#[derive(Clone, Debug, PartialEq)]
enum When {
    Weekend,
    /// From ten at night till seven in the morning.
    Night,
    /// A stretch of an hour that clocks change in.
    Hour,
    /// Two days from this one on, as days since 1970.
    Days(i64),
}

/// Closed times of a schedule declared at `wall`.
pub fn any(chance: &mut Chance, zone: &'static str, wall: i64) -> Vec<Closed> {
    let today = wall.div_euclid(DAY);
    let mut closed = Vec::new();
    while closed.len() < 3 && chance.one_in(2) {
        let day = today + chance.below(4) as i64;
        let when = chance.pick(&[When::Weekend, When::Night, When::Hour, When::Hour, When::Days(day)]);
        closed.push(Closed { zone, when });
    }
    closed
}

/// The same as the engine takes it.
pub fn except(closed: &[Closed]) -> Option<Except> {
    let zone = Zone::parse(closed.first()?.zone).expect("a zone");
    let texts: Vec<String> = closed.iter().map(Closed::text).collect();
    Some(Except::read(&texts, zone).expect("exclusions"))
}

impl Closed {
    fn text(&self) -> String {
        match self.when {
            When::Weekend => "SAT,SUN".to_owned(),
            When::Night => "22:00-07:00".to_owned(),
            When::Hour => "02:00-03:00".to_owned(),
            When::Days(day) => {
                let date = |day: i64| {
                    let at = jiff::Timestamp::from_millisecond(day * DAY).expect("an instant");
                    at.to_zoned(TimeZone::UTC).date().to_string()
                };
                format!("{}..{}", date(day), date(day + 1))
            }
        }
    }

    pub fn covers(&self, at: i64) -> bool {
        let zone = TimeZone::get(self.zone).expect("a zone");
        let instant = jiff::Timestamp::from_millisecond(at).expect("an instant");
        let local = at + i64::from(zone.to_offset(instant).seconds()) * 1000;
        let (day, hour) = (local.div_euclid(DAY), local.rem_euclid(DAY) / (60 * MINUTE));
        match self.when {
            // 1970-01-01 was a Thursday, and Monday is 0 here.
            When::Weekend => (day + 3).rem_euclid(7) >= 5,
            When::Night => !(7..22).contains(&hour),
            When::Hour => hour == 2,
            When::Days(first) => day == first || day == first + 1,
        }
    }
}
