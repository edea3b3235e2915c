//! What the writer said about each record.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::failure::Failure;

/// A record's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Written { partition: i32, offset: i64 },
    NotWritten,
    MaybeWritten,
}

/// The outcomes by number. Each record must have exactly one.
pub(super) fn read(path: &Path, records: u64) -> Result<Vec<Outcome>, Failure> {
    parse(BufReader::new(File::open(path)?), records)
}

pub(super) fn parse(text: impl BufRead, records: u64) -> Result<Vec<Outcome>, Failure> {
    let count = usize::try_from(records).map_err(|_| Failure::new("too many records"))?;
    let mut outcomes = vec![None; count];
    for line in text.lines() {
        let line = line?;
        let (number, outcome) =
            parse_line(&line).ok_or_else(|| Failure::new(format!("not a ledger line: {line}")))?;
        match outcomes.get_mut(number) {
            Some(slot @ None) => *slot = Some(outcome),
            Some(_) => return Err(Failure::new(format!("record {number} has two outcomes"))),
            None => return Err(Failure::new(format!("record {number} was never sent"))),
        }
    }
    let with_outcome = outcomes.iter().flatten().count();
    if with_outcome < count {
        return Err(Failure::new(format!(
            "{} of {count} records have no outcome",
            count - with_outcome
        )));
    }
    Ok(outcomes.into_iter().flatten().collect())
}

fn parse_line(line: &str) -> Option<(usize, Outcome)> {
    let mut words = line.split(' ');
    let number = words.next()?.parse().ok()?;
    let outcome = match words.next()? {
        "written" => Outcome::Written {
            partition: words.next()?.parse().ok()?,
            offset: words.next()?.parse().ok()?,
        },
        "not_written" => Outcome::NotWritten,
        "maybe_written" => Outcome::MaybeWritten,
        _ => return None,
    };
    Some((number, outcome))
}
