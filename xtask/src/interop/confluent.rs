//! confluent-kafka of Python, by a script that tells each of its steps.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::process;

use super::report::Report;
use super::{Site, client};

/// Whether there is one at all.
pub(super) fn steps(site: &Site, python: &Path, report: &mut Report) -> bool {
    let probe = "import confluent_kafka; print(confluent_kafka.__version__)";
    let Ok(version) = process::capture(Command::new(python).args(["-c", probe])) else {
        let why = format!(
            "{} cannot import it; --python names another",
            python.display()
        );
        report.skip("confluent-kafka of Python", &why);
        return false;
    };
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, &site.brokers, &site.name("python")]);
    let told = client::run(&mut command, "");
    let said = match told {
        Ok(said) => said.out,
        Err(failure) => {
            report.step("confluent-kafka", || Err(failure));
            return true;
        }
    };
    for line in said.lines() {
        let mut parts = line.splitn(3, '\t');
        let (Some(outcome), Some(name), Some(seen)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let name = format!("confluent-kafka {}: {name}", version.trim());
        report.step(&name, || match outcome {
            "ok" => Ok(seen.to_owned()),
            _ => Err(Failure::new(seen)),
        });
    }
    true
}

const SCRIPT: &str = include_str!("confluent.py");
