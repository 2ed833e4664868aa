//! Every runner by itself: what it answers, and what it calls a failure.

use std::fs;
use std::path::{Path, PathBuf};

use chimewheel::runner::command::Command;
use chimewheel::runner::echo::Echo;
use chimewheel::runner::{Answer, Prompt, RunError, Runner};
use chimewheel::time::Span;

fn ask(runner: &dyn Runner, instruction: &str) -> Result<Answer, RunError> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let prompt = Prompt::new("tiny; $(echo no)", instruction);
    tokio.block_on(runner.run(prompt))
}

/// A program that is a script of the system's shell.
fn script(folder: &Path, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("ask");
    // Written by another process: a file that this one holds open for writing cannot be run meanwhile, and a fork of
    // another test would hold it.
    let source = folder.join("source");
    fs::write(&source, format!("#!/bin/sh\n{text}\n")).unwrap();
    assert!(std::process::Command::new("cp").args([&source, &path]).status().unwrap().success());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What a script answers, in one line.
fn answer(text: &str, args: &[&str], instruction: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), text);
    let command = Command::new(program, args.iter().map(|arg| (*arg).to_owned()).collect());
    let told = match ask(&command, instruction) {
        Ok(Answer { text, model, .. }) => format!("{model}: {text:?}"),
        Err(RunError::Retry { error, after }) => format!("retry {after:?}: {error}"),
        Err(RunError::Paid { error, .. }) => panic!("a command is not paid: {error}"),
        Err(RunError::Permanent { error }) => format!("permanent: {error}"),
        Err(RunError::Ambiguous { error }) => format!("ambiguous: {error}"),
    };
    told.replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn an_echo_answers_with_the_instruction() {
    let said = Answer {
        text: "sum up".to_owned(),
        model: "tiny; $(echo no)".to_owned(),
        tokens: None,
        calls: Vec::new(),
        is_silent: false,
    };
    assert_eq!(ask(&Echo::default(), "sum up\n"), Ok(said.clone()));
    assert_eq!(ask(&Echo::new(Span::from_millis(20)), "sum up"), Ok(said));
}

#[test]
fn a_command_reads_the_instruction_and_its_output_is_the_answer() {
    assert_eq!(answer("cat", &[], "sum\nup"), "tiny; $(echo no): \"sum\\nup\"");
    assert_eq!(answer("echo; echo '  two '; echo", &[], "x"), "tiny; $(echo no): \"\\n  two\"");
    assert_eq!(answer("echo hi", &[], &"long ".repeat(13_000)), "tiny; $(echo no): \"hi\"", "it need not read");
}

#[test]
fn no_shell_reads_what_a_command_is_given() {
    let said = answer("printf '%s|' \"$@\"", &["--model", "{model}", "a b", "$HOME", "*"], "x");
    assert_eq!(said, "tiny; $(echo no): \"--model|tiny; $(echo no)|a b|$HOME|*|\"");
}

#[test]
fn the_environment_of_a_command_is_clean() {
    let said = answer("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort", &[], "x");
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(said, format!("tiny; $(echo no): \"LANG=C.UTF-8\\nPATH={path}\""));
}

#[test]
fn a_command_that_fails_says_why() {
    let table = [
        ("echo half; echo 'no  key' >&2; exit 3", "retry None: FOLDER/ask ended with exit status: 3: no key"),
        ("kill -9 $$", "retry None: FOLDER/ask ended with signal: 9 (SIGKILL)"),
        ("true", "retry None: the answer is empty"),
        ("echo ' '", "retry None: the answer is empty"),
        ("yes", "permanent: the answer is longer than 65536 bytes"),
        ("printf 'a\\377'", "permanent: the answer is not UTF-8"),
        ("printf 'a\\000b'", "permanent: the answer holds a NUL character"),
    ];
    for (text, told) in table {
        assert_eq!(answer(text, &[], "x"), told, "{text}");
    }
    let none = Command::new("/nonexistent/ask".into(), Vec::new());
    assert!(matches!(ask(&none, "x"), Err(RunError::Permanent { error }) if error.contains("/nonexistent/ask")));
}

/// What a command leaves behind holds its pipes open; it ends with the command.
#[test]
fn what_a_command_started_ends_with_it() {
    assert_eq!(answer("cat /dev/zero > /dev/null & echo done", &[], "x"), "tiny; $(echo no): \"done\"");
}
