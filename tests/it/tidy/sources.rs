//! The files of the repository, as the rules look at them.

use std::fs;
use std::path::{Path, PathBuf};

/// One file: its path from the root with `/`, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Test code: it may be long, wait and unwrap.
    pub(crate) fn is_test(&self) -> bool {
        let parts = self.path.trim_end_matches(".rs").split('/');
        parts
            .into_iter()
            .any(|part| part == "tests" || part == "benches")
    }

    /// Written by a job, not by a person.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.ends_with("/generated.rs")
    }

    /// Lines that are neither blank nor only a comment.
    pub(crate) fn code_lines(&self) -> usize {
        self.code().count()
    }

    /// Whether the code, comments aside, contains `word`.
    pub(crate) fn names(&self, word: &str) -> bool {
        self.code().any(|line| line.contains(word))
    }

    fn code(&self) -> impl Iterator<Item = &str> {
        self.text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
    }
}

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("the package is in the workspace")
        .to_owned()
}

pub(crate) fn rust_files() -> impl Iterator<Item = Source> {
    all_files().filter(|file| file.path.ends_with(".rs"))
}

/// Every text file that is not built, fetched or part of version control.
pub(crate) fn all_files() -> impl Iterator<Item = Source> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.into_iter()
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !["target", ".git", "corpus", "artifacts"].contains(&name.as_str()) {
                collect(&path, found);
            }
        } else if name != "Cargo.lock" && name != ".git" {
            // What is not text (golden bytes) has no words to look for.
            if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root()).expect("below the root");
                found.push(Source {
                    path: path.to_string_lossy().replace('\\', "/"),
                    text,
                });
            }
        }
    }
}
