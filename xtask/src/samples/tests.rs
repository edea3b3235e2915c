use super::*;

#[test]
fn the_guide_has_the_samples_of_its_table() {
    let guide = fs::read_to_string(process::root().join(GUIDE)).unwrap();
    let samples = samples(&guide).unwrap();
    let rows = guide.lines().filter(|line| line.starts_with("| ["));
    assert_eq!(samples.len(), rows.count());
    for sample in samples {
        assert!(sample.files.contains_key("src/main.rs"), "{}", sample.name);
        assert!(!sample.prints.is_empty(), "{}", sample.name);
        assert!(!sample.topic().is_empty(), "{}", sample.name);
    }
}

#[test]
fn a_sample_is_a_comment_and_a_block() {
    let guide = "| [a](#a) | x | `one`, `two` |\n<!-- sample a config.toml -->\n```toml\ntopic = \"my-topic\"\n```\n";
    let [sample] = &samples(guide).unwrap()[..] else {
        panic!("one sample");
    };
    assert_eq!(sample.files["config.toml"], "topic = \"my-topic\"\n");
    assert_eq!(sample.prints, ["one", "two"]);
    assert_eq!(sample.topic(), "my-topic");
    assert!(samples("<!-- sample a b -->\nno block").is_err());
}
