//! What the simulation found about windows, as small cases.

use std::sync::Arc;

use chimewheel::engine::change::{Change, LaneId, PlanId, State, Status};
use chimewheel::engine::{Answer, Content, Input, Window};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::runtime::round::{Round, Step};
use chimewheel::store::Store;
use chimewheel::time::{Span, Timestamp};

use super::load;
use crate::store::chance::Chance;
use crate::store::disk::Disk;
use crate::store::model::options;

/// A clock that slews back between the commit and the send must not make a delivery early (seeds 558 and 744 of the
/// day this was found), nor one that is set back while the first deliveries of a window are sent (748).
#[test]
fn a_delivery_whose_due_lies_ahead_again_is_handed_back() {
    let due = Timestamp::from_millis(1_774_730_109_013);
    let mut schedule = load::rev(&mut Chance(1), "s00", 0, due.as_millis() - 60_000, 3_600_000).schedule;
    schedule.destination =
        Some(chimewheel::spec::Destination { gateway: "mail".into(), chat_id: "ada".into(), thread: None });
    let state = State {
        status: Status::Active,
        generation: 1,
        plan: PlanId(0),
        lane: LaneId(1),
        next_due: None,
        last_due: Some(due),
        last_outcome: None,
        runs: 1,
        failures: 0,
    };
    let mut store = Store::open_on(Disk::default(), &options()).unwrap();
    let key = ScheduleKey(0);
    store.writer.commit(&[Change::Declare { key, schedule: Arc::new(schedule), state }]).unwrap();
    let at = |due| OccurrenceId::new(key, 1, due);
    let items = vec![(at(due), 1), (at(due.plus(Span::from_millis(1))), 1)];
    let window = Window { gateway: "mail".into(), lane: LaneId(1), content: Content::Payload, items };

    let mut round = Round::new(window.clone());
    for _ in 0..2 {
        let step = round.step(&store.reader, due.minus(Span::from_millis(1)), false);
        let Some(Step::Tell(Input::Answered { answer, .. })) = step else { panic!("it was tried: {step:?}") };
        assert_eq!(answer, Answer::NotTried);
    }
    assert!(round.step(&store.reader, due, false).is_none(), "every delivery is answered once");

    let in_time = Round::new(window).step(&store.reader, due, false);
    assert!(matches!(in_time, Some(Step::Try(_))), "{in_time:?}");
}
