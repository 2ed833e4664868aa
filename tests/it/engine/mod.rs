//! The engine by scenarios: text in, log out, each reading like the bug report it may one day be.

mod budget;
mod changes;
mod clock;
mod delivery;
mod except;
mod failing;
mod gates;
mod hooks;
mod letters;
mod misfire;
mod overdue;
mod overlap;
mod pressure;
mod restart;
mod running;
mod slots;
mod spread;
mod tasks;
mod turns;
mod words;
mod world;

use expect_test::Expect;

fn check(scenario: &str, expect: Expect) {
    expect.assert_eq(&world::play(scenario));
}
