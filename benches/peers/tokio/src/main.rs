//! `tokio-cron-scheduler`, which keeps schedules in memory: nothing here is durable, it only stands beside the others.
//!
//! Create: one-shots, one at a time, as the interface has it. Fire: all due at one instant; what has not fired after
//! ten quiet seconds is counted as lost. Start: there is nothing to read, so a start is making all of them again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler};

type Failed = Box<dyn std::error::Error>;

/// How many have fired, and the time of the first and of the last.
#[derive(Default)]
struct Fires {
    count: usize,
    first: Option<Instant>,
    last: Option<Instant>,
}

fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or_default() * 1024.0
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let count: usize = std::env::args().nth(1).ok_or("say how many")?.parse()?;
    let scheduler = JobScheduler::new().await?;
    let (fires, fired_one) = (Arc::new(Mutex::new(Fires::default())), Arc::new(Notify::new()));
    let before = resident_bytes();
    let begun = Instant::now();
    // Due when all have surely been made: the time that 500 need, for each 500.
    let due = begun + Duration::from_secs(5 + count as u64 / 500);
    for _ in 0..count {
        let (fires, fired_one) = (Arc::clone(&fires), Arc::clone(&fired_one));
        let one = Job::new_one_shot_at_instant(due, move |_, _| {
            if let Ok(mut fires) = fires.lock() {
                let now = Instant::now();
                fires.count += 1;
                fires.first.get_or_insert(now);
                fires.last = Some(now);
            }
            fired_one.notify_one();
        })?;
        scheduler.add(one).await?;
    }
    let took = begun.elapsed();
    let bytes = (resident_bytes() - before) / count as f64;
    scheduler.start().await?;
    tokio::time::sleep_until(due.into()).await;
    let told = || fires.lock().map(|fires| (fires.count, fires.first, fires.last)).map_err(|_| "a fire broke");
    while told()?.0 < count && tokio::time::timeout(Duration::from_secs(10), fired_one.notified()).await.is_ok() {}
    let (fired, first, last) = told()?;
    let firing = last.zip(first).map_or(Duration::ZERO, |(last, first)| last - first);
    let lost = if fired < count { format!(", {} lost", count - fired) } else { String::new() };
    println!(
        "tokio-cron-scheduler|0.15, in memory{lost}|{:.0}|{:.0}|{bytes:.0}|{}",
        count as f64 / took.as_secs_f64(),
        fired as f64 / firing.as_secs_f64().max(0.001),
        took.as_millis()
    );
    Ok(())
}
