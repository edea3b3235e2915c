use super::*;

#[test]
fn numbers_and_words_say_the_same() {
    for (acks, number, words) in [
        (Acks::None, 0, ["none", "none"]),
        (Acks::One, 1, ["one", "leader"]),
        (Acks::All, -1, ["all", "all"]),
    ] {
        assert_eq!(acks.number(), number);
        assert_eq!(Acks::try_from(number), Ok(acks));
        assert_eq!(Acks::try_from(i32::from(number)), Ok(acks));
        assert_eq!(number.to_string().parse(), Ok(acks));
        for word in words {
            assert_eq!(word.parse(), Ok(acks), "{word}");
        }
    }
    for unknown in [2, -2, 65_537] {
        assert!(Acks::try_from(unknown).is_err(), "{unknown}");
    }
    for unknown in ["", "ALL ", "two", "2"] {
        assert!(unknown.parse::<Acks>().is_err(), "{unknown:?}");
    }
}
