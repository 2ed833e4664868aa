//! Paces as they are written, and buckets against a plain one that is refilled step by step.

use chimewheel::pace::{Bucket, Pace};
use chimewheel::time::{Span, Timestamp};

use crate::store::chance::Chance;

fn pace(every_ms: u64, burst: u16) -> Pace {
    Pace { every: Span::from_millis(every_ms), burst }
}

#[test]
fn paces_are_read_as_they_are_written() {
    for (text, expected) in [
        ("1/s", pace(1000, 1)),
        ("30/s", pace(34, 1)),
        (" 20 / m ", pace(3000, 1)),
        ("100/h", pace(36_000, 1)),
        ("1/s burst 5", pace(1000, 5)),
    ] {
        let read = Pace::parse(text).unwrap();
        assert_eq!(read, expected, "{text}");
        assert_eq!(Pace::parse(&read.to_string()), Ok(read), "{text} is shown as {read}");
    }
}

#[test]
fn what_is_no_pace_is_refused_with_the_way_out() {
    for (text, expected) in [
        ("", "is not a pace; write it like '30/s', '20/m' or '1/s burst 5'"),
        ("30", "is not a pace; write it like '30/s', '20/m' or '1/s burst 5'"),
        ("3/day", "is not a pace; write it like '30/s', '20/m' or '1/s burst 5'"),
        ("0/s", "would let nothing through; to send nothing, pause the schedules"),
        ("2000/s", "is more than 1000 a second, which is not paced; leave it out"),
        ("1/s burst 0", "has a burst out of range: 1 to 1000"),
    ] {
        assert_eq!(Pace::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

/// A bucket as one would first think of it: tokens, and a millisecond after the other.
struct Plain {
    /// In parts of a token, of which a token has as many as it takes milliseconds.
    parts: i64,
    most: i64,
}

#[test]
fn a_bucket_does_what_a_plain_one_does() {
    for seed in 0..300 {
        let chance = &mut Chance(seed);
        let pace = pace(1 + chance.below(50), 1 + chance.below(6) as u16);
        let every = pace.every.as_millis() as i64;
        let mut plain = Plain { parts: every * i64::from(pace.burst), most: every * i64::from(pace.burst) };
        let mut bucket = Bucket::default();
        let mut now = Timestamp::from_millis(chance.below(1000) as i64);
        for _ in 0..200 {
            let next = bucket.next_at(pace).max(now);
            let missing = (every - plain.parts).max(0);
            assert_eq!(next.since(now).as_millis() as i64, missing, "seed {seed}");
            match chance.below(4) {
                0 | 1 if missing == 0 => {
                    bucket.take(pace, now);
                    plain.parts -= every;
                }
                _ => {
                    let ms = chance.below(80);
                    now = now.plus(Span::from_millis(ms));
                    plain.parts = (plain.parts + ms as i64).min(plain.most);
                }
            }
        }
    }
}
