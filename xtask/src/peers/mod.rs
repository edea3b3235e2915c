//! `cargo xtask peers`: other clients, a floor and ekafka side by side on the same brokers.
//!
//! Runs are interleaved (A B C … A B C …), so that what else the machine does falls on all alike; what is compared is
//! the ratio within a row.

mod measure;
mod programs;
mod rows;
mod table;

use clap::Args;

use crate::failure::Failure;
use crate::interop::Broker;

use self::measure::Bench;
use self::programs::Programs;
use self::rows::{QUICK, ROWS, Row};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Which rows, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// How often each program runs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Brokers that run already
    #[arg(long, required_unless_present = "embedded")]
    brokers: Option<String>,
    /// The embedded broker instead of brokers that run already
    #[arg(long, conflicts_with = "brokers")]
    embedded: bool,
    /// Nodes of the brokers: with 3, topics have three replicas and rows a third of the records
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3))]
    nodes: u16,
    /// One run of the main rows, with a third of the records
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let rows = arguments.chosen()?;
    let programs = Programs::build()?;
    let broker = match arguments.embedded {
        true => Some(Broker::start_with(programs.ekafka(), arguments.nodes)?),
        false => None,
    };
    let brokers = broker.as_ref().map_or_else(
        || arguments.brokers.clone().unwrap_or_default(),
        |broker| broker.addresses().to_owned(),
    );
    let bench = Bench {
        programs: &programs,
        brokers,
        nodes: arguments.nodes,
        share: if arguments.quick || arguments.nodes > 1 {
            3
        } else {
            1
        },
    };
    let runs = if arguments.quick { 1 } else { arguments.runs };
    for row in rows {
        let measured = bench.row(row, runs)?;
        println!("{}", table::markdown(row, &measured));
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
}
