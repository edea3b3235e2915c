//! A row as a Markdown table: median, least and most, and ratios within the row.

use super::measure::{Measured, Run};
use super::programs::Program;
use super::rows::{Kind, Row};

pub(super) fn markdown(row: &Row, measured: &Measured) -> String {
    let timed = matches!(row.kind, Kind::Latency | Kind::EndToEnd | Kind::Start);
    let (unit, value): (_, fn(&Run) -> f64) = match (timed, row.kind) {
        (true, _) => ("p50 µs", |run| run.p50_us),
        (false, Kind::Calls) => ("µs per record", |run| 1e3 / run.rate),
        (false, _) => ("CPU-s per million", |run| run.cpu),
    };
    let of = |program: Program| {
        let found = measured.iter().find(|(known, _)| *known == program);
        found.and_then(|(_, runs)| median(runs.as_ref().ok()?, value))
    };
    let peers = measured.iter().map(|(program, _)| *program);
    let best = peers
        .filter(|program| !matches!(program, Program::Ekafka | Program::Floor))
        .filter_map(of)
        .min_by(f64::total_cmp);
    let floor = of(Program::Floor);
    let mut lines = vec![
        format!("### {}: {}\n", row.id, row.title),
        format!(
            "| client | {unit} [least–most] | ÷ best peer | ÷ floor | p99 µs | k records/s | MB |"
        ),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    for (program, runs) in measured {
        let name = program.name();
        lines.push(match runs {
            Err(why) => format!("| {name} | failed: {} | | | | | |", why.replace(['|', '\n'], " ")),
            Ok(runs) => {
                let middle = |value| median(runs, value).unwrap_or_default();
                let (least, most) = extremes(runs, value);
                let digits = if timed { 0 } else { 3 };
                format!(
                    "| {name} | {:.digits$} [{least:.digits$}–{most:.digits$}] | {} | {} | {:.0} | {:.0} | {:.0} |",
                    middle(value),
                    ratio(middle(value), best),
                    ratio(middle(value), floor),
                    middle(|run| run.p99_us),
                    middle(|run| run.rate),
                    middle(|run| run.memory),
                )
            }
        });
    }
    lines.push(String::new());
    lines.join("\n")
}

fn ratio(value: f64, to: Option<f64>) -> String {
    to.filter(|to| *to > 0.0)
        .map_or(String::new(), |to| format!("{:.2}", value / to))
}

fn median(runs: &[Run], value: fn(&Run) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = runs.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn extremes(runs: &[Run], value: fn(&Run) -> f64) -> (f64, f64) {
    let values = || runs.iter().map(value);
    (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    )
}
