//! Updates, pauses and runs asked for, at the worst moments.

use expect_test::expect;

use chimewheel::engine::{Effect, Engine, Input, OpId, Options, Start};
use chimewheel::id::ScheduleKey;
use chimewheel::time::{Span, Timestamp};

use super::check;
use super::words::schedule;
use super::world::World;

#[test]
fn set_back_while_it_was_down_what_waits_is_lined_up_once() {
    check(
        "
        at 2026-01-01T08:00Z
        add beat: every 10m
        add note: at 2026-01-01T08:20Z chat x backoff 1m
        add late: at 2026-01-01T08:21Z chat x
        gateway note: retry 30m, retry 30m, ok
        advance 35m
        down -8m
        add next: at 2026-01-01T08:50Z chat x
        advance 40m
        ",
        expect![[r#"
            2026-01-01T08:10:00Z send beat
            2026-01-01T08:20:00Z send beat
            2026-01-01T08:20:00Z send note -> retry 30m
            2026-01-01T08:21:00Z send late
            2026-01-01T08:30:00Z send beat
            2026-01-01T08:30:00Z send beat
            2026-01-01T08:40:00Z send beat
            2026-01-01T08:47:00Z send note due 2026-01-01T08:20:00Z attempt 2 -> retry 30m
            2026-01-01T08:50:00Z send beat
            2026-01-01T08:50:00Z send next
            2026-01-01T09:00:00Z send beat
        "#]],
    );
}

#[test]
fn a_run_asked_for_just_after_a_due_is_another_occurrence() {
    check(
        "
        at 2026-01-01T08:00Z
        add beat: every 10m
        advance 10m
        pass 1ms
        run beat
        advance 10m
        ",
        expect![[r#"
            2026-01-01T08:10:00Z send beat
            2026-01-01T08:10:00.001Z send beat
            2026-01-01T08:20:00Z send beat
        "#]],
    );
}

#[test]
fn killed_while_sending_to_a_destination_that_an_update_took_away() {
    check(
        "
        at 2026-01-01T08:00Z
        add beat: every 10m
        gateway beat: hangs
        advance 10m
        edit beat: chat none
        down 1m
        advance 10m
        ",
        expect![[r#"
            2026-01-01T08:10:00Z send beat -> hangs
            2026-01-01T08:11:00Z cancelled beat due 2026-01-01T08:10:00Z
            2026-01-01T08:20:00Z silent(the schedule has no destination) beat due 2026-01-01T08:20:00Z
        "#]],
    );
}

#[test]
fn a_restart_while_jitter_is_waited_out_misses_nothing() {
    check(
        "
        at 2026-01-01T08:00Z
        add beat: every 2h jitter 1h misfire skip
        advance 2h
        down 2s
        advance 2h
        ",
        expect![[r#"
            2026-01-01T10:28:57.278Z send beat due 2026-01-01T10:00:00Z
        "#]],
    );
}

#[test]
fn an_edit_that_ends_a_schedule_accounts_for_the_due_that_waits() {
    check(
        "
        at 2026-01-01T08:00Z
        add beat: every 2h jitter 1h
        add rest: every 10m
        advance 2h
        pause rest
        advance 30m
        edit beat: jitter 1h end 2026-01-01T09:00Z
        edit rest: max_runs 1
        show beat
        show rest
        ",
        expect![[r#"
            2026-01-01T08:10:00Z send rest
            2026-01-01T08:20:00Z send rest
            2026-01-01T08:30:00Z send rest
            2026-01-01T08:40:00Z send rest
            2026-01-01T08:50:00Z send rest
            2026-01-01T09:00:00Z send rest
            2026-01-01T09:10:00Z send rest
            2026-01-01T09:20:00Z send rest
            2026-01-01T09:30:00Z send rest
            2026-01-01T09:40:00Z send rest
            2026-01-01T09:50:00Z send rest
            2026-01-01T10:00:00Z send rest
            2026-01-01T10:28:57.278Z send beat due 2026-01-01T10:00:00Z
            2026-01-01T10:30:00Z skip(Paused) rest due 2026-01-01T10:10:00Z..2026-01-01T10:30:00Z x3
            2026-01-01T10:30:00Z show beat: Completed generation 2 runs 1 failures 0 next -
            2026-01-01T10:30:00Z show rest: Completed generation 2 runs 12 failures 0 next -
        "#]],
    );
}

#[test]
fn a_pause_that_outlasts_the_end_is_over_when_an_edit_moves_the_end() {
    check(
        "
        at 2026-01-01T08:00Z
        add beat: every 10m end 2026-01-01T08:30Z
        advance 10m
        pause beat
        advance 45m
        edit beat: end 2026-01-01T09:30Z active
        show beat
        advance 10m
        ",
        expect![[r#"
            2026-01-01T08:10:00Z send beat
            2026-01-01T08:55:00Z skip(Paused) beat due 2026-01-01T08:20:00Z..2026-01-01T08:30:00Z x2
            2026-01-01T08:55:00Z show beat: Active generation 2 runs 1 failures 0 next 2026-01-01T09:00:00Z
            2026-01-01T09:00:00Z send beat
        "#]],
    );
}

#[test]
fn an_edit_at_the_very_due_does_not_take_it_away() {
    check(
        "
        at 2026-01-01T08:00Z
        add beat: every 10m
        add note: at 2026-01-01T08:10Z
        pass 10m
        edit beat:
        edit note:
        advance 15m
        ",
        expect![[r#"
            2026-01-01T08:10:00Z send beat
            2026-01-01T08:10:00Z send note
            2026-01-01T08:20:00Z send beat
        "#]],
    );
}

#[test]
fn an_edit_of_a_one_shot_that_was_just_sent_does_not_send_it_again() {
    check(
        "
        at 2026-01-01T08:00Z
        add note: at 2026-01-01T08:10Z
        add slow: at 2026-01-01T08:10Z
        gateway slow: hangs
        advance 610s
        edit note:
        edit slow:
        answer slow: ok
        advance 5m
        ",
        expect![[r#"
            2026-01-01T08:10:00Z send note
            2026-01-01T08:10:00Z send slow -> hangs
        "#]],
    );
}

#[test]
fn paused_under_a_clock_of_another_century_it_comes_back() {
    check(
        "
        at 2098-01-01T08:00Z
        add beat: every 12h
        pause beat
        clock -26000d
        resume beat
        show beat
        ",
        expect![[r#"
            2026-10-26T08:00:00Z show beat: Active generation 2 runs 0 failures 0 next 2026-10-26T20:00:00Z
        "#]],
    );
}

#[test]
fn what_changed_after_it_had_ended_is_not_forgotten_before_it_is_durable() {
    let (now, key, op) = (Timestamp::from_seconds(1_767_225_600), ScheduleKey(1), OpId(0));
    let mut engine = Engine::new(now, Options::default());
    let forgets = |engine: &mut Engine| {
        std::iter::from_fn(|| engine.poll_effect()).filter(|effect| *effect == Effect::Forget { key }).count()
    };
    let past = schedule("past", "at 2025-01-01T00:00Z", now).into();
    engine.handle(now, Input::Create { op, key, schedule: past, start: Start::Past, generation: 1 });
    assert_eq!(forgets(&mut engine), 1);
    // The next batch: gathered while the first one is written.
    engine.handle(now, Input::Cancel { op, key });
    assert_eq!(forgets(&mut engine), 1);
    engine.handle(now, Input::Forget { key });
    assert!(engine.holds(key), "the store still says that it was completed, not cancelled");
    engine.handle(now, Input::Forget { key });
    assert!(!engine.holds(key));
}

#[test]
fn a_reminder_that_waits_to_be_sent_again_and_is_edited_later_says_the_new_words_then() {
    check(
        "
        at 2026-01-01T00:00Z
        add once: at 2026-01-01T01:00Z
        gateway once: retry 10m, retry, ok
        advance 65m
        edit once:
        show once
        advance 1h
        show once
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send once -> retry 10m
            2026-01-01T01:05:00Z cancelled once due 2026-01-01T01:00:00Z
            2026-01-01T01:05:00Z show once: Completed generation 2 runs 1 failures 0 next -
            2026-01-01T01:10:00Z send once due 2026-01-01T01:00:00Z -> retry
            2026-01-01T01:10:01Z send once due 2026-01-01T01:00:00Z attempt 2
            2026-01-01T02:05:00Z show once: Completed generation 2 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn an_edit_that_moves_a_waiting_reminder_to_another_chat_need_not_wait() {
    check(
        "
        at 2026-01-01T00:00Z
        add once: at 2026-01-01T01:00Z misfire skip
        gateway once: retry 20m, ok
        advance 65m
        down 1m
        edit once: chat elsewhere misfire skip
        advance 1h
        show once
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send once -> retry 20m
            2026-01-01T01:06:00Z cancelled once due 2026-01-01T01:00:00Z
            2026-01-01T01:06:00Z send once due 2026-01-01T01:00:00Z
            2026-01-01T02:06:00Z show once: Completed generation 2 runs 1 failures 0 next -
        "#]],
    );
}

#[test]
fn an_edit_while_a_reminder_is_being_sent_takes_its_place_only_if_it_was_not_taken() {
    check(
        "
        at 2026-01-01T00:00Z
        add refused: at 2026-01-01T01:00Z
        add taken: at 2026-01-01T01:00Z
        add unclear: at 2026-01-01T01:00Z
        add cancelled: at 2026-01-01T01:00Z
        gateway refused: hangs, ok
        gateway taken: hangs
        gateway unclear: hangs
        gateway cancelled: hangs
        advance 65m
        edit refused:
        edit taken:
        edit unclear:
        edit cancelled:
        cancel cancelled
        answer refused: retry 30s
        answer taken: ok
        answer unclear: ambiguous
        answer cancelled: retry
        advance 1h
        show refused
        show taken
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send refused -> hangs
            2026-01-01T01:00:00Z send taken -> hangs
            2026-01-01T01:00:00Z send unclear -> hangs
            2026-01-01T01:00:00Z send cancelled -> hangs
            2026-01-01T01:05:00Z cancelled refused due 2026-01-01T01:00:00Z
            2026-01-01T01:05:00Z cancelled unclear due 2026-01-01T01:00:00Z
            2026-01-01T01:05:00Z cancelled cancelled due 2026-01-01T01:00:00Z
            2026-01-01T01:05:30Z send refused due 2026-01-01T01:00:00Z
            2026-01-01T02:05:00Z show refused: Completed generation 2 runs 1 failures 0 next -
            2026-01-01T02:05:00Z show taken: Completed generation 2 runs 0 failures 0 next -
        "#]],
    );
}

#[test]
fn a_kill_after_an_edit_of_a_reminder_that_is_being_sent_sends_neither_again() {
    check(
        "
        at 2026-01-01T00:00Z
        add once: at 2026-01-01T01:00Z
        gateway once: hangs, ok
        advance 65m
        edit once:
        down 10s
        advance 1h
        show once
        ",
        expect![[r#"
            2026-01-01T01:00:00Z send once -> hangs
            2026-01-01T01:05:10Z cancelled once due 2026-01-01T01:00:00Z
            2026-01-01T02:05:10Z show once: Completed generation 2 runs 0 failures 0 next -
        "#]],
    );
}

#[test]
fn a_reminder_edited_while_no_daemon_runs_is_sent_by_the_next_one() {
    let mut world = World::new(super::words::instant("2026-01-01T00:00Z"));
    world.add("once", "at 2026-01-01T01:00Z", Start::Active);
    let key = ScheduleKey(1);
    world.script(key, "retry 10m, ok");
    world.advance(Span::from_seconds(3900));
    world.options.serving = false;
    world.down("1s");
    world.update(key, "");
    assert_eq!(world.sent.len(), 1, "nothing is sent without a daemon");
    world.options.serving = true;
    world.down("1s");
    world.advance(Span::from_seconds(3600));
    let sent: Vec<_> = world.sent.iter().map(|(at, occurrence)| (at.to_string(), occurrence.generation)).collect();
    assert_eq!(sent, [("2026-01-01T01:00:00Z".to_owned(), 1), ("2026-01-01T01:10:00Z".to_owned(), 2)]);
}
