//! What a phrase means that comes again and again: an interval, or a cron pattern in the dialect that can say it.
//!
//! Units: weekdays count from 0 = Sunday. Unix cron where it suffices; Quartz for seconds, last days and counted
//! weekdays.
//! Not here: reading words (`pieces`, `months`), whether the pattern ever fires (`spec`).

use super::clock::Time;
use super::months::DayOfMonth;
use super::pieces::{Cycle, Days, Said};
use super::{Meaning, PHRASE_EXAMPLES, PhraseError, Setting};
use crate::calendar::describe::LISTED_TIMES;
use crate::calendar::{Cron, DialectChoice};
use crate::time::Span;

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// Dates of the month that a sentence lists one by one; of more it tells the rule behind them.
const DATES: usize = 4;

/// The days of a pattern.
struct Fields {
    /// Days of the month, or `*`.
    dates: String,
    /// Months, or `*`.
    months: String,
    /// Weekdays, or `*`.
    weekdays: String,
    /// Whether only Quartz can say it.
    quartz: bool,
}

pub(super) fn meaning(said: Said, setting: Setting<'_>, notes: &mut Vec<String>) -> Result<Meaning, PhraseError> {
    if said.span.is_some() {
        return setting.refuse("is both once and again and again", "give a first due as start_at");
    }
    if let Some(Cycle::Interval(period)) = said.cycle {
        return interval(period, &said, setting);
    }
    let is_named = said.cycle == Some(Cycle::Named) && said.part.is_some();
    let is_daily = said.days.is_none() && (said.cycle == Some(Cycle::Day) || is_named);
    let fields = match (said.cycle, &said.days) {
        (_, None) if is_daily => Fields::of("*", "*", "*"),
        (None | Some(Cycle::Named | Cycle::Week), Some(Days::Weekdays { set, next: false, plural })) => {
            if said.cycle.is_none() && !plural {
                notes.push("several weekdays are read as: every week".to_owned());
            }
            Fields::of("*", "*", &weekdays(*set))
        }
        (Some(Cycle::Month), Some(Days::OfMonth { days, .. }))
        | (None | Some(Cycle::Named), Some(Days::OfMonth { days, said: true })) => of_month(days, setting, notes)?,
        (Some(Cycle::Named | Cycle::Year), Some(Days::Date { year: None, month, day })) => {
            if (*month, *day) == (2, 29) {
                notes.push("29 February comes in leap years only".to_owned());
            }
            Fields::of(&day.to_string(), MONTHS[*month as usize - 1], "*")
        }
        (cycle, days) => return unfit(cycle, days.as_ref(), setting),
    };
    let times = times(&said, is_daily, setting, notes)?;
    pattern(&fields, &times, setting)
}

/// `every 15 minutes`, also `every 15 minutes on weekdays`.
fn interval(period: Span, said: &Said, setting: Setting<'_>) -> Result<Meaning, PhraseError> {
    if !said.times.is_empty() || said.part.is_some() {
        let hint = "write 'every day at 9', or give the interval's first due as start_at";
        return setting.refuse("names an interval and a time of day", hint);
    }
    let (seconds, ms) = (period.as_millis() / 1000, period.as_millis() % 1000);
    let set = match &said.days {
        None => return Ok(Meaning::Every(period)),
        Some(Days::Weekdays { set, next: false, .. }) => *set,
        Some(Days::Weekdays { .. } | Days::Ahead(_) | Days::Date { .. } | Days::OfMonth { .. }) => {
            return setting.refuse("names an interval and a date", "leave the date out, or give it as start_at");
        }
    };
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let step = |step: u64| if step == 1 { "*".to_owned() } else { format!("*/{step}") };
    let time = match (seconds % 3600, seconds % 60) {
        (0, 0) if (1..=12).contains(&hours) && 24 % hours == 0 => format!("0 {}", step(hours)),
        (_, 0) if (1..=30).contains(&minutes) && 60 % minutes == 0 => format!("{} *", step(minutes)),
        (_, _) => String::new(),
    };
    if time.is_empty() || ms != 0 {
        let hint = "on certain weekdays an interval must divide an hour or a day, such as 15 minutes or 2 hours";
        return setting.refuse("does not divide the day into equal parts", hint);
    }
    cron(&format!("{time} * * {}", weekdays(set)), DialectChoice::Unix, setting)
}

/// Words that are understood one by one and mean nothing together.
fn unfit(cycle: Option<Cycle>, days: Option<&Days>, setting: Setting<'_>) -> Result<Meaning, PhraseError> {
    let (message, hint) = match (cycle, days) {
        (_, Some(Days::OfMonth { .. })) => (
            "does not say whether this is every month",
            "write 'on the 1st of the month at 9', or a date such as '1 April'",
        ),
        (_, Some(Days::Date { year: Some(_), .. } | Days::Ahead(_) | Days::Weekdays { next: true, .. })) => {
            ("names a day that comes only once", "leave 'every' out, or give the first day as start_at")
        }
        (Some(Cycle::Week), _) => ("does not say on which weekday", "write for example 'every week on monday at 9'"),
        (Some(Cycle::Month), _) => ("does not say on which day", "write for example 'every month on the 1st at 9'"),
        (Some(Cycle::Year), _) => ("does not say on which date", "write for example 'every year on 1 April at 9'"),
        (Some(Cycle::Day), _) => ("is every day and certain days only", "name either"),
        (_, _) => ("does not say how often", PHRASE_EXAMPLES),
    };
    setting.refuse(message, hint)
}

