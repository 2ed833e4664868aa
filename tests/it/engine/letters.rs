//! Dead letters that are tried again, or dropped.

use std::collections::BTreeSet;

use chimewheel::engine::change::{Outcome, Phase, Run};
use chimewheel::engine::{Again, Input, Letter, OpId};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::spec::Payload;
use expect_test::expect;

use super::check;
use super::world::World;

impl World {
    /// Tries every dead letter of a schedule again, the oldest first; `ID/2`: of the last one, the second delivery.
    pub fn retry(&mut self, id: &str) {
        let (id, delivery) = id.split_once('/').map_or((id, 0), |(id, number)| (id, number.parse().unwrap()));
        let key = self.keys[id];
        for run in self.given_up(key) {
            let again = self.again(&run, delivery);
            self.ask(key, Input::Retry { op: OpId(0), letter: Box::new(Letter { run, again }) });
        }
    }

    pub fn drop_letters(&mut self, key: ScheduleKey) {
        for run in self.given_up(key) {
            self.ask(key, Input::Drop { op: OpId(0), run: Box::new(run) });
        }
    }

    fn given_up(&self, key: ScheduleKey) -> Vec<Run> {
        let of_key = self.disk.runs.range(OccurrenceId::all_of(key)).map(|(_, run)| run);
        let is_letter = |run: &&Run| run.is_given_up() || run.retried.is_some() && !run.is_settled();
        let mut runs: Vec<Run> =
            of_key.filter(|run| is_letter(run) && run.occurrence.delivery == 0).cloned().collect();
        runs.sort_by_key(|run| run.occurrence.due);
        runs
    }

    fn again(&self, run: &Run, delivery: u16) -> Again {
        let count = run.execution.as_ref().map_or(0, |execution| execution.deliveries);
        let schedule = &self.disk.schedules[&run.occurrence.schedule];
        let is_literal = matches!(schedule.payload, Payload::Message(_)) && schedule.hook.is_none();
        if count > 0 {
            let all: Vec<Run> = run.occurrence.deliveries(count).map(|one| self.disk.runs[&one].clone()).collect();
            let is_failed = |one: &&Run| matches!(&one.phase, Phase::Settled { outcome: Outcome::Failed { .. }, .. });
            let failed: BTreeSet<u16> = all.iter().filter(is_failed).map(|one| one.occurrence.delivery).collect();
            let chosen = failed.into_iter().filter(|one| delivery == 0 || delivery == *one).collect();
            Again::Deliveries { all, chosen }
        } else if is_literal || self.disk.texts.contains_key(&run.occurrence) {
            Again::Send
        } else {
            Again::Run
        }
    }
}

#[test]
fn attempts_and_age_begin_anew_and_a_success_ends_the_row_of_failures() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h attempts 2 backoff 10s max_age 5m
        gateway note: retry, retry, permanent, retry, retry, ok
        advance 2h
        show note
        advance 10m
        retry note
        advance 10m
        show note
        retry note
        advance 1m
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> retry
            2026-01-01T01:00:10Z send note due 2026-01-01T01:00:00Z attempt 2 -> retry
            2026-01-01T01:00:10Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send note -> permanent
            2026-01-01T02:00:00Z failed(no) note due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z show note: Active generation 1 runs 2 failures 2 next 2026-01-01T03:00:00Z
            2026-01-01T02:10:00Z send note due 2026-01-01T01:00:00Z -> retry
            2026-01-01T02:10:10Z send note due 2026-01-01T01:00:00Z attempt 2 -> retry
            2026-01-01T02:10:10Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:10:10Z send note due 2026-01-01T02:00:00Z
            2026-01-01T02:20:00Z show note: Active generation 1 runs 2 failures 0 next 2026-01-01T03:00:00Z
            2026-01-01T02:20:00Z send note due 2026-01-01T01:00:00Z
            2026-01-01T02:21:00Z show note: Active generation 1 runs 2 failures 0 next 2026-01-01T03:00:00Z
        "#]],
    );
}

