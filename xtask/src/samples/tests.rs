use super::*;

#[test]
fn the_chapters_have_the_samples_of_their_tables() {
    let mut names = Vec::new();
    for chapter in CHAPTERS {
        let guide = fs::read_to_string(process::root().join(chapter)).unwrap();
        let samples = samples_of(&guide, chapter).unwrap();
        let rows = guide.lines().filter(|line| line.starts_with("| ["));
        assert_eq!(samples.len(), rows.count(), "{chapter}");
        for sample in samples {
            assert!(sample.files.contains_key("src/main.rs"), "{}", sample.name);
            assert!(!sample.prints.is_empty(), "{}", sample.name);
            names.push(sample.name);
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "each has a name of its own");
}

#[test]
fn a_sample_is_a_comment_and_a_block() {
    let guide =
        "| [a](#a) | x | `one`, `two` |\n<!-- sample a before -->\n```sh\nseq 3 | wc\n```\n";
    let [sample] = &samples_of(guide, "guide").unwrap()[..] else {
        panic!("one sample");
    };
    assert_eq!(sample.files["before"], "seq 3 | wc\n");
    assert_eq!(sample.prints, ["one", "two"]);
    assert!(samples_of("<!-- sample a b -->\nno block", "guide").is_err());
}

#[test]
fn brokers_are_where_the_port_says() {
    let text = r#"["localhost:9092", "127.0.0.1:9093"]"#;
    assert_eq!(with_port(text, 9092), text);
    let moved = r#"["localhost:19092", "127.0.0.1:19093"]"#;
    assert_eq!(with_port(text, 19092), moved);
}