fn times(
    said: &Said,
    is_daily: bool,
    setting: Setting<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Time>, PhraseError> {
    if said.times.is_empty() {
        return match said.part {
            Some(part) => Ok(vec![part.time(notes)]),
            None => setting.refuse("names no time of day", format!("add one, as in '{} at 9am'", setting.whole)),
        };
    }
    if said.times.len() as u64 > LISTED_TIMES {
        let hint = "write them as cron, such as 0 8-18 * * *";
        return setting.refuse(format!("names more than {LISTED_TIMES} times of day"), hint);
    }
    let mut times = Vec::new();
    for clock in &said.times {
        match clock.settle(said.part, notes) {
            Ok(Time { next_day: true, .. }) if !is_daily => {
                let hint = "name the day that it falls on, as in 'every saturday at 1am'";
                return setting.refuse(format!("'{}' at night belongs to the following day", clock.text), hint);
            }
            Ok(time) => times.push(time),
            Err(wrong) => return setting.refuse(wrong, PHRASE_EXAMPLES),
        }
    }
    Ok(times)
}

impl Fields {
    fn of(dates: &str, months: &str, weekdays: &str) -> Self {
        Self { dates: dates.to_owned(), months: months.to_owned(), weekdays: weekdays.to_owned(), quartz: false }
    }
}

/// `MON-FRI`, `SAT,SUN`; the week is told from Monday on.
fn weekdays(set: u8) -> String {
    let days: Vec<usize> = (1..=7).filter(|day| set >> (day % 7) & 1 == 1).collect();
    let name = |day: &usize| WEEKDAYS[day % 7];
    match days.as_slice() {
        all if all.len() == 7 => "*".to_owned(),
        [first, .., last] if days.len() > 2 && last - first == days.len() - 1 => {
            format!("{}-{}", name(first), name(last))
        }
        some => some.iter().map(name).collect::<Vec<_>>().join(","),
    }
}

fn of_month(days: &[DayOfMonth], setting: Setting<'_>, notes: &mut Vec<String>) -> Result<Fields, PhraseError> {
    let quartz = |fields| Ok(Fields { quartz: true, ..fields });
    match days {
        [DayOfMonth::Last] => return quartz(Fields::of("L", "*", "*")),
        [DayOfMonth::LastWorkday] => return quartz(Fields::of("LW", "*", "*")),
        [DayOfMonth::Nth(week, day)] => return quartz(Fields::of("*", "*", &format!("{}#{week}", day + 1))),
        [DayOfMonth::LastOf(day)] => return quartz(Fields::of("*", "*", &format!("{}L", day + 1))),
        _ => {}
    }
    let is_run = days.windows(2).all(|pair| matches!(pair, [DayOfMonth::Day(a), DayOfMonth::Day(b)] if a + 1 == *b));
    if days.len() > DATES && !is_run {
        let hint = "write them as cron, such as 0 9 1,8,15,22,29 * *";
        return setting.refuse(format!("names more than {DATES} dates"), hint);
    }
    let mut dates = Vec::new();
    for day in days {
        let DayOfMonth::Day(day) = day else {
            return setting.refuse("names several days that no single pattern has", "make a schedule of each");
        };
        if *day > 28 {
            let hint = "'the last day of the month' is in every month";
            notes.push(format!("months without a day {day} are left out; {hint}"));
        }
        dates.push(day.to_string());
    }
    let dates = match dates.as_slice() {
        [first, .., last] if is_run => format!("{first}-{last}"),
        some => some.join(","),
    };
    Ok(Fields::of(&dates, "*", "*"))
}

fn pattern(fields: &Fields, times: &[Time], setting: Setting<'_>) -> Result<Meaning, PhraseError> {
    let list = |field: fn(&Time) -> u32| {
        let mut values: Vec<u32> = times.iter().map(field).collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    let (hours, minutes, seconds) = (list(|time| time.hour), list(|time| time.minute), list(|time| time.second));
    // A pattern combines every hour with every minute, so only one of them may vary.
    if [&hours, &minutes, &seconds].iter().filter(|values| values.len() > 1).count() > 1 {
        return setting.refuse("names times that no single pattern has", "make a schedule of each");
    }
    let join = |values: &[u32]| values.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let (hours, minutes, second) = (join(&hours), join(&minutes), join(&seconds));
    let Fields { dates, months, weekdays, quartz } = fields;
    if !quartz && second == "0" {
        let text = format!("{minutes} {hours} {dates} {months} {weekdays}");
        return cron(&text, DialectChoice::Unix, setting);
    }
    let (dates, weekdays) = match (dates.as_str(), weekdays.as_str()) {
        (dates, "*") => (dates, "?"),
        (_, weekdays) => ("?", weekdays),
    };
    let text = format!("{second} {minutes} {hours} {dates} {months} {weekdays}");
    cron(&text, DialectChoice::Quartz, setting)
}

fn cron(text: &str, dialect: DialectChoice, setting: Setting<'_>) -> Result<Meaning, PhraseError> {
    match Cron::parse(text, dialect, setting.zone) {
        Ok(cron) => Ok(Meaning::Cron(cron)),
        Err(error) => setting.refuse(error.message, error.hint.unwrap_or_default()),
    }
}
