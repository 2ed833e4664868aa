//! Dead letters of all schedules: the same as a model's, whatever the size of the pages and wherever they lie.

use chimewheel::engine::change::{Change, Outcome, Phase, Run};
use chimewheel::store::{LetterCursor, Reader};

use super::chance::Chance;
use super::disk::Disk;
use super::model::{Model, open};

fn is_letter(run: &Run) -> bool {
    matches!(run.phase, Phase::Settled { outcome: Outcome::Failed { .. }, .. })
}

fn expected(model: &Model, agent: Option<&str>) -> Vec<Run> {
    let of_agent = |run: &&Run| {
        let known = model.schedules.get(&run.occurrence.schedule.0);
        agent.is_none_or(|agent| known.is_some_and(|(_, schedule)| schedule.agent == agent))
    };
    let mut runs: Vec<Run> = model.runs.values().filter(|run| is_letter(run)).filter(of_agent).cloned().collect();
    runs.sort_by_key(|run| std::cmp::Reverse(LetterCursor::from(run)));
    runs
}

fn all(reader: &Reader, agent: Option<&str>, limit: usize) -> Vec<Run> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = reader.dead_letters(agent, limit, before).unwrap();
        assert!(page.runs.len() <= limit && !page.cut);
        found.extend(page.runs);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    found
}

#[test]
fn every_one_is_told_newest_first_in_pages_of_any_size() {
    let disk = Disk::default();
    let (mut model, mut chance) = (Model::default(), Chance(11));
    let mut most = 0;
    for round in 0..4 {
        let mut store = open(&disk);
        for _ in 0..60 {
            let mut batch = model.batch(&mut chance);
            // The model drops nearly all of it each time, so only in the end.
            batch.retain(|change| round == 3 || !matches!(change, Change::DropHistory { .. }));
            for change in &mut batch {
                // What is given up is no range; the model's may be.
                if let Change::Run(run) = change {
                    run.range = None;
                }
            }
            store.writer.commit(&batch).unwrap();
            model.apply(&batch);
        }
        let whole = expected(&model, None);
        most = most.max(whole.len());
        for limit in [1, 3, 1000] {
            assert_eq!(all(&store.reader, None, limit), whole, "{limit}");
        }
        let agents: std::collections::BTreeSet<String> =
            model.schedules.values().map(|(_, schedule)| schedule.agent.clone()).collect();
        for agent in &agents {
            assert_eq!(all(&store.reader, Some(agent), 2), expected(&model, Some(agent)), "{agent}");
        }
    }
    assert!(most > 10, "{most}");
}
