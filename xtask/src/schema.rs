//! `cargo xtask schema`: tables generated from Kafka's message schemas.
//!
//! The schemas are the JSON files in a `kafka-clients` jar. Without a path the jar is looked for
//! where `cargo xtask kafka` and Maven keep it.

mod jar;
mod json;
mod layout;

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::failure::Failure;

/// The table for the length check in front of generated decoders.
const TABLE: &str = "crates/protocol/src/precheck/generated.rs";

/// The release whose schemas the table follows.
const KAFKA: &str = "4.1.0";

/// Generates the table (`[JAR]`), or compares it with what is committed (`--check [JAR]`).
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let check = arguments.iter().any(|argument| argument == "--check");
    let mut paths = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"));
    let jar = match paths.next() {
        Some(path) => PathBuf::from(path),
        None => find_jar().ok_or_else(|| {
            Failure::new(format!(
                "kafka-clients-{KAFKA}.jar is neither in ~/.cache/ekafka-kafka nor in ~/.m2; \
                 give its path, or run `cargo xtask kafka up` once"
            ))
        })?,
    };
    let table = generate(&jar)?;
    let place = workspace().join(TABLE);
    if check {
        let committed = fs::read_to_string(&place)?;
        if committed != table {
            return Err(Failure::new(format!(
                "{TABLE} does not follow from {}; run `cargo xtask schema`",
                jar.display()
            )));
        }
        println!("{TABLE} follows from {}", jar.display());
    } else {
        fs::write(&place, table)?;
        println!("wrote {TABLE} from {}", jar.display());
    }
    Ok(())
}

fn generate(jar: &Path) -> Result<String, Failure> {
    let mut messages = Vec::new();
    for (name, text) in jar::read_schemas(jar)? {
        let schema =
            json::parse(&text).map_err(|error| Failure::new(format!("{name}: {error}")))?;
        messages.push(schema);
    }
    layout::table(&messages)
}

fn find_jar() -> Option<PathBuf> {
    let home = PathBuf::from(env::var_os("HOME")?);
    let file = format!("kafka-clients-{KAFKA}.jar");
    let cached = home
        .join(".cache/ekafka-kafka")
        .join(format!("lib-{KAFKA}"))
        .join(&file);
    let maven = home
        .join(".m2/repository/org/apache/kafka/kafka-clients")
        .join(KAFKA)
        .join(&file);
    [cached, maven].into_iter().find(|path| path.is_file())
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}
