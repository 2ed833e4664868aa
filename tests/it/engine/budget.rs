//! What runs may spend: reserved before a call, settled after it, kept over restarts and days.

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::engine::change::{DaySpent, Kept, Outcome, Phase};
use chimewheel::engine::{Budgets, Options, Start};
use chimewheel::id::ScheduleKey;
use chimewheel::time::{Span, Timestamp};
use expect_test::expect;

use super::check;
use super::words::cost;
use super::world::World;

#[test]
fn a_schedule_spends_no_more_in_a_day_than_it_may() {
    check(
        r#"
        at 2026-01-01T12:00Z
        add news: every 4h task sum cost 0.50
        runner news: ok + pays 0.30 0.20, ok + pays 0.30 0.20, ok + pays 0.30 0.20, ok + pays 0.30 0.20
        advance 24h
        show news
        "#,
        expect![[r#"
            2026-01-01T16:00:00Z run news -> ok + pays 0.30 0.20
            2026-01-01T16:00:00Z send news
            2026-01-01T20:00:00Z run news -> ok + pays 0.30 0.20
            2026-01-01T20:00:00Z send news
            2026-01-02T00:00:00Z run news -> ok + pays 0.30 0.20
            2026-01-02T00:00:00Z send news
            2026-01-02T04:00:00Z run news -> ok + pays 0.30 0.20
            2026-01-02T04:00:00Z send news
            2026-01-02T08:00:00Z run news
            2026-01-02T08:00:00Z send news
            2026-01-02T12:00:00Z run news
            2026-01-02T12:00:00Z send news
            2026-01-02T12:00:00Z show news: Active generation 1 runs 6 failures 0 next 2026-01-02T16:00:00Z
        "#]],
    );
}

#[test]
fn what_would_be_too_much_is_skipped_and_the_owner_told_once_a_day() {
    check(
        r#"
        at 2026-01-01T12:00Z
        add news: every 1h task sum cost 0.50
        runner news: ok + pays 0.30 0.21, ok + pays 0.30, ok + pays 0.30 0.1, retry + pays 0.1 0, ok + pays 0.3
        advance 4h
        show news
        advance 9h
        "#,
        expect![[r#"
            2026-01-01T13:00:00Z run news -> ok + pays 0.30 0.21
            2026-01-01T13:00:00Z send news
            2026-01-01T14:00:00Z run news -> ok + pays 0.30
            2026-01-01T14:00:00Z skip(budget: the schedule may spend 0.5 a day (budget.max_cost_per_day); 0.21 is spent or reserved today, and this run may cost up to 0.3) news due 2026-01-01T14:00:00Z
            2026-01-01T14:00:00Z tell news due 2026-01-01T13:59:59.999Z
            2026-01-01T15:00:00Z run news -> ok + pays 0.30 0.1
            2026-01-01T15:00:00Z skip(budget: the schedule may spend 0.5 a day (budget.max_cost_per_day); 0.21 is spent or reserved today, and this run may cost up to 0.3) news due 2026-01-01T15:00:00Z
            2026-01-01T16:00:00Z run news -> retry + pays 0.1 0
            2026-01-01T16:00:00Z show news: Active generation 1 runs 2 failures 0 next 2026-01-01T17:00:00Z
            2026-01-01T16:00:01Z run news due 2026-01-01T16:00:00Z attempt 2 -> ok + pays 0.3
            2026-01-01T16:00:01Z skip(budget: the schedule may spend 0.5 a day (budget.max_cost_per_day); 0.21 is spent or reserved today, and this run may cost up to 0.3) news due 2026-01-01T16:00:00Z
            2026-01-01T17:00:00Z run news
            2026-01-01T17:00:00Z send news
            2026-01-01T18:00:00Z run news
            2026-01-01T18:00:00Z send news
            2026-01-01T19:00:00Z run news
            2026-01-01T19:00:00Z send news
            2026-01-01T20:00:00Z run news
            2026-01-01T20:00:00Z send news
            2026-01-01T21:00:00Z run news
            2026-01-01T21:00:00Z send news
            2026-01-01T22:00:00Z run news
            2026-01-01T22:00:00Z send news
            2026-01-01T23:00:00Z run news
            2026-01-01T23:00:00Z send news
            2026-01-02T00:00:00Z run news
            2026-01-02T00:00:00Z send news
            2026-01-02T01:00:00Z run news
            2026-01-02T01:00:00Z send news
        "#]],
    );
}

/// Who is under way counts with the most that it may take, so not both can begin.
#[test]
fn what_is_reserved_counts_while_it_is_under_way() {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let budgets = Arc::new(Budgets { all: Some(cost("1")), agents: BTreeMap::new() });
    let mut world = World::with(begin, Options { budgets, ..Options::default() });
    for (key, id) in (1..).zip(["a", "b", "c"]) {
        world.add(id, "at 2026-01-01T00:01Z task sum", Start::Active);
        world.script_runner(ScheduleKey(key), "ok 10s + pays 0.60 0.10");
    }
    world.add("d", "at 2026-01-01T00:02Z task sum", Start::Active);
    world.script_runner(ScheduleKey(4), "ok 10s + pays 0.90 0.10");
    world.advance(Span::from_seconds(180));
    expect![[r#"
        2026-01-01T00:01:00Z run a -> ok 10s + pays 0.60 0.10
        2026-01-01T00:01:00Z run b -> ok 10s + pays 0.60 0.10
        2026-01-01T00:01:00Z run c -> ok 10s + pays 0.60 0.10
        2026-01-01T00:01:00Z skip(budget: everybody together may spend 1 a day (budget.cost_per_day of the config); 0.6 is spent or reserved today, and this run may cost up to 0.6) b due 2026-01-01T00:01:00Z
        2026-01-01T00:01:00Z skip(budget: everybody together may spend 1 a day (budget.cost_per_day of the config); 0.6 is spent or reserved today, and this run may cost up to 0.6) c due 2026-01-01T00:01:00Z
        2026-01-01T00:01:00Z tell b due 2026-01-01T00:00:59.999Z
        2026-01-01T00:01:00Z tell c due 2026-01-01T00:00:59.999Z
        2026-01-01T00:01:10Z send a due 2026-01-01T00:01:00Z
        2026-01-01T00:02:00Z run d -> ok 10s + pays 0.90 0.10
        2026-01-01T00:02:10Z send d due 2026-01-01T00:02:00Z
    "#]].assert_eq(&world.log);
    assert_eq!(spent(&world, 1), "0.1");
}

fn spent(world: &World, key: u64) -> String {
    let kept = world.disk.kept[&(ScheduleKey(key), Kept::Spent)].clone();
    DaySpent::from_kept(&kept.unwrap()).unwrap()[0].cost.to_string()
}

#[test]
fn an_agent_has_a_limit_of_its_own() {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let budgets = Arc::new(Budgets { all: None, agents: BTreeMap::from([("tester".to_owned(), cost("0.5"))]) });
    let mut world = World::with(begin, Options { budgets, ..Options::default() });
    for (key, id) in (1..).zip(["a", "b"]) {
        world.add(id, &format!("at 2026-01-01T00:0{key}Z task sum chat x"), Start::Active);
        world.script_runner(ScheduleKey(key), "ok + pays 0.60 0.10");
    }
    world.advance(Span::from_seconds(180));
    expect![[r#"
        2026-01-01T00:01:00Z run a -> ok + pays 0.60 0.10
        2026-01-01T00:01:00Z skip(budget: agent 'tester' may spend 0.5 a day (agents.tester.quota.cost_per_day); 0 is spent or reserved today, and this run may cost up to 0.6) a due 2026-01-01T00:01:00Z
        2026-01-01T00:01:00Z tell a due 2026-01-01T00:00:59.999Z
        2026-01-01T00:02:00Z run b -> ok + pays 0.60 0.10
        2026-01-01T00:02:00Z skip(budget: agent 'tester' may spend 0.5 a day (agents.tester.quota.cost_per_day); 0 is spent or reserved today, and this run may cost up to 0.6) b due 2026-01-01T00:02:00Z
    "#]].assert_eq(&world.log);
}

/// Killed at any step: what was durable when a call could be made counts, at least.
#[test]
fn a_process_that_ends_in_the_middle_of_a_call_has_spent_the_most_that_it_may() {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let mut cut_off = 0;
    for fuse in 1..80 {
        let budgets = Arc::new(Budgets { all: Some(cost("1")), agents: BTreeMap::new() });
        let mut world = World::with(begin, Options { budgets, ..Options::default() });
        world.add("a", "at 2026-01-01T00:01Z task sum backoff 1s", Start::Active);
        world.script_runner(ScheduleKey(1), "ok 10s + pays 0.60 0.10, ok 10s + pays 0.60 0.10");
        world.fuse = Some(fuse);
        world.advance(Span::from_seconds(65));
        world.fuse = Some(0);
        world.boot();
        world.advance(Span::from_seconds(60));
        let run = world.disk.runs.values().find(|run| run.occurrence.schedule == ScheduleKey(1)).unwrap();
        let Phase::Settled { outcome, .. } = &run.phase else { panic!("it is over: {}", world.log) };
        let paid = run.execution.as_ref().unwrap().spent.cost;
        match outcome {
            Outcome::Delivered { .. } => assert_eq!(paid, cost("0.1"), "{}", world.log),
            // The first call may have been paid, and a second one could cost as much again.
            Outcome::Failed { error } => {
                cut_off += 1;
                assert!(error.contains("budget"), "{error}");
                assert_eq!((paid, spent(&world, 1)), (cost("0.6"), "0.6".to_owned()), "{}", world.log);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(cut_off > 0, "some kill came in the middle of a call");
}

/// A machine that starts with its clock in the wrong century, before it is set right.
#[test]
fn a_start_on_another_day_forgets_nothing_of_this_one() {
    check(
        r#"
        at 2026-01-01T12:00Z
        add news: at 2026-01-01T13:00Z task sum cost 0.50
        runner news: ok + pays 0.40 0.40, ok + pays 0.40
        advance 2h
        down -400000h
        advance 1h
        clock 400000h
        run news
        "#,
        expect![[r#"
            2026-01-01T13:00:00Z run news -> ok + pays 0.40 0.40
            2026-01-01T13:00:00Z send news
            2026-01-01T15:00:00Z run news -> ok + pays 0.40
            2026-01-01T15:00:00Z skip(budget: the schedule may spend 0.5 a day (budget.max_cost_per_day); 0.4 is spent or reserved today, and this run may cost up to 0.4) news due 2026-01-01T15:00:00Z
            2026-01-01T15:00:00Z tell news due 2026-01-01T14:59:59.999Z
        "#]],
    );
    check(
        r#"
        at 2026-01-01T12:00Z
        add news: at 2026-01-01T13:00Z task sum cost 0.50
        runner news: ok + pays 0.40 0.40, ok + pays 0.40
        advance 2h
        down 400000h
        advance 1h
        clock -400000h
        run news
        "#,
        expect![[r#"
            2026-01-01T13:00:00Z run news -> ok + pays 0.40 0.40
            2026-01-01T13:00:00Z send news
            2026-01-01T15:00:00Z run news -> ok + pays 0.40
            2026-01-01T15:00:00Z skip(budget: the schedule may spend 0.5 a day (budget.max_cost_per_day); 0.4 is spent or reserved today, and this run may cost up to 0.4) news due 2026-01-01T15:00:00Z
            2026-01-01T15:00:00Z tell news due 2026-01-01T14:59:59.999Z
        "#]],
    );
}

#[test]
fn a_clock_that_is_set_back_over_midnight_begins_no_new_day() {
    check(
        r#"
        at 2026-01-01T23:00Z
        add news: every 30m task sum cost 0.50
        runner news: ok + pays 0.40 0.40, ok + pays 0.40 0.40, ok + pays 0.40 0.40, ok + pays 0.40 0.40, ok + pays 0.4
        advance 90m
        clock -1h
        advance 90m
        "#,
        expect![[r#"
            2026-01-01T23:30:00Z run news -> ok + pays 0.40 0.40
            2026-01-01T23:30:00Z send news
            2026-01-02T00:00:00Z run news -> ok + pays 0.40 0.40
            2026-01-02T00:00:00Z send news
            2026-01-02T00:30:00Z run news -> ok + pays 0.40 0.40
            2026-01-02T00:30:00Z skip(budget: the schedule may spend 0.5 a day (budget.max_cost_per_day); 0.4 is spent or reserved today, and this run may cost up to 0.4) news due 2026-01-02T00:30:00Z
            2026-01-02T00:30:00Z tell news due 2026-01-02T00:29:59.999Z
            2026-01-02T00:00:00Z run news -> ok + pays 0.40 0.40
            2026-01-02T00:00:00Z skip(budget: the schedule may spend 0.5 a day (budget.max_cost_per_day); 0.4 is spent or reserved today, and this run may cost up to 0.4) news due 2026-01-02T00:00:00Z
            2026-01-02T00:30:00Z run news -> ok + pays 0.4
            2026-01-02T00:30:00Z skip(budget: the schedule may spend 0.5 a day (budget.max_cost_per_day); 0.4 is spent or reserved today, and this run may cost up to 0.4) news due 2026-01-02T00:30:00Z
            2026-01-02T01:00:00Z run news
            2026-01-02T01:00:00Z send news
        "#]],
    );
}

/// What a dead letter has cost stays on record when it is run again.
#[test]
fn a_dead_letter_that_is_run_again_keeps_what_it_has_cost() {
    let begin = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let mut world = World::with(begin, Options::default());
    world.add("a", "at 2026-01-01T00:01Z task sum cost 0.50", Start::Active);
    world.script_runner(ScheduleKey(1), "permanent + pays 0.30 0.20, ok + pays 0.30 0.10, ok + pays 0.30");
    world.advance(Span::from_seconds(120));
    world.retry("a");
    world.advance(Span::from_seconds(120));
    let run = world.disk.runs.values().find(|run| run.occurrence.schedule == ScheduleKey(1)).unwrap();
    assert!(matches!(run.phase, Phase::Settled { outcome: Outcome::Delivered { .. }, .. }), "{run:?}");
    assert_eq!(run.execution.as_ref().unwrap().spent.cost, cost("0.3"), "{run:?}");
    assert_eq!(spent(&world, 1), "0.3");
}

/// There is no money to try a dead letter again: it is one as before.
#[test]
fn a_dead_letter_that_would_cost_too_much_stays_one() {
    check(
        r#"
        at 2026-01-01T12:00Z
        add news: at 2026-01-01T13:00Z task sum cost 0.50
        runner news: permanent + pays 0.40 0.40, ok + pays 0.40
        advance 2h
        retry news
        "#,
        expect![[r#"
            2026-01-01T13:00:00Z run news -> permanent + pays 0.40 0.40
            2026-01-01T13:00:00Z failed(no) news due 2026-01-01T13:00:00Z
            2026-01-01T14:00:00Z run news due 2026-01-01T13:00:00Z -> ok + pays 0.40
            2026-01-01T14:00:00Z failed(it was not run on, for its budget: the schedule may spend 0.5 a day (budget.max_cost_per_day); 0.4 is spent or reserved today, and this run may cost up to 0.4) news due 2026-01-01T13:00:00Z
            2026-01-01T14:00:00Z tell news
        "#]],
    );
}
