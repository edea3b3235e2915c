//! What a row is judged by: a number of its runs, which way is better, and what was promised.

use super::measure::{Measured, Run};
use super::programs::Program;

/// A number that a row shows.
pub(super) struct Shown {
    /// What it is, with its unit.
    pub(super) what: &'static str,
    pub(super) value: fn(&Run) -> f64,
    /// Digits behind the point.
    pub(super) digits: usize,
    /// Whether more is better.
    pub(super) more: bool,
    pub(super) aim: Aim,
}

/// What was promised of a number.
pub(super) enum Aim {
    /// At most `most`. Machines differ, so the same share of the best full client as it was of the best one when the
    /// aim was set, `best`, is as good.
    Cost { most: f64, best: f64 },
    /// At most so much.
    Most(f64),
    /// At least so much.
    Least(f64),
    /// At most so much more than the floor.
    Floor(f64),
    /// Not worse than so many times the number of that program.
    Than(Program, f64),
    /// Not worse than the best of all peers.
    Best,
}

/// An aim in words, and whether it is met where that can be said.
pub(super) struct Verdict {
    pub(super) aim: String,
    pub(super) met: &'static str,
}

impl Shown {
    /// The median of a program's runs.
    pub(super) fn of(&self, measured: &Measured, program: Program) -> Option<f64> {
        let found = measured.iter().find(|(known, _)| *known == program);
        found.and_then(|(_, runs)| median(runs.as_ref().ok()?, self.value))
    }

    /// The best of the programs that `counts` and what it reached.
    pub(super) fn best(
        &self,
        measured: &Measured,
        counts: impl Fn(Program) -> bool,
    ) -> Option<(Program, f64)> {
        let programs = measured.iter().map(|(program, _)| *program);
        programs
            .filter(|program| program.is_peer() && counts(*program))
            .filter_map(|program| Some((program, self.of(measured, program)?)))
            .min_by(|(_, one), (_, other)| self.rank(*one).total_cmp(&self.rank(*other)))
    }

    fn rank(&self, value: f64) -> f64 {
        if self.more { -value } else { value }
    }

    pub(super) fn verdict(&self, measured: &Measured) -> Verdict {
        let ours = self.of(measured, Program::Ekafka);
        let digits = self.digits;
        let (aim, limit) = match &self.aim {
            Aim::Cost { most, best } => return self.cost(measured, *most, *best),
            Aim::Most(limit) => (format!("≤ {limit}"), Some(*limit)),
            Aim::Least(limit) => (format!("≥ {limit}"), Some(*limit)),
            Aim::Floor(more) => {
                let limit = self.of(measured, Program::Floor).map(|floor| floor + more);
                (format!("≤ floor + {more}{}", shown(limit, digits)), limit)
            }
            Aim::Than(program, times) => {
                let limit = self.of(measured, *program).map(|value| value * times);
                let sign = if self.more { '≥' } else { '≤' };
                let name = program.name();
                let times = match times {
                    1.0 => String::new(),
                    _ => format!("{times} × "),
                };
                (
                    format!("{sign} {times}{name}{}", shown(limit, digits)),
                    limit,
                )
            }
            Aim::Best => {
                let best = self.best(measured, |_| true).map(|(_, value)| value);
                let sign = if self.more { '≥' } else { '≤' };
                (format!("{sign} best peer{}", shown(best, digits)), best)
            }
        };
        let met = match (ours, limit) {
            (Some(ours), Some(limit)) if self.rank(ours) <= self.rank(limit) => "yes",
            (Some(_), Some(_)) => "**no**",
            _ => "not measured",
        };
        Verdict { aim, met }
    }

    fn cost(&self, measured: &Measured, most: f64, best: f64) -> Verdict {
        let share = most / best;
        let now = self.best(measured, Program::is_full);
        let met = match (self.of(measured, Program::Ekafka), now) {
            (Some(ours), _) if ours <= most => "yes",
            (Some(ours), Some((_, now))) if ours <= share * now => "by ratio",
            (Some(_), _) => "**no**",
            _ => "not measured",
        };
        Verdict {
            aim: format!("≤ {most}, or {share:.2} × best full client"),
            met,
        }
    }
}

/// What a limit came to in this run.
fn shown(limit: Option<f64>, digits: usize) -> String {
    limit.map_or_else(String::new, |limit| format!(" = {limit:.digits$}"))
}

pub(super) fn median(runs: &[Run], value: fn(&Run) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = runs.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The least and the most.
pub(super) fn extremes(runs: &[Run], value: fn(&Run) -> f64) -> (f64, f64) {
    let values = || runs.iter().map(value);
    (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(program: Program, cpu: f64) -> (Program, Result<Vec<Run>, String>) {
        let run = |cpu| Run {
            cpu,
            ..Run::default()
        };
        (program, Ok(vec![run(cpu * 3.0), run(cpu), run(cpu / 3.0)]))
    }

    fn met(aim: Aim, more: bool, ours: f64) -> &'static str {
        let measured = vec![
            ran(Program::Ekafka, ours),
            ran(Program::Floor, 0.5),
            ran(Program::FranzGo, 6.0),
            ran(Program::Rskafka, 4.0),
            (Program::Krafka, Err("absent".to_owned())),
        ];
        let shown = Shown {
            what: "CPU",
            value: |run| run.cpu,
            digits: 1,
            more,
            aim,
        };
        shown.verdict(&measured).met
    }

    #[test]
    fn an_aim_is_met_by_the_median() {
        assert_eq!(met(Aim::Most(2.0), false, 2.0), "yes");
        assert_eq!(met(Aim::Most(2.0), false, 2.1), "**no**");
        assert_eq!(met(Aim::Least(2.0), true, 2.0), "yes");
        assert_eq!(met(Aim::Least(2.0), true, 1.9), "**no**");
        assert_eq!(met(Aim::Floor(1.0), false, 1.5), "yes");
        assert_eq!(met(Aim::Floor(1.0), false, 1.6), "**no**");
        assert_eq!(met(Aim::Than(Program::Rskafka, 0.5), false, 2.0), "yes");
        assert_eq!(met(Aim::Than(Program::FranzGo, 1.0), true, 5.9), "**no**");
        assert_eq!(
            met(Aim::Than(Program::Krafka, 1.0), true, 5.9),
            "not measured"
        );
        assert_eq!(met(Aim::Best, false, 4.0), "yes");
        assert_eq!(met(Aim::Best, true, 4.0), "**no**");
    }

    #[test]
    fn a_cost_may_be_the_same_share_of_the_best_full_client() {
        let aim = || Aim::Cost {
            most: 1.0,
            best: 3.0,
        };
        assert_eq!(met(aim(), false, 0.9), "yes");
        assert_eq!(met(aim(), false, 1.9), "by ratio");
        assert_eq!(met(aim(), false, 2.1), "**no**");
    }
}
