//! The example schedules: each is valid, and fires when its comment says.

use std::path::Path;

use chimewheel::calendar::Trigger;
use chimewheel::config::{Config, Surroundings};
use chimewheel::script::Scripts;
use chimewheel::spec::Context;
use chimewheel::surface::files::{read_folder, read_scripts};
use chimewheel::time::Timestamp;
use expect_test::expect;

#[test]
fn every_example_is_valid_and_fires_when_it_says() {
    let now = Timestamp::parse_rfc3339("2027-01-30T14:00:00Z").unwrap();
    let gateways = ["console".to_owned()];
    let around =
        Surroundings { base: Path::new(""), home: None, zone: &|_| Ok(()), filter: &|_| Ok(()), tool: &|_| Ok(()) };
    let config = Config::read("", around).unwrap();
    let scripts = Scripts::new();
    assert!(scripts.load(read_scripts(Path::new("scripts")).unwrap().sources).is_empty());
    let context = Context { gateways: &gateways, routing: &config.routing, scripts: &scripts, ..Context::new(now) };
    let mut hooks = Vec::new();
    let mut shown = String::new();
    for file in read_folder(Path::new("schedules")).unwrap() {
        assert!(file.text.starts_with('#'), "{} does not explain itself", file.name);
        let (drafts, problems) = file.drafts(&context);
        assert_eq!(problems, [], "{}", file.name);
        for draft in drafts {
            let schedule = &draft.schedule;
            hooks.extend(schedule.hook.clone());
            let first = match schedule.trigger {
                Trigger::At(at) => Some(at),
                Trigger::Every { .. } | Trigger::Cron(_) | Trigger::After(_) => schedule.trigger.next_after(now),
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
        escalate: Every 6 hours: 2027-01-30T20:00:00Z, 2027-01-31T02:00:00Z
        fan-out: At 16:00, every Friday, Europe/Berlin: 2027-02-05T16:00:00+01:00, 2027-02-12T16:00:00+01:00
        follow-up-first: Once at 2027-02-02 14:00:00, UTC: 2027-02-02T14:00:00Z
        follow-up-second: Once at 2027-02-06 14:00:00, UTC: 2027-02-06T14:00:00Z
        greeting: At 08:30 every day, Europe/Berlin: 2027-01-31T08:30:00+01:00, 2027-02-01T08:30:00+01:00
        heartbeat: Every 5 seconds: 2027-01-30T14:00:05Z, 2027-01-30T14:00:10Z
        model-by-day: At 09:00, 15:00 and 21:00 every day, Europe/Berlin: 2027-01-30T21:00:00+01:00, 2027-01-31T09:00:00+01:00
        only-changes: Every 30 minutes: 2027-01-30T14:30:00Z, 2027-01-30T15:00:00Z
        only-urgent: Every hour, UTC: 2027-01-30T15:00:00Z, 2027-01-30T16:00:00Z
        pacing: Every hour: 2027-01-30T15:00:00Z, 2027-01-30T16:00:00Z
        payday: At 09:00 on the last weekday of the month, America/New_York: 2027-02-26T09:00:00-05:00, 2027-03-31T09:00:00-04:00
        quiet-hours: Every 2 hours, Europe/Berlin: 2027-01-30T16:00:00+01:00, 2027-01-30T18:00:00+01:00
        audit-mark: At 00:00 every day, UTC: 2027-01-31T00:00:00Z, 2027-02-01T00:00:00Z
        review-reminder: Once at 2027-01-30 16:00:00, UTC: 2027-01-30T16:00:00Z
        standup: At 09:00, Monday through Friday, Europe/Berlin: 2027-02-01T09:00:00+01:00, 2027-02-02T09:00:00+01:00
        water: Every 1 hour and 30 minutes: 2027-01-30T15:30:00Z, 2027-01-30T17:00:00Z
    "#]].assert_eq(&shown);
    // Each shipped hook has an example.
    let shipped = scripts.list().into_iter().filter(|listed| !listed.functions.is_empty()).map(|listed| listed.name);
    hooks.sort();
    assert_eq!(hooks, shipped.collect::<Vec<_>>());
}
