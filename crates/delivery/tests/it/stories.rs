//! The stories, told and compared.

use std::fs;
use std::path::{Path, PathBuf};

use crate::script::Script;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Tells a story anew: its commands, each with what is answered.
fn told(story: &str) -> String {
    let mut script = Script::new();
    let mut told = String::new();
    for line in story.lines().filter(|line| !line.starts_with("  ")) {
        told += line;
        told.push('\n');
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        for answer in script.tell(line) {
            told += &format!("  {answer}\n");
        }
    }
    told
}

#[test]
fn stories_go_as_they_are_told() {
    let mut differ = Vec::new();
    for file in files() {
        let story = fs::read_to_string(&file).unwrap();
        let told = told(&story);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &told).unwrap();
        } else if told != story {
            let lines = told.lines().zip(story.lines());
            let first = lines.enumerate().find(|(_, (new, old))| new != old);
            differ.push(format!("{}: {first:#?}", file.display()));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(files().len() >= 10, "the stories are not where they should be");
}
