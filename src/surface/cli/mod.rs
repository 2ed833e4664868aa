//! The command line: reads arguments, asks for operations, prints answers.
//!
//! A command asks the daemon that owns the data folder, and opens the store itself where none runs. `next`,
//! `guide` and `config` need neither. Exit codes are those of [`Code`].
//! Not here: what operations do.

mod agents;
mod args;
mod bench_args;
mod books;
mod bridge;
mod bring;
mod brought;
mod commands;
mod costs;
mod doctor;
mod engine;
mod fields;
mod heartbeat;
mod held;
mod hook;
mod hook_args;
mod hook_test;
mod hook_tried;
mod import;
mod import_args;
mod letters;
mod offline;
mod outside;
mod reach;
pub mod render;
mod screen;
mod scripts;
mod serve;
mod sessions;
mod setup;
mod storage;
mod store_args;
mod tool_args;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use self::args::Import;
pub use self::args::{Cli, Command, Global};
pub use self::fields::{Fields, ScheduleFields, clear};
use self::screen::{Screen, complain, print};
use self::setup::Setup;
use super::error::{Code, Error};
use crate::runtime::clock::Clock;

/// Runs one command line and gives its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>, clock: Arc<dyn Clock>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => ExitCode::from(dispatch(cli, &clock)),
        Err(told) => {
            let text = told.render();
            if told.use_stderr() {
                // What cannot be read as a whole may still say in which form it wants its answer.
                if arguments.iter().any(|argument| argument == "--json") {
                    let error = Error::new(Code::BadInput, first_words(&text.to_string()));
                    return ExitCode::from(Screen::of_process(true, clock.now()).trouble(&error));
                }
                complain(&text.to_string());
                return ExitCode::from(Code::BadInput.exit());
            }
            match print(&text.to_string()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => ExitCode::from(error.code.exit()),
            }
        }
    }
}

/// What is wrong with a command line, without the usage that follows.
fn first_words(text: &str) -> String {
    let words = text.split("\n\n").next().unwrap_or(text);
    let words = words.strip_prefix("error: ").unwrap_or(words);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn dispatch(cli: Cli, clock: &Arc<dyn Clock>) -> u8 {
    let screen = Screen::of_process(cli.global.json, clock.now());
    // The manual and the doctor are for those, too, whose config is broken; measuring needs none.
    match &cli.command {
        Command::Guide(guide) => return done(offline::guide(guide, &screen), &screen),
        Command::Bench(bench) => return done(offline::bench(bench, &screen), &screen),
        _ => {}
    }
    let found = Setup::find(&cli.global);
    if let Command::Doctor = cli.command {
        return done(doctor::run(&cli.global, found, clock, &screen), &screen);
    }
    let setup = match found {
        Ok(setup) => setup,
        Err(error) => return screen.setup_trouble(&error),
    };
    // The protocol's library tells of every message.
    let level = if matches!(cli.command, Command::Serve(_) | Command::Mcp(_)) { "info,rmcp=warn" } else { "warn" };
    if let Err(error) = setup.start_log(level, screen.look.colour) {
        return screen.trouble(&error);
    }
    match cli.command {
        Command::Guide(_) | Command::Bench(_) | Command::Doctor => Code::Failed.exit(),
        Command::Hook(asked) => done(hook::run(&asked, &setup, clock, &screen), &screen),
        Command::Config(command) => done(offline::config(&command, &setup, &screen), &screen),
        Command::Next(next) if next.schedule.is_none() => done(offline::next(&next, &setup, &screen), &screen),
        Command::Verify(verify) => done(storage::verify_store(&verify, &setup, &screen), &screen),
        Command::Restore(restore) => done(storage::restore(&restore, &setup, &screen), &screen),
        Command::Compact => done(storage::compact(&setup, &screen), &screen),
        Command::Import(Import::EngineJson(asked)) => done(bring::engine_json(&asked, &setup, &screen), &screen),
        Command::Serve(serve) => done(serve::run(&serve, setup, Arc::clone(clock), &screen), &screen),
        Command::Mcp(mcp) => done(agents::mcp(&mcp, setup, Arc::clone(clock)), &screen),
        Command::Tools(tools) => done(agents::tools(&tools, &setup, clock, &screen), &screen),
        command => done(commands::run(command, &setup, clock, &screen), &screen),
    }
}

fn done(outcome: Result<u8, Error>, screen: &Screen) -> u8 {
    outcome.unwrap_or_else(|error| screen.trouble(&error))
}
