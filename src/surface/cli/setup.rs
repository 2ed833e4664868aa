//! What a command starts with: the config that holds, and logging.
//!
//! The config is the file named by `--config` or `CHIMEWHEEL_CONFIG`, else `chimewheel.toml` here, else the one in
//! `~/.config/chimewheel/`; none at all is fine. Options on the command line win over it.
//! Not here: what a config may say (`config`).

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::args::{Global, LogFormat};
use crate::calendar::Zone;
use crate::config::{Config, Format, Notice, Surroundings, conceal};
use crate::limits;
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::import::engine;
use crate::surface::log::{self, Logging};
use crate::surface::ops::preview::read_zone;
use crate::surface::tools;

const FILE_NAME: &str = "chimewheel.toml";

/// The config that holds, and where it came from.
#[derive(Debug)]
pub struct Setup {
    /// The config with the options of the command line laid over it.
    pub config: Config,
    /// Its default zone.
    pub zone: Zone,
    /// Its file, if there is one.
    pub file: Option<PathBuf>,
}

/// A config file that is wrong: its name, its text, and everything wrong with it.
#[derive(Debug)]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// Its text, without the secrets that were written into it.
    pub text: String,
    /// The mistakes.
    pub problems: Vec<Problem>,
}

/// Why there is no setup.
#[derive(Debug)]
pub enum SetupError {
    /// The config is wrong.
    Broken(Broken),
    /// Something else is.
    Other(Error),
}

impl Setup {
    /// Finds and reads the config.
    pub fn find(global: &Global) -> Result<Self, SetupError> {
        let home = env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let (file, text) = match find_file(global, home.as_deref()).map_err(SetupError::Other)? {
            Some((file, text)) => (Some(file), text),
            None => (None, String::new()),
        };
        let base = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let around = Surroundings {
            base,
            home: home.as_deref(),
            zone: &|name| read_zone(name).map(|_| ()),
            filter: &|text| log::read_filter(text).map(|_| ()),
            tool: &|name| tools::check_name(name),
        };
        let mut config = match (Config::read(&text, around), file.clone()) {
            (Ok(config), _) => config,
            (Err(problems), Some(file)) => return Err(broken(file, &text, problems)),
            (Err(problems), None) => return Err(SetupError::Other(Error::problems(problems))),
        };
        if let Some(file) = config.engine_json.clone() {
            config = with_engine_json(config, &file, around).map_err(SetupError::Other)?;
        }
        // The config has been judged by the same function, so this cannot fail.
        let zone = read_zone(&config.timezone).map_err(|problem| SetupError::Other(Error::bad_input(problem)))?;
        if let Some(data) = &global.data {
            config.data.clone_from(data);
        }
        if let Some(level) = &global.log_level {
            log::read_filter(level).map_err(|problem| {
                SetupError::Other(Error::bad_input(Problem { path: "--log-level".into(), ..problem }))
            })?;
            config.log.level = Some(level.clone());
        } else if let Some(level) = env::var("RUST_LOG").ok().filter(|level| !level.is_empty()) {
            log::read_filter(&level).map_err(|problem| {
                SetupError::Other(Error::bad_input(Problem { path: "RUST_LOG".into(), ..problem }))
            })?;
            config.log.level = Some(level);
        }
        match global.log_format {
            Some(LogFormat::Text) => config.log.format = Format::Text,
            Some(LogFormat::Json) => config.log.format = Format::Json,
            None => {}
        }
        Ok(Self { config, zone, file })
    }

    /// Starts logging, at `level` unless something else is said.
    pub fn start_log(&self, level: &str, colour: bool) -> Result<(), Error> {
        let filter = self.config.log.level.as_deref().unwrap_or(level);
        log::start(&Logging { filter, format: self.config.log.format, colour })
    }
}

/// The config with what an `engine.json` says of models and the heartbeat; what else is in it earns notices.
fn with_engine_json(config: Config, file: &Path, around: Surroundings<'_>) -> Result<Config, Error> {
    let refused = |problems: Vec<Problem>| {
        let place = |path: &str| format!("engine_json: {}: {path}", file.display());
        let named =
            |problem: Problem| Problem { path: place(&problem.path).trim_end_matches(": ").to_owned(), ..problem };
        Error::problems(problems.into_iter().map(named).collect())
    };
    let text = read_file(file)?.ok_or_else(|| {
        refused(vec![Problem::new("", "there is no such file").hint("put it there, or leave engine_json out")])
    })?;
    let keys = engine::read(&text, around).map_err(refused)?;
    let wrong: Vec<Problem> = keys.iter().filter_map(|key| key.problem.clone()).collect();
    if !wrong.is_empty() {
        return Err(refused(wrong));
    }
    let said = Config::read(&engine::to_toml(&keys), around).map_err(refused)?;
    let mut config = config.or(&said);
    let unread = keys.iter().filter(|key| key.line.is_none()).filter_map(|key| Some((key, key.note.as_ref()?)));
    config.notices.extend(
        unread.map(|(key, note)| Notice { path: format!("engine_json: {}", key.path), message: note.clone() }),
    );
    Ok(config)
}

fn broken(file: PathBuf, text: &str, problems: Vec<Problem>) -> SetupError {
    SetupError::Broken(Broken { file, text: conceal(text), problems })
}

fn find_file(global: &Global, home: Option<&Path>) -> Result<Option<(PathBuf, String)>, Error> {
    if let Some(file) = &global.config {
        let text = read_file(file)?.ok_or_else(|| {
            let message = format!("there is no config file {}", file.display());
            Error::new(Code::BadInput, message)
        })?;
        return Ok(Some((file.clone(), text)));
    }
    let in_home = home.map(|home| home.join(".config").join("chimewheel").join(FILE_NAME));
    for file in [Some(PathBuf::from(FILE_NAME)), in_home].into_iter().flatten() {
        if let Some(text) = read_file(&file)? {
            return Ok(Some((file, text)));
        }
    }
    Ok(None)
}

fn read_file(file: &Path) -> Result<Option<String>, Error> {
    let refused = |why: String| Error::new(Code::BadInput, format!("cannot read {}: {why}", file.display()));
    match fs::metadata(file) {
        Ok(metadata) if metadata.len() > limits::FILE_BYTES_MAX as u64 => {
            return Err(refused(format!("it is longer than {} bytes", limits::FILE_BYTES_MAX)));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error.to_string())),
    }
    fs::read_to_string(file).map(Some).map_err(|error| refused(error.to_string()))
}
