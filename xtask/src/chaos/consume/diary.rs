//! What each member wrote down; `tests/member` says what the lines mean.

use crate::failure::Failure;

/// One line. Times are microseconds since 1970, by the one clock of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) partition: i32,
    pub(super) at: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Assigned,
    Revoked,
    Released,
    Lost,
    Got {
        offset: i64,
        number: usize,
        /// When the broker took it, microseconds.
        appended: u64,
    },
    Done {
        offset: i64,
    },
}

/// What one member told.
#[derive(Debug, Default, Clone)]
pub(super) struct Diary {
    pub(super) entries: Vec<Entry>,
    /// Commits that were refused.
    pub(super) refused: u64,
    /// Errors told by the reader.
    pub(super) errors: u64,
    /// The words of both.
    pub(super) told: Vec<Told>,
}

/// Something in words, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) at: u64,
    pub(super) text: String,
}

/// Reads the lines that are whole: a killed member may have left half of one.
pub(super) fn parse(text: &str) -> Result<Diary, Failure> {
    let mut diary = Diary::default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        match line.split(' ').next() {
            Some("refused") => {
                diary.refused += 1;
                diary.told.extend(parse_told(line));
            }
            Some("error") => {
                diary.errors += 1;
                diary.told.extend(parse_told(line));
            }
            Some("closed") => {}
            _ => {
                let entry = parse_entry(line);
                let entry =
                    entry.ok_or_else(|| Failure::new(format!("not a diary line: {line}")))?;
                diary.entries.push(entry);
            }
        }
    }
    Ok(diary)
}

/// `WHAT MICROS TEXT`
fn parse_told(line: &str) -> Option<Told> {
    let (what, rest) = line.split_once(' ')?;
    let (at, text) = rest.split_once(' ')?;
    Some(Told {
        at: at.parse().ok()?,
        text: format!("{what}: {text}"),
    })
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut words = line.split(' ');
    let word = words.next()?;
    let partition = words.next()?.parse().ok()?;
    let what = match word {
        "assigned" => What::Assigned,
        "revoked" => What::Revoked,
        "released" => What::Released,
        "lost" => What::Lost,
        "got" => What::Got {
            offset: words.next()?.parse().ok()?,
            number: words.next()?.parse().ok()?,
            appended: words.next()?.parse::<u64>().ok()? * 1_000,
        },
        "done" => What::Done {
            offset: words.next()?.parse().ok()?,
        },
        _ => return None,
    };
    let at = words.next()?.parse().ok()?;
    let entry = Entry {
        partition,
        at,
        what,
    };
    words.next().is_none().then_some(entry)
}
