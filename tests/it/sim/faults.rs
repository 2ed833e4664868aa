//! What breaks, and when: planned from the seed before the run begins.

use chimewheel::runtime::Message;

use super::gateway::{MOODS, Mood};
use super::load::CHATS;
use super::world::{Event, World};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 366 * DAY;

/// One thing that breaks.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Killed, whatever it does.
    Kill,
    /// Killed at the next moment of some kind.
    Fuse(Fuse),
    /// Told to end.
    Stop,
    /// The machine sleeps; its wall clock goes on.
    Suspend(i64),
    /// The wall is set.
    Step(i64),
    /// The wall shows another year for so long.
    Astray(Year, i64),
    /// The wall is right again.
    Right,
    /// The wall goes too fast or too slow: so many more steps, each by so much.
    Slew(u32, i64),
    /// A gateway has a mood for a while.
    Mood(&'static str, Mood, i64),
    DiskSlow(i64),
    DiskFull(i64),
    /// One operation of the disk fails, a few operations from now.
    DiskError,
}

/// Where a clock may be by mistake.
#[derive(Clone, Copy, Debug)]
pub enum Year {
    TenAhead,
    TenBehind,
    Epoch,
}

/// Burns down by one at each moment of its kind.
#[derive(Clone, Copy, Debug)]
pub enum Fuse {
    Write(u32),
    Written(u32),
    BeforeSend(u32),
    AfterSend(u32),
    /// Not a crash: the wall goes back a little while a batch is written.
    Nudge(u32),
    Boot,
}

/// How far a fuse sets the wall back: less than what counts as a step.
pub const NUDGE_MS: i64 = 400;

/// How much a run has to bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Nothing breaks.
    Calm,
    /// Everything but a clock set back.
    Rough,
    /// A clock set back too.
    Backward,
    /// A clock that is years ahead for a while, or in 1970, and comes back.
    Astray,
    /// Rough, for a month.
    Month,
}

impl Weather {
    pub fn of(seed: u64) -> Self {
        match seed % 10 {
            0 => Self::Calm,
            7 => Self::Backward,
            8 => Self::Astray,
            9 => Self::Month,
            _ => Self::Rough,
        }
    }

    /// Whether a due may come more than once.
    pub fn goes_back(self) -> bool {
        matches!(self, Self::Backward | Self::Astray)
    }

    pub fn horizon_ms(self) -> i64 {
        if self == Self::Month { 30 * DAY } else { DAY }
    }
}

impl Fuse {
    fn burn(&mut self) -> bool {
        match self {
            Self::Write(left)
            | Self::Written(left)
            | Self::BeforeSend(left)
            | Self::AfterSend(left)
            | Self::Nudge(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            Self::Boot => true,
        }
    }

    pub fn is_write(&self) -> bool {
        matches!(self, Self::Write(_))
    }

    pub fn is_written(&self) -> bool {
        matches!(self, Self::Written(_))
    }

    pub fn is_before_send(&self) -> bool {
        matches!(self, Self::BeforeSend(_))
    }

    pub fn is_after_send(&self) -> bool {
        matches!(self, Self::AfterSend(_))
    }

    pub fn is_nudge(&self) -> bool {
        matches!(self, Self::Nudge(_))
    }

    pub fn is_boot(&self) -> bool {
        matches!(self, Self::Boot)
    }
}

impl World {
    /// Puts questions and faults into the time until the horizon.
    pub fn plan_all(&mut self, weather: Weather) {
        for place in 0..45 {
            // Half of it within the first hours, so that there is something to break.
            let within = if place < 6 { 10 * MINUTE } else { self.horizon };
            let at = self.some_time(within);
            self.plan(at, Event::Ask);
        }
        // A month without a restart is one in which a timer waits for weeks.
        if weather == Weather::Calm || weather == Weather::Month && self.chance.one_in(4) {
            return;
        }
        for _ in 0..4 + self.chance.below(26) {
            let fault = self.any_fault(weather);
            let at = self.some_time(self.horizon);
            self.plan(at, Event::Fault(fault));
        }
    }

    /// Often on a full second, where dues are.
    fn some_time(&mut self, within: i64) -> i64 {
        let at = self.chance.below(within as u64) as i64;
        match self.chance.below(3) {
            0 => at,
            1 => at - at % 1000,
            _ => at - at % MINUTE + self.chance.below(30) as i64,
        }
    }

    fn any_fault(&mut self, weather: Weather) -> Fault {
        let chance = &mut self.chance;
        let soon = 1 + chance.below(6) as u32;
        let gateway = chance.pick(CHATS).0;
        match chance.below(20) {
            0 => Fault::Kill,
            1 | 2 => Fault::Fuse(Fuse::Write(soon)),
            3 => Fault::Fuse(Fuse::Written(soon)),
            4 => Fault::Fuse(Fuse::BeforeSend(soon)),
            5 | 6 => Fault::Fuse(Fuse::AfterSend(soon)),
            7 => Fault::Fuse(Fuse::Boot),
            8 => Fault::Stop,
            9 => Fault::Suspend(chance.pick(&[1500, 10_000, 5 * MINUTE, 3 * HOUR])),
            10 | 19 if weather == Weather::Astray => {
                let year = chance.pick(&[Year::TenAhead, Year::TenBehind, Year::Epoch]);
                Fault::Astray(year, 1 + chance.below(20 * MINUTE as u64) as i64)
            }
            10 if weather.goes_back() => Fault::Step(-chance.pick(&[1001, 5000, 10 * MINUTE, HOUR, DAY, 9 * DAY])),
            10 => Fault::Step(chance.pick(&[1000, 1001, 30_000, HOUR, DAY])),
            // Small enough that time seems to go on; and 500 parts of a million for up to some hours.
            11 if chance.one_in(3) => Fault::Fuse(Fuse::Nudge(soon)),
            11 if chance.one_in(2) => Fault::Step(chance.pick(&[-1000, -400, -20, 20, 300])),
            11 => Fault::Slew(20 + chance.below(300) as u32, chance.pick(&[-20, 20])),
            12 => Fault::DiskSlow(10 * MINUTE),
            13 => Fault::DiskFull(5 * MINUTE),
            14 => Fault::DiskError,
            _ => Fault::Mood(gateway, chance.pick(MOODS), chance.pick(&[MINUTE, 10 * MINUTE, 10 * MINUTE, 3 * HOUR])),
        }
    }

