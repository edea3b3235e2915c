use super::HostPort;

#[track_caller]
fn check(text: &str, expected: Option<(&str, u16, &str)>) {
    let parsed = text.parse::<HostPort>();
    match (parsed, expected) {
        (Ok(address), Some((host, port, printed))) => {
            assert_eq!((address.host(), address.port()), (host, port), "{text}");
            assert_eq!(address.to_string(), printed);
        }
        (Err(_), None) => {}
        (parsed, _) => panic!("{text}: {parsed:?}"),
    }
}

#[test]
fn addresses_with_and_without_port_and_brackets() {
    check("kafka", Some(("kafka", 9092, "kafka:9092")));
    check(" kafka:1 ", Some(("kafka", 1, "kafka:1")));
    check(
        "kafka.example.:65535",
        Some(("kafka.example.", 65535, "kafka.example.:65535")),
    );
    check("[::1]:19092", Some(("::1", 19092, "[::1]:19092")));
    check("[::1]", Some(("::1", 9092, "[::1]:9092")));
    check("fe80::2", Some(("fe80::2", 9092, "[fe80::2]:9092")));
    for bad in [
        "",
        ":9092",
        "kafka:0",
        "kafka:70000",
        "kafka:-1",
        "kafka:x",
        "[::1",
        "[::1]x",
        "a b:1",
        "a\n:1",
        "http://a",
    ] {
        check(bad, None);
    }
    check(&format!("{}:1", "a".repeat(256)), None);
}

#[test]
fn control_characters_of_a_broker_are_escaped_when_printed() {
    assert_eq!(
        HostPort::new("a\u{1b}[31m\n", 1).to_string(),
        "a\\u{1b}[31m\\n:1"
    );
}
