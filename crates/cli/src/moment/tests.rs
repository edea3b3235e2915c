use super::*;

fn at(text: &str) -> Result<i64, String> {
    parse(text, UNIX_EPOCH + Duration::from_secs(1_000_000))
}

#[test]
fn moments_are_dates_milliseconds_or_so_long_ago() {
    for (text, milliseconds) in [
        ("1970-01-01", 0),
        ("1970-01-02T00:00:01Z", 86_401_000),
        ("2024-02-29T12:30:00Z", 1_709_209_800_000),
        ("2024-02-29T12:30:00.25Z", 1_709_209_800_250),
        ("2024-02-29 13:30+01:00", 1_709_209_800_000),
        ("2024-02-29T07:30:00-05:00", 1_709_209_800_000),
        ("1709209800000", 1_709_209_800_000),
        ("0", 0),
        ("-10s", 999_990_000),
        ("-1h", 996_400_000),
        ("-2d", 827_200_000),
    ] {
        assert_eq!(at(text), Ok(milliseconds), "{text}");
    }
}

#[test]
fn what_is_no_moment_is_refused_with_examples() {
    for text in [
        "",
        "soon",
        "-",
        "-5",
        "-5y",
        "--5s",
        "2023-02-29",
        "2024-13-01",
        "2024-01-01T25:00",
        "2024-01-01T10:00:00+1",
        "2024-01-01T10",
        "1969-12-31",
        "-99999999d",
        "2024-1-1-1",
    ] {
        let error = at(text).unwrap_err();
        assert!(error.contains("-15m"), "{text}: {error}");
    }
}