    /// Whether the fuse is of this kind and burns down now.
    pub fn burns(&mut self, kind: impl Fn(&Fuse) -> bool) -> bool {
        let Some(fuse) = self.fuse.as_mut().filter(|fuse| kind(fuse)) else { return false };
        let burnt = fuse.burn();
        if burnt {
            self.fuse = None;
        }
        burnt
    }

    pub fn strike(&mut self, fault: Fault) {
        let (name, lasts) = match fault {
            Fault::Kill => ("kill", 0),
            Fault::Fuse(Fuse::Nudge(_)) => ("clock nudged back during a commit", 0),
            Fault::Fuse(_) => ("kill at a chosen point", 0),
            Fault::Stop => ("stop", 0),
            Fault::Suspend(ms) => ("machine asleep, its monotonic clock frozen", ms),
            Fault::Step(ms) if ms < -1000 => ("clock set back", 0),
            Fault::Step(ms) if ms < 1000 => ("clock nudged", 0),
            Fault::Slew(..) => ("clock slews", 0),
            Fault::Astray(Year::TenAhead, ms) => ("clock ten years ahead", ms),
            Fault::Astray(Year::TenBehind, ms) => ("clock ten years behind", ms),
            Fault::Astray(Year::Epoch, ms) => ("clock in 1970", ms),
            Fault::Right => ("clock set right", 0),
            Fault::Step(_) => ("clock set forward", 0),
            Fault::Mood(.., ms) => ("gateway", ms),
            Fault::DiskSlow(ms) => ("disk slow", ms),
            Fault::DiskFull(ms) => ("disk full", ms),
            Fault::DiskError => ("disk error", 0),
        };
        *self.history.faults.entry(name).or_default() += 1;
        self.note(&format!("fault {fault:?}"));
        self.note_trouble(fault, lasts);
        match fault {
            Fault::Kill if self.process.is_some() => self.crash("at any time"),
            Fault::Kill => {}
            Fault::Fuse(fuse) => self.fuse = Some(fuse),
            Fault::Stop => self.turn(Some(Message::Stop)),
            Fault::Suspend(ms) => self.suspend(ms),
            Fault::Step(ms) => self.step(ms),
            Fault::Astray(year, ms) => {
                let to = match year {
                    Year::TenAhead => self.wall() + 10 * YEAR,
                    Year::TenBehind => self.wall() - 10 * YEAR,
                    Year::Epoch => 0,
                };
                self.step(to - self.wall());
                self.plan(ms, Event::Fault(Fault::Right));
            }
            Fault::Right => self.step(self.base - self.ahead),
            Fault::Slew(left, by) => self.slew(left, by),
            Fault::Mood(gateway, mood, ms) => {
                self.moods.insert(gateway, mood);
                self.plan(ms, Event::CalmDown(gateway));
                let soon = self.chance.below(ms as u64) as i64;
                if self.chance.one_in(4) && self.true_ms + soon < self.horizon {
                    // While some wait for their gateway.
                    self.plan(soon, Event::Fault(Fault::Kill));
                }
            }
            Fault::DiskSlow(ms) => {
                self.disk_is_slow = true;
                self.plan(ms, Event::MendDisk);
            }
            Fault::DiskFull(ms) => {
                self.disk_is_full = true;
                self.disk.set_full(true);
                self.plan(ms, Event::MendDisk);
            }
            Fault::DiskError => self.disk.fail_after(self.chance.below(10)),
        }
    }

    /// For how long, and for whom, something is broken.
    fn note_trouble(&mut self, fault: Fault, lasts: i64) {
        let (from, until) = (self.true_ms, self.true_ms + lasts);
        match fault {
            Fault::Mood(gateway, mood, _) if let Some(chat) = mood.chat_of(gateway) => {
                self.history.disturb_chat(chat, from, until);
            }
            _ if lasts > 0 => self.history.disturb(from, until),
            _ => {}
        }
        if matches!(fault, Fault::Suspend(_) | Fault::DiskSlow(_) | Fault::DiskFull(_)) {
            // What was written before the end takes its time after it.
            self.history.stalled.push((from, until + 20_000));
        }
    }

    /// By 20 ms in 40 seconds.
    pub fn slew(&mut self, left: u32, by: i64) {
        self.set_wall(by);
        if left > 0 {
            self.plan(40_000, Event::Slew(left - 1, by));
        }
    }

    pub fn step(&mut self, ms: i64) {
        self.collect();
        self.history.steps_back += u32::from(ms < -1000);
        self.set_wall(ms);
    }

    /// Whether the wall shows another year.
    pub fn is_astray(&self) -> bool {
        self.base.abs_diff(self.ahead) > YEAR.cast_unsigned()
    }

    /// The loop's sleep goes on where it was.
    fn suspend(&mut self, ms: i64) {
        self.pass_to(self.true_ms + ms);
        if let Some(process) = &mut self.process {
            process.wake_at += ms;
            process.was_suspended = true;
        }
    }
}
