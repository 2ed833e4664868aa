//! The example schedules: each is valid, and fires when its comment says.

use std::path::Path;

use chimewheel::calendar::Trigger;
use chimewheel::spec::Context;
use chimewheel::surface::files::read_folder;
use chimewheel::time::Timestamp;
use expect_test::expect;

#[test]
fn every_example_is_valid_and_fires_when_it_says() {
    let now = Timestamp::parse_rfc3339("2027-01-30T14:00:00Z").unwrap();
    let gateways = ["console".to_owned()];
    let context = Context { gateways: &gateways, ..Context::new(now) };
    let mut shown = String::new();
    for file in read_folder(Path::new("schedules")).unwrap() {
        assert!(file.text.starts_with('#'), "{} does not explain itself", file.name);
        let (drafts, problems) = file.drafts(&context);
        assert_eq!(problems, [], "{}", file.name);
        for draft in drafts {
            let schedule = &draft.schedule;
            let first = match schedule.trigger {
                Trigger::At(at) => Some(at),
                Trigger::Every { .. } | Trigger::Cron(_) => schedule.trigger.next_after(now),
            };
            let next = std::iter::successors(first, |due| schedule.trigger.next_after(*due)).take(2);
            let next: Vec<String> = next.map(|due| schedule.zone.format(due)).collect();
            let what = schedule.trigger.describe(schedule.zone);
            shown.push_str(&format!("{}: {what}: {}\n", schedule.id, next.join(", ")));
        }
    }
    expect![[r#"
        backup-check: At 18:30, every Friday, UTC: 2027-02-05T18:30:00Z, 2027-02-12T18:30:00Z
        conference: Every hour from 09:00 through 17:00, Asia/Tokyo: 2027-01-31T09:00:00+09:00, 2027-01-31T10:00:00+09:00
        digest: At 00:00, 04:00, 08:00, 12:00, 16:00 and 20:00 every day, Europe/Berlin: 2027-01-30T16:00:00+01:00, 2027-01-30T20:00:00+01:00
        follow-up-first: Once at 2027-02-02 14:00:00, UTC: 2027-02-02T14:00:00Z
        follow-up-second: Once at 2027-02-06 14:00:00, UTC: 2027-02-06T14:00:00Z
        heartbeat: Every 5 seconds: 2027-01-30T14:00:05Z, 2027-01-30T14:00:10Z
        payday: At 09:00 on the last weekday of the month, America/New_York: 2027-02-26T09:00:00-05:00, 2027-03-31T09:00:00-04:00
        audit-mark: At 00:00 every day, UTC: 2027-01-31T00:00:00Z, 2027-02-01T00:00:00Z
        review-reminder: Once at 2027-01-30 16:00:00, UTC: 2027-01-30T16:00:00Z
        standup: At 09:00, Monday through Friday, Europe/Berlin: 2027-02-01T09:00:00+01:00, 2027-02-02T09:00:00+01:00
        water: Every 1 hour and 30 minutes: 2027-01-30T15:30:00Z, 2027-01-30T17:00:00Z
    "#]].assert_eq(&shown);
}
