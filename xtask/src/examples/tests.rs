use super::{fits, missing};

#[test]
fn a_pattern_holds_anything_where_it_has_dots() {
    assert!(fits("a = 1", "a = 1"));
    assert!(!fits("a = 1", "a = 12"));
    assert!(fits("a = …", "a = 12"));
    assert!(fits("…: …ms", "used time: 1003ms"));
    assert!(!fits("…: …ms", "used time: 1003 s"));
}

#[test]
fn promised_lines_are_looked_for_in_their_order() {
    let promised = ["one".to_owned(), "two".to_owned()];
    assert_eq!(missing(&promised, "one\nand\ntwo\n"), None);
    assert_eq!(missing(&promised, "two\none\n"), Some(&promised[1]));
}