#[test]
fn a_schedule_that_has_ended_is_recalled() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: at 2026-01-01T01:00Z attempts 1
        gateway note: retry, ok
        advance 2h
        down 1h
        retry note
        show note
        retry note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> retry
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T03:00:00Z send note due 2026-01-01T01:00:00Z
            2026-01-01T03:00:00Z show note: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_text_that_is_there_is_not_made_again_and_a_run_that_failed_is() {
    check(
        "
        at 2026-01-01T00:00Z
        add report: at 2026-01-01T01:00Z task x
        runner report: ok 5s
        gateway report: permanent
        advance 2h
        retry report
        advance 1m
        add check: at 2026-01-01T03:00Z task x
        runner check: permanent 5s
        advance 1h
        retry check
        retry check
        advance 1m
        show check
        ",
        expect![[r#"
            2026-01-01T01:00:00Z run report -> ok 5s
            2026-01-01T01:00:05Z send report due 2026-01-01T01:00:00Z -> permanent
            2026-01-01T01:00:05Z failed(no) report due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send report due 2026-01-01T01:00:00Z
            2026-01-01T03:00:00Z run check -> permanent 5s
            2026-01-01T03:00:05Z failed(no) check due 2026-01-01T03:00:00Z
            2026-01-01T03:01:00Z run check due 2026-01-01T03:00:00Z
            2026-01-01T03:01:00Z send check due 2026-01-01T03:00:00Z
            2026-01-01T03:02:00Z show check: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn of_several_deliveries_those_that_failed_are_sent() {
    check(
        "
        at 2026-01-01T00:00Z
        add news: at 2026-01-01T01:00Z own hook fan
        runner news: to ada bob -
        gateway news: permanent, ok, permanent, permanent
        advance 2h
        retry news/1
        retry news
        show news
        ",
        expect![[r#"
            2026-01-01T01:00:00Z run news -> to ada bob -
            2026-01-01T01:00:00Z send news/1 -> permanent
            2026-01-01T01:00:00Z send news/2
            2026-01-01T01:00:00Z send news/3 -> permanent
            2026-01-01T01:00:00Z failed(no) news/1 due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z failed(no) news/3 due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z failed(2 of 3 deliveries failed: console:ada: no; the schedule's destination: no) news due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send news/1 due 2026-01-01T01:00:00Z -> permanent
            2026-01-01T02:00:00Z failed(no) news/1 due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z failed(2 of 3 deliveries failed: the schedule's destination: no; console:ada: no) news due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send news/1 due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send news/3 due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z show news: Completed generation 1 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn a_kill_leaves_it_dead_or_tried_again() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: at 2026-01-01T01:00Z attempts 1 backoff 10s
        gateway note: retry, hangs
        advance 2h
        retry note
        retry note
        down 10m
        show note
        add slow: at 2026-01-01T04:00Z task x attempts 1
        runner slow: permanent 5s, ok 1h
        advance 2h
        retry slow
        advance 1m
        down 1m
        show slow
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> retry
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send note due 2026-01-01T01:00:00Z -> hangs
            2026-01-01T02:00:00Z refused: it is being tried again
            2026-01-01T02:10:00Z send note due 2026-01-01T01:00:00Z
            2026-01-01T02:10:00Z show note: Completed generation 1 runs 1 failures 0 next -
            2026-01-01T04:00:00Z run slow -> permanent 5s
            2026-01-01T04:00:05Z failed(no) slow due 2026-01-01T04:00:00Z
            2026-01-01T04:10:00Z run slow due 2026-01-01T04:00:00Z -> ok 1h
            2026-01-01T04:12:00Z failed(the process ended before the run did) slow due 2026-01-01T04:00:00Z
            2026-01-01T04:12:00Z show slow: Completed generation 1 runs 1 failures 1 next -
        "#]],
    );
}

#[test]
fn a_failure_that_was_counted_is_not_counted_again() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h attempts 1 pause_after 3
        gateway note: permanent, permanent, permanent, permanent, permanent
        advance 2h
        retry note
        show note
        advance 1h
        show note
        advance 1m
        retry note
        advance 1m
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> permanent
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send note -> permanent
            2026-01-01T02:00:00Z failed(no) note due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z send note due 2026-01-01T01:00:00Z -> permanent
            2026-01-01T02:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z send note -> permanent
            2026-01-01T02:00:00Z failed(no) note due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z show note: Active generation 1 runs 2 failures 2 next 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z send note -> permanent
            2026-01-01T03:00:00Z failed(no) note due 2026-01-01T03:00:00Z
            2026-01-01T03:00:00Z tell note due 2026-01-01T02:59:59.999Z
            2026-01-01T03:00:00Z show note: Failing generation 1 runs 3 failures 3 next 2026-01-01T04:00:00Z
            2026-01-01T03:01:00Z send note due 2026-01-01T01:00:00Z
            2026-01-01T03:01:00Z send note due 2026-01-01T02:00:00Z
            2026-01-01T03:01:00Z send note due 2026-01-01T03:00:00Z
            2026-01-01T03:02:00Z show note: Failing generation 1 runs 3 failures 3 next 2026-01-01T04:00:00Z
        "#]],
    );
}

#[test]
fn runs_that_are_made_again_wait_for_each_other_whatever_the_policy() {
    check(
        "
        at 2026-01-01T00:00Z
        add tick: every 1h task x overlap skip
        runner tick: permanent 5s, permanent 5s, ok 10s, ok 10s
        advance 2h
        advance 1m
        retry tick
        advance 1m
        runner tick: permanent 5s, ok 5s, ok 10s
        advance 1h
        run tick
        advance 1s
        retry tick
        pause tick
        advance 1m
        show tick
        ",
        expect![[r#"
            2026-01-01T01:00:00Z run tick -> permanent 5s
            2026-01-01T01:00:05Z failed(no) tick due 2026-01-01T01:00:00Z
            2026-01-01T02:00:00Z run tick -> permanent 5s
            2026-01-01T02:00:05Z failed(no) tick due 2026-01-01T02:00:00Z
            2026-01-01T02:01:00Z run tick due 2026-01-01T01:00:00Z -> ok 10s
            2026-01-01T02:01:10Z send tick due 2026-01-01T01:00:00Z
            2026-01-01T02:01:10Z run tick due 2026-01-01T02:00:00Z -> ok 10s
            2026-01-01T02:01:20Z send tick due 2026-01-01T02:00:00Z
            2026-01-01T03:00:00Z run tick -> permanent 5s
            2026-01-01T03:00:05Z failed(no) tick due 2026-01-01T03:00:00Z
            2026-01-01T03:02:00Z run tick -> ok 5s
            2026-01-01T03:02:01Z failed(it was given up before, and not run again: its schedule was paused, or the clock set back) tick due 2026-01-01T03:00:00Z
            2026-01-01T03:02:05Z send tick due 2026-01-01T03:02:00Z
            2026-01-01T03:03:01Z show tick: Paused generation 1 runs 3 failures 0 next 2026-01-01T04:00:00Z
        "#]],
    );
}

#[test]
fn what_ended_with_its_schedule_is_not_tried_again() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h attempts 1
        gateway note: permanent
        advance 1h
        cancel note
        retry note
        add other: at 2026-01-01T02:00Z attempts 2 backoff 1m
        gateway other: permanent, retry
        advance 1h
        retry other
        cancel other
        advance 1h
        show other
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> permanent
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z refused: it has ended
            2026-01-01T02:00:00Z send other -> permanent
            2026-01-01T02:00:00Z failed(no) other due 2026-01-01T02:00:00Z
            2026-01-01T02:00:00Z send other -> retry
            2026-01-01T02:00:00Z cancelled other due 2026-01-01T02:00:00Z
            2026-01-01T03:00:00Z show other: Cancelled generation 1 runs 1 failures 1 next -
        "#]],
    );
}

#[test]
fn one_that_was_seen_stays_failed_and_may_still_be_tried_again() {
    check(
        "
        at 2026-01-01T00:00Z
        add note: every 1h attempts 1
        gateway note: permanent, ok
        advance 1h
        drop note
        drop note
        show note
        retry note
        drop note
        show note
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send note -> permanent
            2026-01-01T01:00:00Z failed(no) note due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z dropped(no) note due 2026-01-01T01:00:00Z
            2026-01-01T01:00:00Z unchanged
            2026-01-01T01:00:00Z show note: Active generation 1 runs 1 failures 1 next 2026-01-01T02:00:00Z
            2026-01-01T01:00:00Z send note
            2026-01-01T01:00:00Z show note: Active generation 1 runs 1 failures 0 next 2026-01-01T02:00:00Z
        "#]],
    );
}
