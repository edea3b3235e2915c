//! The configuration reference in the repository is the one that the code has.

use std::path::Path;

/// `UPDATE_REFERENCE=1 cargo test -p ekafka --test configuration` writes it anew.
#[test]
fn the_reference_is_not_stale() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let expected = format!("{HEAD}{}", ekafka::config::reference());
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&file, &expected).expect("the reference is writable");
    }
    let found = std::fs::read_to_string(&file).expect("the reference exists");
    assert!(
        found == expected,
        "docs/configuration.md is stale: run with UPDATE_REFERENCE=1"
    );
}

const HEAD: &str = "# Configuration

Generated from the code. Keys match in any case; unknown ones are warned about. Time spans are written as in Go
(`\"100ms\"`, `\"1m30s\"`); a bare number is nanoseconds. Zero asks for the default, except in `requiredAcks` and
`startOffset`. `EKAFKA_KAFKA__PRODUCERS__p1__BATCHSIZE=500` in the environment sets `kafka.producers.p1.batchSize`. A
`properties` table in `[kafka]`, a producer, a consumer or a group takes Kafka's own names (`\"linger.ms\" = 5`).

";
