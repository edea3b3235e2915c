//! The lines of the acceptance tables.

use crate::tidy::sources::all_files;

/// One promised behaviour and what proves it.
pub(super) struct Claim {
    pub(super) table: String,
    pub(super) id: String,
    pub(super) proofs: Vec<Proof>,
}

/// A file, or a test or text in it.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) path: String,
    needle: Option<Needle>,
}

#[derive(Debug)]
enum Needle {
    Test(String),
    Text(String),
}

/// Every line of every table.
pub(super) fn claims() -> Vec<Claim> {
    let tables = all_files().filter(|file| file.path.starts_with("docs/acceptance/"));
    tables
        .flat_map(|table| {
            let lines = table.text.lines();
            let read = lines.filter_map(|line| Claim::read(&table.path, line));
            read.collect::<Vec<_>>()
        })
        .collect()
}

/// The keys of configurations that a line claims, without backticks.
pub(super) fn keys() -> Vec<String> {
    let claims = claims().into_iter().map(|claim| claim.id);
    claims.filter(|id| id.starts_with("kafka")).collect()
}

impl Claim {
    /// A line such as `| T98 | path/of/a/test.rs::name_of_the_test | remark |`, whose id may be a key of a configuration;
    /// none for a heading or prose.
    pub(super) fn read(table: &str, line: &str) -> Option<Self> {
        let mut columns = line.strip_prefix('|')?.split('|').map(str::trim);
        let id = columns.next()?;
        let id = id.trim_matches('`');
        let digits = id.trim_start_matches(['T', 'S', 'X', '-']);
        let is_number = digits.len() < id.len() && digits.starts_with(|c: char| c.is_ascii_digit());
        let is_key = id.starts_with("kafka") && id.contains('.');
        if !is_number && !is_key {
            return None;
        }
        let proofs = columns.next().unwrap_or_default();
        Some(Self {
            table: table.to_owned(),
            id: id.to_owned(),
            proofs: split_outside_quotes(proofs)
                .filter_map(Proof::read)
                .collect(),
        })
    }
}

impl Proof {
    pub(super) fn read(words: &str) -> Option<Self> {
        let words = words.trim().trim_matches('`');
        let (path, needle) = if let Some((path, text)) = words.split_once(" \"") {
            (
                path,
                Some(Needle::Text(text.trim_end_matches('"').to_owned())),
            )
        } else if let Some((path, test)) = words.split_once("::") {
            (path, Some(Needle::Test(test.to_owned())))
        } else {
            (words, None)
        };
        let path = path.to_owned();
        (!path.is_empty()).then_some(Self { path, needle })
    }

    /// The test or text that should be in the file and is not.
    pub(super) fn missing_in(&self, text: &str) -> Option<String> {
        match self.needle.as_ref()? {
            Needle::Test(name) => {
                let there = text.contains(&format!("fn {name}("));
                (!there).then(|| format!("test `{name}`"))
            }
            Needle::Text(wanted) => {
                (!text.contains(wanted.as_str())).then(|| format!("\"{wanted}\""))
            }
        }
    }
}

/// The parts between commas; a comma between quotes is text.
fn split_outside_quotes(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    list.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}
