//! What the loop sees while a batch is on its way: staged declarations count, and give way to committed ones.

use std::sync::Arc;

use chimewheel::engine::change::Change;
use chimewheel::id::{ScheduleId, ScheduleKey};
use chimewheel::store::Names;

use super::chance::Chance;
use super::disk::Disk;
use super::model::open;

fn declare(key: u64, generation: u32, name: Option<&str>) -> Change {
    let mut chance = Chance(key);
    let mut schedule = chance.schedule(key);
    schedule.id = ScheduleId::parse(&format!("id-{key}")).unwrap();
    schedule.agent = "ada".to_owned();
    schedule.name = name.map(str::to_owned);
    schedule.client_token = Some(format!("token-{key}"));
    Change::Declare { key: ScheduleKey(key), schedule: Arc::new(schedule), state: chance.state(generation) }
}

#[test]
fn a_staged_declaration_is_taken_before_its_commit_and_after_it() {
    let mut store = open(&Disk::default());
    let mut names = Names::new(store.reader.clone());
    let batch = [declare(0, 0, Some("standup"))];
    names.stage(&batch[0]);
    let check = |names: &Names| {
        assert_eq!(names.key_of("id-0").unwrap(), Some(ScheduleKey(0)));
        assert_eq!(names.by_name("ada", "standup").unwrap(), Some(ScheduleKey(0)));
        assert_eq!(names.by_token("ada", "token-0").unwrap(), Some(ScheduleKey(0)));
        assert_eq!(names.schedule(ScheduleKey(0)).unwrap().unwrap().0, 0);
        assert_eq!(names.by_name("bob", "standup").unwrap(), None);
    };
    check(&names);
    assert_eq!(store.reader.key_of("id-0").unwrap(), None);
    store.writer.commit(&batch).unwrap();
    check(&names);
    names.committed(&batch);
    assert_eq!(names.staged_count(), 0);
    check(&names);
}

#[test]
fn a_name_given_up_by_a_staged_update_is_free_at_once() {
    let mut store = open(&Disk::default());
    let mut names = Names::new(store.reader.clone());
    let first = [declare(0, 0, Some("standup"))];
    store.writer.commit(&first).unwrap();
    let second = [declare(0, 1, Some("mail"))];
    names.stage(&second[0]);
    assert_eq!(names.by_name("ada", "standup").unwrap(), None);
    assert_eq!(names.by_name("ada", "mail").unwrap(), Some(ScheduleKey(0)));
    // A third declaration is staged while the second is being committed.
    let third = [declare(0, 2, None), declare(1, 0, Some("mail"))];
    third.iter().for_each(|change| names.stage(change));
    store.writer.commit(&second).unwrap();
    names.committed(&second);
    assert_eq!(names.by_name("ada", "mail").unwrap(), Some(ScheduleKey(1)));
    assert_eq!(names.schedule(ScheduleKey(0)).unwrap().unwrap().0, 2);
    store.writer.commit(&third).unwrap();
    names.committed(&third);
    assert_eq!(names.staged_count(), 0);
    assert_eq!(names.by_name("ada", "mail").unwrap(), Some(ScheduleKey(1)));
    assert_eq!(names.by_name("ada", "standup").unwrap(), None);
}

#[test]
fn a_key_declared_twice_in_one_batch_keeps_its_last_name_only() {
    let mut store = open(&Disk::default());
    store.writer.commit(&[declare(0, 0, Some("a")), declare(1, 0, Some("x")), declare(0, 1, Some("b"))]).unwrap();
    assert_eq!(store.reader.by_name("ada", "a").unwrap(), None);
    assert_eq!(store.reader.by_name("ada", "b").unwrap(), Some(ScheduleKey(0)));
    assert_eq!(store.reader.by_name("ada", "x").unwrap(), Some(ScheduleKey(1)));
    assert_eq!(store.reader.schedule(ScheduleKey(0)).unwrap().unwrap().0, 1);
}
