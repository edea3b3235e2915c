//! Logging in, with and without TLS, at an embedded broker that insists on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::kafka::Tools;
use crate::process;

use super::embedded::Broker;
use super::report::Report;
use super::{Site, client, lines};

const USER: &str = "interop";
const PASSWORD: &str = "interop-secret";
const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// What kcat of most distributions brings; brokers refuse it since CVE-2024-56128, and so does the embedded one.
const OLD_SCRAM: &str = "its librdkafka, if before 2.6.1, ends SCRAM with a wrong nonce";

/// Prints the topics that a client with the settings of the arguments sees.
const LIST: &str = "import sys
from confluent_kafka.admin import AdminClient
client = AdminClient(dict(setting.split('=', 1) for setting in sys.argv[1:]))
print(*client.list_topics(timeout=20).topics)";

/// A broker, how to reach it, and where this run keeps the files that clients read.
struct Secured {
    brokers: String,
    /// The authority to trust where the listeners speak TLS.
    ca: Option<PathBuf>,
    folder: PathBuf,
}

pub(super) fn steps(
    site: &Site,
    tools: Option<&Tools>,
    has_kcat: bool,
    python: Option<&Path>,
    report: &mut Report,
) {
    let folder = std::env::temp_dir().join(site.name("secured"));
    for has_tls in [false, true] {
        let with = if has_tls { "SASL over TLS" } else { "SASL" };
        let started = start(&folder, has_tls);
        let (_broker, secured) = match started {
            Ok(started) => started,
            Err(failure) => {
                report.step(&format!("{with}: a broker"), || Err(failure));
                continue;
            }
        };
        for mechanism in MECHANISMS {
            let name = |client| format!("{with}, {mechanism}: {client}");
            report.step(&name("ekafka"), || secured.ekafka(site, mechanism));
            if has_kcat && mechanism == "PLAIN" {
                report.step(&name("kcat"), || secured.kcat(mechanism));
            } else if has_kcat {
                report.skip(&name("kcat"), OLD_SCRAM);
            }
            if let Some(python) = python {
                report.step(&name("confluent-kafka"), || {
                    secured.confluent(python, mechanism)
                });
            }
            if let Some(tools) = tools {
                report.step(&name("TopicCommand"), || secured.java(tools, mechanism));
            }
        }
    }
    // Nothing depends on it being gone.
    let _removed = fs::remove_dir_all(folder);
}

fn start(folder: &Path, has_tls: bool) -> Result<(Broker, Secured), Failure> {
    process::run(&mut process::cargo([
        "build",
        "-p",
        "ekafka-testkit",
        "--example",
        "serve",
    ]))?;
    fs::create_dir_all(folder)?;
    let ca = has_tls.then(|| folder.join("ca.pem"));
    let mut command = Command::new(process::built("debug/examples/serve"));
    command.args(["127.0.0.1:0", "3", &format!("{USER}:{PASSWORD}")]);
    command.args(&ca);
    let broker = Broker::run(&mut command)?;
    let secured = Secured {
        brokers: broker.addresses().to_owned(),
        ca,
        folder: folder.to_owned(),
    };
    Ok((broker, secured))
}

impl Secured {
    fn ekafka(&self, site: &Site, mechanism: &str) -> Result<String, Failure> {
        let topic = format!("by-{mechanism}").to_lowercase();
        let login = format!("{mechanism}:{USER}");
        let mut command = site.ekafka(&["--brokers", &self.brokers, "--sasl", &login]);
        command.env("EKAFKA_SASL_PASSWORD", PASSWORD);
        match &self.ca {
            Some(ca) => command.arg("--tls-ca").arg(ca),
            None => command.arg("--sasl-plain-without-tls"),
        };
        command.args(["topics", "create", &topic, "--partitions", "2"]);
        client::run(&mut command, "").map(|_| format!("created {topic}"))
    }

    fn kcat(&self, mechanism: &str) -> Result<String, Failure> {
        let topic = format!("by-{mechanism}").to_lowercase();
        let list = |password: &str| {
            let mut command = Command::new("kcat");
            command.args(["-b", &self.brokers, "-L", "-m", "5"]);
            for setting in self.settings(mechanism, password) {
                command.args(["-X", &setting]);
            }
            client::run(&mut command, "")
        };
        if list("wrong").is_ok() {
            return Err(Failure::new(
                "expected a wrong password to be refused, seen it accepted",
            ));
        }
        let seen = list(PASSWORD)?.out;
        lines::containing(&format!("topic \"{topic}\" with 2 partitions"), &seen)
            .map(|line| format!("{}; a wrong password is refused", line.trim()))
    }

    fn confluent(&self, python: &Path, mechanism: &str) -> Result<String, Failure> {
        let topic = format!("by-{mechanism}").to_lowercase();
        let mut command = Command::new(python);
        command.args(["-c", LIST, &format!("bootstrap.servers={}", self.brokers)]);
        command.args(self.settings(mechanism, PASSWORD));
        let seen = client::run(&mut command, "")?.out;
        lines::containing(&topic, &seen).map(str::to_owned)
    }

    /// librdkafka's.
    fn settings(&self, mechanism: &str, password: &str) -> Vec<String> {
        let mut settings = vec![
            format!("security.protocol={}", self.protocol()),
            format!("sasl.mechanisms={mechanism}"),
            format!("sasl.username={USER}"),
            format!("sasl.password={password}"),
        ];
        if let Some(ca) = &self.ca {
            settings.push(format!("ssl.ca.location={}", ca.display()));
        }
        settings
    }

    fn java(&self, tools: &Tools, mechanism: &str) -> Result<String, Failure> {
        let module = match mechanism {
            "PLAIN" => "plain.PlainLoginModule",
            _ => "scram.ScramLoginModule",
        };
        let protocol = self.protocol();
        let mut settings = format!(
            "security.protocol={protocol}\nsasl.mechanism={mechanism}\n\
             sasl.jaas.config=org.apache.kafka.common.security.{module} required \
             username=\"{USER}\" password=\"{PASSWORD}\";\n"
        );
        if let Some(ca) = &self.ca {
            settings.push_str(&format!(
                "ssl.truststore.type=PEM\nssl.truststore.location={}\n",
                ca.display()
            ));
        }
        let file = self.folder.join(format!("{mechanism}.properties"));
        fs::write(&file, settings)?;
        let mut command = tools.class("org.apache.kafka.tools.TopicCommand");
        command.args(["--bootstrap-server", &self.brokers, "--list"]);
        command.arg("--command-config").arg(file);
        let topic = format!("by-{mechanism}").to_lowercase();
        let seen = client::run(&mut command, "")?.out;
        lines::containing(&topic, &seen).map(str::to_owned)
    }

    fn protocol(&self) -> &'static str {
        match self.ca {
            Some(_) => "SASL_SSL",
            None => "SASL_PLAINTEXT",
        }
    }
}
