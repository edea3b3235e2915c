//! confluent-kafka of Python, by a script that tells each of its steps.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::process;

use super::report::Report;
use super::{Site, client};

pub(super) fn steps(site: &Site, python: &Path, report: &mut Report) {
    let probe = "import confluent_kafka as c; print(c.version()[0] if isinstance(c.version(), tuple) else c.version())";
    let Ok(version) = process::capture(Command::new(python).args(["-c", probe])) else {
        let why = format!(
            "{} cannot import it; --python names another",
            python.display()
        );
        report.skip("confluent-kafka of Python", &why);
        return;
    };
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, &site.brokers, &site.name("python")]);
    let told = client::run(&mut command, "");
    let said = match told {
        Ok(said) => said.out,
        Err(failure) => return report.step("confluent-kafka", || Err(failure)),
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
}

const SCRIPT: &str = include_str!("confluent.py");
