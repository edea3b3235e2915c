use super::*;

#[test]
fn brokers_are_those_of_the_file() {
    let example = process::root().join(FOLDER).join("example.toml");
    let example = std::fs::read_to_string(example).unwrap();
    let found = brokers_of(&example).unwrap();
    assert_eq!(
        found,
        ["127.0.0.1:9091", "127.0.0.1:9092", "127.0.0.1:9093"]
    );
    let fault = brokers_of("[kafka]\ntopic = 1").unwrap_err();
    assert!(fault.contains("`brokers`"), "{fault}");
}

/// S2.89: the run fails before anything is built or started, and says what to do.
#[test]
fn without_a_configuration_the_run_says_how_to_make_one() {
    let failure = configuration(Some("/nowhere/e2e.toml".into())).unwrap_err();
    let said = failure.to_string();
    assert!(
        said.contains("/nowhere/e2e.toml, which does not exist"),
        "{said}"
    );
    assert!(
        said.contains("copy test/e2e/config/example.toml to test/e2e/config/e2e.toml"),
        "{said}"
    );
}
