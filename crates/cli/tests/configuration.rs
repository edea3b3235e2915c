//! `ekafka config check` as a person uses it.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::process::{Command, Output};

fn check(name: &str, text: &str, variables: &[(&str, &str)]) -> Output {
    let file = std::env::temp_dir().join(format!("ekafka-{name}-{}.toml", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ekafka"))
        .args(["config", "check"])
        .arg(&file)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    std::fs::remove_file(file).unwrap();
    output
}

#[test]
fn the_values_in_effect_are_shown_without_secrets() {
    let text = "[kafka]\nbrokers = [\"a:1\"]\nsaslMechanism = \"SCRAM-SHA-256\"\nsaslPassword = \"geheim\"\n\
        [kafka.producers.p1]\ntopic = \"t\"\n[kafkaConsumerServers.s1]\nconsumerName = \"c1\"";
    let output = check(
        "shown",
        text,
        &[("EKAFKA_KAFKA__PRODUCERS__P1__BATCHSIZE", "7")],
    );
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    for line in [
        "[kafka.producers.p1]",
        "batchSize = 7",
        "batchTimeout = \"1s\"",
        "consumerName = \"c1\"",
    ] {
        assert!(shown.contains(line), "{line} is missing in\n{shown}");
    }
    assert!(!shown.contains("geheim"), "{shown}");
}

#[test]
fn every_fault_is_told_and_nothing_else_shown() {
    let text = "[kafka]\nbrokers = []\n[kafka.producers.p1]\nbatchSize = \"many\"\n[kafka.consumers.c1]\n\
        [kafkaConsumerServers.s1]\ndebug = \"perhaps\"";
    let output = check("faults", text, &[]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for path in [
        "kafka.producers.p1.batchSize",
        "kafka.consumers.c1.topic",
        "kafkaConsumerServers.s1.debug",
    ] {
        assert!(told.contains(path), "{path} is missing in\n{told}");
    }
    assert!(output.stdout.is_empty());
}
