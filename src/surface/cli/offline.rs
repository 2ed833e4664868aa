//! Commands that need neither a daemon nor a store: `next` for a trigger, `guide`, `config`, `bench`.
//!
//! Not here: `next` for a schedule that exists (`commands`).

use std::fmt::Write as _;

use serde_json::json;

use super::args::{Bench, BenchPart, ConfigCommand, Guide, Next};
use super::outside::{self, Out};
use super::render;
use super::screen::{Screen, complain, print};
use super::setup::Setup;
use crate::guide;
use crate::problem::{Problem, nearest};
use crate::spec::tree::shorten;
use crate::surface::bench::cron::{CronEntrant, Own};
use crate::surface::bench::engine::EngineContest;
use crate::surface::bench::{hooks, own_entrants};
use crate::surface::error::{Code, Error};
use crate::surface::ops::preview::{Setting, trigger_times};
use crate::surface::ops::request::Preview;
use crate::surface::ops::{Reply, reply::Previewed};

/// The request that `next` stands for.
#[must_use]
pub fn preview_request(next: &Next) -> Preview {
    Preview {
        schedule: next.schedule.clone(),
        agent: next.agent.clone(),
        cron: next.cron.clone(),
        every: next.every.clone(),
        anchor: next.anchor.clone(),
        at: next.at.clone(),
        after: next.after.clone(),
        when: next.when.clone(),
        dialect: next.dialect.clone(),
        except: next.except.clone(),
        timezone: next.tz.clone(),
        from: next.from.clone(),
        n: Some(next.n),
    }
}

/// Computes the next times of a trigger.
pub fn next(next: &Next, setup: &Setup, screen: &Screen) -> Result<u8, Error> {
    let setting = Setting { now: screen.look.now, zone: setup.zone };
    let previewed = trigger_times(&preview_request(next), setting)?;
    // Plain words are always repeated as they were understood; standard output stays one time a line.
    if next.when.is_some() && !screen.json {
        complain(&format!("{}\n", previewed.description));
        previewed.warnings.iter().for_each(|warning| complain(&format!("note: {warning}\n")));
    }
    print_times(&previewed, screen)
}

/// Prints times.
pub fn print_times(previewed: &Previewed, screen: &Screen) -> Result<u8, Error> {
    screen.answer(|| Reply::Preview(previewed.clone()).to_json(), |_| render::previewed(previewed))?;
    Ok(0)
}

/// Prints a page of the manual, or its table of contents.
pub fn guide(asked: &Guide, screen: &Screen) -> Result<u8, Error> {
    let Some(topic) = &asked.topic else {
        let pages = || guide::PAGES.iter().map(|page| json!({"topic": page.topic, "about": page.about}));
        let list = |_| {
            let mut text = String::from("Pages of the manual; read one with `chimewheel guide TOPIC`:\n\n");
            for page in guide::PAGES {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  {:<12} {}", page.topic, page.about);
            }
            text
        };
        screen.answer(|| Ok(json!({"pages": pages().collect::<Vec<_>>()})), list)?;
        return Ok(0);
    };
    let Some(page) = guide::PAGES.iter().find(|page| page.topic == topic) else {
        let known = guide::PAGES.iter().map(|page| page.topic);
        let hint = match nearest(topic, known.clone()) {
            Some(known) => format!("did you mean '{known}'?"),
            None => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
        };
        return Err(Error::new(Code::NotFound, format!("there is no page '{}'; {hint}", shorten(topic))));
    };
    screen.answer(|| Ok(json!({"topic": page.topic, "text": page.text})), |_| page.text.to_owned())?;
    Ok(0)
}

/// Checks or shows the config, which has been read without a problem.
pub fn config(command: &ConfigCommand, setup: &Setup, screen: &Screen) -> Result<u8, Error> {
    let file = setup.file.as_ref().map(|file| file.display().to_string());
    let notices = || {
        let notices = setup.config.notices.iter();
        notices.map(|notice| json!({"path": notice.path, "message": notice.message})).collect::<Vec<_>>()
    };
    if matches!(command, ConfigCommand::Check) {
        // Addresses and secrets are judged as the daemon will judge them.
        let gateways = outside::gateways(&setup.config, Out::Output).map(drop);
        let found = [gateways, outside::providers(&setup.config).map(drop), outside::minds(setup).map(drop)];
        let problems: Vec<Problem> = found.into_iter().filter_map(Result::err).flatten().collect();
        if !problems.is_empty() {
            return Err(Error::problems(problems));
        }
    }
    match command {
        ConfigCommand::Check => screen.answer(
            || Ok(json!({"file": file, "ok": true, "notices": notices()})),
            |_| {
                let mut text = match &file {
                    Some(file) => format!("{file} is in order.\n"),
                    None => "There is no config file; the defaults hold.\n".to_owned(),
                };
                for notice in &setup.config.notices {
                    // Writing to a String cannot fail.
                    let _ = writeln!(text, "note: {}: {}", notice.path, notice.message);
                }
                text
            },
        )?,
        ConfigCommand::Show => screen.answer(
            || Ok(json!({"file": file, "config": setup.config.to_json()})),
            |_| {
                let from = file.as_deref().unwrap_or("no file: the defaults");
                format!("# from {from}\n{}", setup.config.to_toml())
            },
        )?,
    }
    Ok(0)
}

/// Measures the wheel, the cron matcher, hooks, the engine, or all, one after the other.
pub fn bench(bench: &Bench, screen: &Screen) -> Result<u8, Error> {
    let wheel = || bench.wheel.run(&own_entrants(), &["bench", "wheel"]);
    let cron = || bench.cron.run(&[CronEntrant::of::<Own>()], &["bench", "cron"]);
    let hooks = || bench.hooks.run(&hooks::own_entrants(), &["bench", "hooks"]);
    let engine = |contest: &EngineContest| contest.run(&["bench", "engine"]);
    let glance = || engine(&bench.engine.at_a_glance());
    match bench.part {
        Some(BenchPart::Wheel) => print(&wheel()?.shown(screen.json))?,
        Some(BenchPart::Cron) => print(&cron()?.shown(screen.json))?,
        Some(BenchPart::Hooks) => print(&hooks()?.shown(screen.json))?,
        Some(BenchPart::Engine) => print(&engine(&bench.engine)?.shown(screen.json))?,
        None if screen.json => {
            let (wheel, cron, hooks) = (wheel()?.json, cron()?.json, hooks()?.json);
            let all = json!({"wheel": wheel, "cron": cron, "hooks": hooks, "engine": glance()?.json});
            print(&format!("{all:#}\n"))?;
        }
        None => {
            print(&(wheel()?.text + "\n"))?;
            print(&(cron()?.text + "\n"))?;
            print(&(hooks()?.text + "\n"))?;
            print(&glance()?.text)?;
        }
    }
    Ok(0)
}
