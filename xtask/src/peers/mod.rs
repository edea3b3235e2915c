//! `cargo xtask peers`: other clients, a floor and ekafka side by side on the same brokers.
//!
//! Runs are interleaved (A B C … A B C …), so that what else the machine does falls on all alike; what is compared is
//! the ratio within a row. All rows are run once before any is run again, until there is no time left.

mod aims;
mod measure;
mod programs;
mod rows;
mod sharing;
mod stopped;
mod table;

use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;

use crate::failure::Failure;
use crate::interop::Broker;
use crate::process;

use self::measure::{Bench, Measured};
use self::programs::Programs;
use self::rows::{Group, Kind, QUICK, ROWS, Row};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Which rows, separated by commas [default: all that the brokers have nodes for]
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// How often each program runs at most
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Begin no row after so many minutes [default: 19, with --quick 5]
    #[arg(long)]
    minutes: Option<u64>,
    /// Brokers that run already, all nodes of one cluster
    #[arg(long, required_unless_present = "embedded")]
    brokers: Option<String>,
    /// The embedded broker instead of brokers that run already
    #[arg(long, conflicts_with = "brokers")]
    embedded: bool,
    /// One run of the main rows, with a third of the records
    #[arg(long)]
    quick: bool,
    /// Start the programs as they were built last
    #[arg(long)]
    built: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.chosen()?;
    let programs = match arguments.built {
        true => Programs::built()?,
        false => Programs::build()?,
    };
    let begun = Instant::now();
    let mut sites = Sites::start(arguments, &programs)?;
    let mut all: Vec<(&Row, Measured)> = Vec::new();
    for row in arguments.chosen()? {
        match sites.lack(row) {
            Some(why) if arguments.names(row) || row.nodes > 1 => {
                eprintln!("without {}: {why}", row.id);
            }
            Some(_) => {}
            None => {
                let programs = programs.of(row).into_iter();
                all.push((
                    row,
                    programs.map(|program| (program, Ok(Vec::new()))).collect(),
                ));
            }
        }
    }
    let minutes = arguments
        .minutes
        .unwrap_or(if arguments.quick { 5 } else { 19 });
    let limit = Duration::from_secs(minutes * 60);
    let runs = if arguments.quick { 1 } else { arguments.runs };
    'runs: for turn in 1..=runs {
        for (row, measured) in &mut all {
            if begun.elapsed() > limit {
                eprintln!("no time left for {} and what follows, run {turn}", row.id);
                break 'runs;
            }
            let started = Instant::now();
            let ran = sites.of(row).and_then(|bench| bench.row(row, measured));
            if let Err(failure) = ran {
                eprintln!("{}: {failure}", row.id);
            }
            let (took, all) = (started.elapsed().as_secs(), begun.elapsed().as_secs());
            eprintln!("{}, run {turn}: {took} s, {all} s in all", row.id);
        }
    }
    sites.clean()?;
    all.retain(|(_, measured)| {
        measured
            .iter()
            .any(|(_, runs)| runs.as_ref().map_or(true, |runs| !runs.is_empty()))
    });
    for (row, measured) in &all {
        println!("{}", table::details(row, measured));
    }
    for group in Group::ALL {
        let rows = all.iter().map(|(row, measured)| (*row, measured));
        println!("{}", table::summary(group, rows));
    }
    Ok(())
}

impl Arguments {
    fn chosen(&self) -> Result<Vec<&'static Row>, Failure> {
        if self.rows.is_empty() {
            let all = ROWS.iter();
            return Ok(all
                .filter(|row| !self.quick || QUICK.contains(&row.id))
                .collect());
        }
        let known = |id: &String| {
            let found = ROWS.iter().find(|row| row.id == id);
            found.ok_or_else(|| {
                let ids: Vec<&str> = ROWS.iter().map(|row| row.id).collect();
                Failure::new(format!("no row {id}; there are {}", ids.join(", ")))
            })
        };
        self.rows.iter().map(known).collect()
    }

    /// Whether the row was asked for by its name.
    fn names(&self, row: &Row) -> bool {
        self.rows.iter().any(|id| id == row.id)
    }
}

/// The brokers that rows run on.
struct Sites<'a> {
    arguments: &'a Arguments,
    programs: &'a Programs,
    main: Bench<'a>,
    /// Three embedded nodes, once a row needs them.
    trio: Option<Bench<'a>>,
    /// One embedded node far away, once a row needs it.
    distant: Option<Bench<'a>>,
}

impl<'a> Sites<'a> {
    fn start(arguments: &'a Arguments, programs: &'a Programs) -> Result<Self, Failure> {
        let share = arguments.share();
        let main = match &arguments.brokers {
            Some(brokers) => Bench::new(programs, brokers, share, None),
            None => embedded(programs, 1, share)?,
        };
        Ok(Self {
            arguments,
            programs,
            main,
            trio: None,
            distant: None,
        })
    }

    /// Why the row cannot be run here.
    fn lack(&self, row: &Row) -> Option<&'static str> {
        let nodes = self.main.nodes();
        if row.kind == Kind::Stopped && self.arguments.embedded {
            Some("the embedded broker is one process, of which no node can be stopped")
        } else if row.nodes > nodes && !self.arguments.embedded {
            Some("it needs brokers of three nodes")
        } else if row.nodes < nodes && !self.arguments.names(row) {
            // One node is enough; --rows asks for it nevertheless.
            Some("it needs brokers of one node")
        } else {
            None
        }
    }

    fn of(&mut self, row: &Row) -> Result<&mut Bench<'a>, Failure> {
        let share = self.arguments.share();
        if row.kind == Kind::Distant {
            let distant = match self.distant.take() {
                Some(distant) => distant,
                None => {
                    let mut command = Command::new(process::built("release/examples/distant"));
                    let broker = Broker::run(command.args(["127.0.0.1:0", "10"]))?;
                    let brokers = broker.addresses().to_owned();
                    Bench::new(self.programs, &brokers, share, Some(broker))
                }
            };
            return Ok(self.distant.insert(distant));
        }
        if row.nodes > self.main.nodes() {
            let trio = match self.trio.take() {
                Some(trio) => trio,
                None => embedded(self.programs, 3, share)?,
            };
            return Ok(self.trio.insert(trio));
        }
        Ok(&mut self.main)
    }

    /// What embedded brokers hold ends with them.
    fn clean(&self) -> Result<(), Failure> {
        self.main.clean()
    }
}

impl Arguments {
    /// Rows have a third of the records on three nodes that share a machine.
    fn share(&self) -> u64 {
        if self.quick { 3 } else { 1 }
    }
}

fn embedded<'a>(programs: &'a Programs, nodes: u16, share: u64) -> Result<Bench<'a>, Failure> {
    let broker = Broker::start_with(programs.ekafka(), nodes)?;
    let brokers = broker.addresses().to_owned();
    Ok(Bench::new(programs, &brokers, share, Some(broker)))
}
