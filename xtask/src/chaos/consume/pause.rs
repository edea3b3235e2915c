//! What the longest pause of a partition consists of: what was done to brokers and members meanwhile, and what the
//! group did about it.

use super::diary::{Diary, Told, What};

/// A time in which a record of one partition could be read and was not handed out; microseconds since 1970.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) partition: i32,
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Pause {
    /// Microseconds.
    pub(super) fn length(&self) -> u64 {
        self.to - self.from
    }
}

/// Line by line, with seconds since the pause began. `steps` are what the run did, and when.
pub(super) fn tell(pause: Pause, diaries: &[Diary], steps: &[Told]) -> Vec<String> {
    let before = pause.from.saturating_sub(LOOK_BACK);
    let is_near = |at: u64| (before..=pause.to).contains(&at);
    let mut lines: Vec<(u64, String)> = Vec::new();
    for step in steps.iter().filter(|step| is_near(step.at)) {
        lines.push((step.at, step.text.clone()));
    }
    for (member, diary) in diaries.iter().enumerate() {
        for told in diary.told.iter().filter(|told| is_near(told.at)) {
            lines.push((told.at, format!("  member {member}: {}", told.text)));
        }
        lines.extend(changes(pause, member, diary, is_near));
    }
    lines.sort();
    let seconds = |at: u64| (at as f64 - pause.from as f64) / 1e6;
    let mut all = vec![format!(
        "the longest pause, of partition {}, in seconds since it began:",
        pause.partition
    )];
    let shown = lines.iter().take(MOST_LINES);
    all.extend(shown.map(|(at, line)| format!("{:>8.2}  {line}", seconds(*at))));
    all.push(format!("{:>8.2}  the next record", seconds(pause.to)));
    all
}

/// What one member was given and had taken, as lines: what happened to it at one moment is one line.
fn changes(
    pause: Pause,
    member: usize,
    diary: &Diary,
    is_near: impl Fn(u64) -> bool,
) -> Vec<(u64, String)> {
    let mut changes: Vec<(u64, &str, usize, bool)> = Vec::new();
    for entry in diary.entries.iter().filter(|entry| is_near(entry.at)) {
        let what = match entry.what {
            What::Assigned => "is given",
            What::Revoked => "has to give up",
            What::Released => "has given up",
            What::Lost => "has lost",
            What::Got { .. } | What::Done { .. } => continue,
        };
        let is_this = entry.partition == pause.partition;
        match changes.last_mut() {
            Some((at, last, count, has_this)) if *last == what && entry.at - *at < TOGETHER => {
                *count += 1;
                *has_this |= is_this;
            }
            _ => changes.push((entry.at, what, 1, is_this)),
        }
    }
    let lines = changes.into_iter().map(|(at, what, count, has_this)| {
        let this = if has_this { ", this one too" } else { "" };
        (at, format!("  member {member} {what} {count}{this}"))
    });
    lines.collect()
}

/// What happened shortly before may be the reason, microseconds.
const LOOK_BACK: u64 = 2_000_000;
/// Lines of a diary that are written together, microseconds.
const TOGETHER: u64 = 20_000;
const MOST_LINES: usize = 80;
