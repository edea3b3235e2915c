//! A busy broker beside one without records and one that is stopped: alive for its peers' sockets, but silent.

use crate::failure::Failure;
use crate::kafka;

use super::aims::median;
use super::measure::{Bench, Filled, Run, tell};
use super::programs::{Program, Work};
use super::rows::Row;

/// The rate of all partitions while a broker is stopped, by that of the busy broker's alone.
pub(super) fn compare(
    bench: &Bench<'_>,
    program: Program,
    row: &Row,
    filled: &Filled,
) -> Result<Run, Failure> {
    let leaders = bench.leaders(&filled.topic)?;
    let (_, busy) = *leaders
        .first()
        .ok_or_else(|| Failure::new("no partitions"))?;
    let other = leaders.iter().map(|(_, leader)| *leader);
    let stopped = other
        .filter(|leader| *leader != busy)
        .max()
        .ok_or_else(|| Failure::new("all partitions lie with one broker"))?;
    // The busy one is asked first; how a client finds a broker that answers is not what is measured.
    let place = usize::from(busy).saturating_sub(1);
    let brokers = bench.brokers.split(',').nth(place).unwrap_or_default();
    let all = Work {
        brokers,
        ..bench.work(&filled.topic, "", filled.records)
    };
    let alone = Work {
        only: Some(filled.busy.clone()),
        ..all.clone()
    };
    let run = |work: &Work<'_>| -> Result<Run, Failure> {
        Ok(tell(&mut bench.programs.command(program, row, work))?.run(None))
    };
    // Once before, so that all find the same in memory; then in turns, for the machine is not always equally fast.
    run(&alone)?;
    let (mut alones, mut besides) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        alones.push(run(&alone)?);
        let silent = kafka::stop_for_now(&bench.brokers, stopped)?;
        let beside = run(&all);
        drop(silent);
        besides.push(beside?);
        // Until it answers again.
        bench.leaders(&filled.topic)?;
    }
    let rate = |runs: &[Run]| median(runs, |run| run.rate).unwrap_or_default();
    let (alone, beside) = (rate(&alones), rate(&besides));
    Ok(Run {
        ratio: beside / alone.max(1e-9),
        rate: beside,
        ..Run::default()
    })
}

const TURNS: usize = 5;
