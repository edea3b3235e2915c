//! The development environments of docker/, started one after the other where a Docker engine answers.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::kafka::engine_answers;
use crate::process;

/// One folder of docker/ and what answers once it is up.
struct Environment {
    folder: &'static str,
    brokers: &'static [u16],
    /// The port of a user interface, which answers HTTP.
    interface: Option<u16>,
}

const ALL: [Environment; 3] = [
    Environment {
        folder: "development",
        brokers: &[9092],
        interface: Some(8080),
    },
    Environment {
        folder: "three-brokers",
        brokers: &[9091, 9092, 9093],
        interface: None,
    },
    Environment {
        folder: "secured",
        brokers: &[9094],
        interface: None,
    },
];

/// How long an environment may take until it answers, its images being there.
const PATIENCE: Duration = Duration::from_secs(120);

const PAUSE: Duration = Duration::from_millis(500);

/// Parses, starts, asks and stops each environment; says so when there is no engine.
pub(crate) fn check() -> Result<(), Failure> {
    if !engine_answers() {
        println!("no Docker engine answers: the environments of docker/ are not started");
        return Ok(());
    }
    ALL.iter().try_for_each(|environment| {
        println!("== {}", environment.folder);
        process::run(&mut compose(environment, &["config", "--quiet"]))?;
        let up = process::run(&mut compose(environment, &["up", "--detach"]));
        let checked = up.and_then(|()| environment.answers());
        let down = process::run(&mut compose(environment, &["down", "--volumes"]));
        checked.and(down)
    })
}

impl Environment {
    fn answers(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        for port in self.brokers {
            until(deadline, &format!("a broker on port {port}"), || {
                TcpStream::connect(("127.0.0.1", *port)).is_ok()
            })?;
        }
        self.interface.map_or(Ok(()), |port| {
            until(deadline, &format!("HTTP status 200 on port {port}"), || {
                status(port).is_ok_and(|line| line.contains(" 200 "))
            })
        })
    }
}

fn until(deadline: Instant, what: &str, there: impl Fn() -> bool) -> Result<(), Failure> {
    while !there() {
        if Instant::now() > deadline {
            return Err(Failure::new(format!("no {what} after {PATIENCE:?}")));
        }
        std::thread::sleep(PAUSE);
    }
    println!("{what}: answers");
    Ok(())
}

/// The first line of the answer to `GET /`.
fn status(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}

fn compose(environment: &Environment, arguments: &[&str]) -> Command {
    let folder = process::root().join("docker").join(environment.folder);
    let mut command = Command::new("docker");
    command.arg("compose").args(arguments).current_dir(folder);
    command
}
