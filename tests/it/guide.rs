//! The guide in docs/: its chapters and links.

use crate::tidy::sources::{all_files, root};

#[test]
fn every_chapter_is_in_the_summary() {
    let summary = chapter("docs/SUMMARY.md");
    let missing: Vec<_> = all_files()
        .map(|file| file.path)
        .filter(|path| {
            path.starts_with("docs/") && path.ends_with(".md") && path != "docs/SUMMARY.md"
        })
        .filter(|path| !path.starts_with("docs/acceptance/") || path.ends_with("/README.md"))
        .filter(|path| !summary.contains(&format!("({})", &path["docs/".len()..])))
        .collect();
    assert!(missing.is_empty(), "not in docs/SUMMARY.md: {missing:?}");
}

#[test]
fn links_between_files_lead_somewhere() {
    let texts =
        all_files().filter(|file| file.path.ends_with(".md") && !file.path.starts_with("fuzz/"));
    let mut broken = Vec::new();
    for file in texts {
        let path = root().join(&file.path);
        let folder = path.parent().expect("a file is in a folder");
        for link in links(&file.text) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                broken.push(format!("{}: {link}", file.path));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_example_is_in_the_table_with_what_it_teaches() {
    let table = chapter("docs/examples.md");
    let missing: Vec<String> = all_files()
        .filter_map(|file| {
            let name = file.path.strip_prefix("crates/ekafka/examples/")?;
            let name = name
                .strip_suffix("/main.rs")
                .or_else(|| name.strip_suffix(".rs"))?;
            let teaches = file.text.lines().next()?.strip_prefix("//! ")?;
            let row = format!("| [`{name}`](../{}) | {teaches} |", file.path);
            (!name.contains('/') && !table.contains(&row)).then_some(row)
        })
        .collect();
    assert!(
        missing.is_empty(),
        "docs/examples.md lacks:\n{}",
        missing.join("\n")
    );
}

/// What stands in parentheses after `]`, outside of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    let prose = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    });
    prose.flat_map(|line| {
        let parts = line.split("](").skip(1);
        parts.filter_map(|rest| rest.split(')').next())
    })
}

#[test]
fn the_readmes_of_both_languages_begin_with_the_same_commands_and_show_the_same_code() {
    let english = chapter("README.md");
    let chinese = chapter("README.zh-CN.md");
    let code = |text: &str| -> Vec<String> {
        let blocks = text.split("```").skip(1).step_by(2);
        blocks.map(str::to_owned).collect()
    };
    assert_eq!(code(&chinese), code(&english));
}

fn chapter(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("the chapter is there")
}
