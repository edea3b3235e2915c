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
    Got { offset: i64, number: usize },
    Done { offset: i64 },
}

/// What one member told.
#[derive(Debug, Default, Clone)]
pub(super) struct Diary {
    pub(super) entries: Vec<Entry>,
    /// Commits that were refused.
    pub(super) refused: u64,
    /// Errors told by the reader.
    pub(super) errors: u64,
}

/// Reads the lines that are whole: a killed member may have left half of one.
pub(super) fn parse(text: &str) -> Result<Diary, Failure> {
    let mut diary = Diary::default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        match line.split(' ').next() {
            Some("refused") => diary.refused += 1,
            Some("error") => diary.errors += 1,
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
