//! What gateways saw of paces, limits and accounts that are shut: I18, nobody is written to before his gate opens.
//!
//! The breaker is followed from outside, by what gateways said and when the loop was told. Whatever was handed out before
//! that may still come.
//! Not here: lateness and order, which gates must not harm (`check_sends`).

use std::collections::BTreeMap;

use chimewheel::limits::{BREAKER_WAIT_MS_MAX, BREAKER_WAIT_MS_MIN, LIMITED_MS_MIN};
use chimewheel::pace::{Pace, Scope};

use super::check::Verdict;
use super::gateway::PACES;
use super::history::{Attempt, Said};
use super::load::{CHATS, gateway_of};
use super::run::Played;

/// What a commit takes between a token and its use, when the disk is well.
const COMMIT_MS_MAX: i64 = 40;

/// While an account was shut, by the wall.
#[derive(Clone, Debug)]
pub struct Shut {
    pub gateway: &'static str,
    pub boot: u32,
    pub from: i64,
    /// Until a probe was answered well, or the process ended.
    pub until: i64,
    /// Deliveries that were sent to find out.
    pub probes: Vec<i64>,
}

/// What a slew takes from the wall clock while somebody waits.
const SLEWED_MS_MAX: i64 = 1000;

/// What is known of one account in one boot.
#[derive(Default)]
struct Account<'a> {
    limits: BTreeMap<&'a str, (u64, i64)>,
    all: Option<(u64, i64)>,
    open: Option<Open<'a>>,
}

/// The breaker is open, or a probe is under way.
struct Open<'a> {
    /// The place of the answer that opened it.
    since: u64,
    until: i64,
    times: u32,
    probe: Option<&'a Attempt>,
    shut: Shut,
}

pub fn check(played: &Played, verdict: &mut Verdict) {
    if played.weather.goes_back() {
        return;
    }
    let mut gateways: Vec<&'static str> = CHATS.iter().map(|(gateway, _)| *gateway).collect();
    gateways.dedup();
    for gateway in gateways {
        let attempts: Vec<&Attempt> =
            played.history.attempts.iter().filter(|one| gateway_of(&one.chat) == gateway).collect();
        for boot in 1..=played.history.boots {
            let of_boot: Vec<&Attempt> = attempts.iter().copied().filter(|one| one.boot == boot).collect();
            follow(gateway, &of_boot, verdict);
            if played.history.is_paced && gateway == PACES.0 {
                check_paces(played, &of_boot, verdict);
            }
        }
    }
}

/// Sends and answers in the order in which they came.
fn follow(gateway: &'static str, attempts: &[&Attempt], verdict: &mut Verdict) {
    let mut moments: BTreeMap<u64, (&Attempt, bool)> = BTreeMap::new();
    for attempt in attempts {
        moments.insert(attempt.at.seq, (attempt, true));
        if let Some(told) = attempt.told {
            moments.insert(told.seq, (attempt, false));
        }
    }
    let mut account = Account::default();
    for (attempt, is_sent) in moments.into_values() {
        if is_sent {
            account.send(attempt, verdict);
        } else {
            account.told(gateway, attempt, verdict);
        }
    }
    verdict.shut.extend(account.open.map(|open| open.shut));
}

impl<'a> Account<'a> {
    fn send(&mut self, attempt: &'a Attempt, verdict: &mut Verdict) {
        let (wall, handed_out) = (attempt.at.wall, attempt.window_after);
        for (seq, until) in self.limits.get(&*attempt.chat).into_iter().chain(&self.all) {
            // A wait is measured while the wall clock slews.
            let is_early = handed_out >= *seq && wall + SLEWED_MS_MAX < *until;
            verdict.claim(!is_early, || format!("I18: limited until {until}, and yet {attempt:?}"));
        }
        let Some(open) = &mut self.open else { return };
        if handed_out < open.since {
            return;
        }
        verdict.claim(wall >= open.until, || format!("I18: shut until {}, and yet {attempt:?}", open.until));
        verdict.claim(open.probe.is_none(), || format!("I18: two probes: {:?} {attempt:?}", open.probe));
        open.probe = Some(attempt);
        open.shut.probes.push(wall);
    }

    fn told(&mut self, gateway: &'static str, attempt: &'a Attempt, verdict: &mut Verdict) {
        let Some(told) = attempt.told else { return };
        if let Said::Limited(scope, after) = attempt.said {
            let until = told.wall + after.max(LIMITED_MS_MIN as i64);
            let limit = match scope {
                Scope::Chat => self.limits.entry(&attempt.chat).or_default(),
                Scope::Account => self.all.get_or_insert_default(),
            };
            if until > limit.1 {
                *limit = (told.seq, until);
            }
        }
        match &mut self.open {
            None if attempt.said == Said::Shut => {
                let (from, until) = (told.wall, told.wall + BREAKER_WAIT_MS_MIN as i64);
                let shut = Shut { gateway, boot: attempt.boot, from, until: i64::MAX, probes: Vec::new() };
                self.open = Some(Open { since: told.seq, until, times: 0, probe: None, shut });
            }
            None => {}
            Some(open) if open.probe.is_none_or(|probe| probe.at != attempt.at) => {}
            Some(open) if is_alive(attempt.said) => {
                open.shut.until = told.wall;
                verdict.shut.extend(self.open.take().map(|open| open.shut));
            }
            Some(open) => {
                open.times += 1;
                let wait = (BREAKER_WAIT_MS_MIN << open.times.min(20)).min(BREAKER_WAIT_MS_MAX);
                open.since = told.seq;
                open.until = told.wall + wait as i64;
                open.probe = None;
            }
        }
    }
}

/// Whether an answer shows that the platform works.
fn is_alive(said: Said) -> bool {
    match said {
        Said::Taken | Said::Permanent | Said::Limited(..) => true,
        Said::Retry(after) => after > 0,
        Said::Shut | Said::Ambiguous => false,
    }
}

/// In no stretch of time are there more sends than a full bucket and what comes into it meanwhile.
fn check_paces(played: &Played, attempts: &[&Attempt], verdict: &mut Verdict) {
    let (_, paces) = PACES;
    let mut levels: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let mut pour = |name: &'static str, chat, attempt: &Attempt, pace: Pace| {
        let (every, most) = (pace.every.as_millis() as i64, pace.every.as_millis() as i64 * i64::from(pace.burst));
        let (level, at) = levels.entry(chat).or_insert((0, i64::MIN / 2));
        *level = (*level - (attempt.at.wall - *at).max(0)).max(0) + every;
        *at = attempt.at.wall;
        // What was handed out before a machine slept, or waits for its disk, comes all at once.
        let is_stalled =
            played.history.stalled.iter().any(|(from, until)| (from..=until).contains(&&attempt.at.true_ms));
        if is_stalled {
            *level = 0;
        }
        let holds = *level <= most + COMMIT_MS_MAX;
        verdict.claim(holds, || format!("I18: faster than the {name}'s pace: {attempt:?}"));
    };
    for attempt in attempts {
        pour("chat", &attempt.chat, attempt, paces.chat.expect("a pace"));
        pour("account", "", attempt, paces.account.expect("a pace"));
    }
}
