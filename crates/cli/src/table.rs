//! Columns of text, as wide as their longest entry.

/// Prints rows under a heading; numbers are set to the right.
pub(crate) fn print<const N: usize>(heading: [&str; N], rows: &[[String; N]]) {
    for line in lines(heading, rows) {
        say!("{line}");
    }
}

fn lines<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let heading = heading.map(str::to_owned);
    let is_number = |column: usize| {
        let entries = rows.iter().filter_map(|row| row.get(column));
        let is_digits = |text: &String| text.chars().all(|c| c.is_ascii_digit() || c == '-');
        !rows.is_empty() && entries.clone().all(is_digits)
    };
    let width = |column: usize| {
        let all = rows.iter().chain([&heading]);
        let lengths = all.filter_map(|row| row.get(column));
        lengths.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let columns: Vec<(usize, bool)> = (0..N).map(|at| (width(at), is_number(at))).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&columns).map(|(text, (width, is_number))| {
            if *is_number {
                format!("{text:>width$}")
            } else {
                format!("{text:width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    [&heading].into_iter().chain(rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_entry_and_numbers_end_together() {
        let row = |name: &str, lag: &str| [name.to_owned(), lag.to_owned()];
        let rows = [row("orders", "5"), row("a", "1234"), row("b", "-")];
        let lines = lines(["topic", "lag"], &rows);
        assert_eq!(
            lines,
            [
                "topic    lag",
                "orders     5",
                "a       1234",
                "b          -"
            ]
        );
    }
}
