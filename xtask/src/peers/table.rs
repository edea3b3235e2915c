//! What was measured, as Markdown: each row with all its programs, and a table of each group of rows with what was promised.

use super::aims::{Shown, extremes, median};
use super::measure::{Measured, Run};
use super::programs::Program;
use super::rows::{Group, Row};

/// All programs of a row: medians, least and most, and ratios within the row.
pub(super) fn details(row: &Row, measured: &Measured) -> String {
    let numbers = distinct(row);
    let mut head = vec!["client".to_owned()];
    head.extend(
        numbers
            .iter()
            .map(|shown| format!("{} [least–most]", shown.what)),
    );
    head.extend(["÷ best peer", "÷ floor", "p99 µs", "k records/s", "MB"].map(str::to_owned));
    let mut lines = vec![
        format!("### {}: {}\n", row.id, row.title),
        line(&head),
        line(&vec!["---".to_owned(); head.len()]),
    ];
    for (program, runs) in measured {
        let mut cells = vec![program.name().to_owned()];
        match runs {
            Err(why) => cells.push(format!("failed: {}", why.replace(['|', '\n'], " "))),
            Ok(runs) => {
                cells.extend(numbers.iter().map(|shown| ranged(shown, runs)));
                cells.extend(numbers.first().into_iter().flat_map(|shown| {
                    let best = shown.best(measured, |_| true).map(|(_, best)| best);
                    let ours = median(runs, shown.value);
                    [best, shown.of(measured, Program::Floor)].map(|to| ratio(ours, to))
                }));
                let middle = |value| format!("{:.0}", median(runs, value).unwrap_or_default());
                cells.push(middle(|run| run.p99_us));
                cells.push(middle(|run| run.rate));
                cells.push(middle(|run| run.memory));
            }
        }
        cells.resize(head.len(), String::new());
        lines.push(line(&cells));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The rows of a group with what was promised; empty when none was measured.
pub(super) fn summary<'a>(
    group: Group,
    all: impl Iterator<Item = (&'a Row, &'a Measured)>,
) -> String {
    let mut lines = Vec::new();
    for (row, measured) in all.filter(|(row, _)| row.group == group) {
        for (place, shown) in row.shown.iter().enumerate() {
            let verdict = shown.verdict(measured);
            let name = if place == 0 { row.title } else { "" };
            let id = if place == 0 { row.id } else { "" };
            let of = |program| {
                let found = measured.iter().find(|(known, _)| *known == program);
                found.map_or_else(String::new, |(_, runs)| match runs {
                    Ok(runs) => ranged(shown, runs),
                    Err(_) => "failed".to_owned(),
                })
            };
            let best = shown.best(measured, |_| true);
            let named = best.map_or_else(String::new, |(program, value)| {
                format!("{} {value:.*}", program.name(), shown.digits)
            });
            let ours = shown.of(measured, Program::Ekafka);
            lines.push(line(&[
                id.to_owned(),
                name.to_owned(),
                shown.what.to_owned(),
                of(Program::Ekafka),
                of(Program::Floor),
                named,
                ratio(ours, best.map(|(_, value)| value)),
                verdict.aim,
                verdict.met.to_owned(),
            ]));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let head = [
        "row",
        "what",
        "number",
        "ekafka [least–most]",
        "floor",
        "best peer",
        "÷ best peer",
        "aim",
        "met",
    ];
    let head = head.map(str::to_owned);
    let rule = vec!["---".to_owned(); head.len()];
    format!(
        "### {}\n\n{}\n{}\n{}\n",
        group.title(),
        line(&head),
        line(&rule),
        lines.join("\n")
    )
}

/// The row's numbers, each once: one may have two aims.
fn distinct(row: &Row) -> Vec<&'static Shown> {
    let mut numbers: Vec<&Shown> = Vec::new();
    for shown in row.shown {
        if numbers.iter().all(|known| known.what != shown.what) {
            numbers.push(shown);
        }
    }
    numbers
}

fn ranged(shown: &Shown, runs: &[Run]) -> String {
    let digits = shown.digits;
    let middle = median(runs, shown.value).unwrap_or_default();
    if runs.len() < 2 {
        return format!("{middle:.digits$}");
    }
    let (least, most) = extremes(runs, shown.value);
    format!("{middle:.digits$} [{least:.digits$}–{most:.digits$}]")
}

fn ratio(value: Option<f64>, to: Option<f64>) -> String {
    match (value, to) {
        (Some(value), Some(to)) if to > 0.0 => format!("{:.2}", value / to),
        _ => String::new(),
    }
}

fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}
