//! Mistakes made in good charts: each that this level can see is found by its check, and the good charts have none.
//!
//! `tests/mutations/mutations.txt` says how a mistake is written; `caught.tsv` holds what finds each.
//! `UPDATE=1 cargo test -p checks mutations` writes it anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use chart::capabilities::Capabilities;
use chart::functions::Host;
use chart::random::Seeded;
use chart::render::{Release, Request, Shown, render_traced};
use checks::{Context, Known, Record, check};
use manifest::{Finding, Severity, read_placed};
use model::{Namespace, ReleaseName, Revision};
use objects::Kind;

use crate::collection::{Files, Mutation, folder, good, mutations};

/// What the checks find in a chart, and the file and line of each finding in the chart.
pub fn found(files: &Files, words: &[String]) -> Vec<(Finding, String)> {
    let files = files.iter().map(|(name, text)| chart::File {
        name: name.as_str().into(),
        data: Arc::from(text.as_bytes()),
    });
    let loaded = chart::load::files(files.collect()).unwrap();
    let name: ReleaseName = "rel".parse().unwrap();
    let namespace: Namespace = "ns".parse().unwrap();
    let capabilities = Capabilities::default();
    let request = Request {
        release: Release {
            name: &name,
            namespace: &namespace,
            revision: Revision::FIRST,
            is_upgrade: false,
        },
        values: chart::values::Map::default(),
        capabilities: &capabilities,
        skip_schema_validation: false,
        subchart_notes: false,
    };
    let host = Host::new(0, Box::new(Seeded::new(1)));
    let rendered = render_traced(&loaded.chart, request, &host).unwrap();
    let shown = Shown {
        crds: true,
        ..Shown::default()
    };
    let printed = rendered.print(&shown).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    let origins = rendered.origins(&shown);
    let place = |finding: &Finding| {
        let origin = origins.of(finding.line);
        origin.map_or_else(String::new, |origin| format!("{}:{}", origin.file, origin.line))
    };
    let findings = check(&read_placed(&printed).unwrap(), &context(words));
    findings
        .into_iter()
        .map(|finding| {
            let place = place(&finding);
            (finding, place)
        })
        .collect()
}

fn context(words: &[String]) -> Context {
    let mut context = Context::new("rel", "ns", 35);
    for word in words.iter().flat_map(|words| words.split(' ')) {
        match word {
            "alone" => {
                context.known = Some(Known {
                    namespaces: BTreeSet::from(["ns".to_owned()]),
                    custom_kinds: Some(BTreeSet::<Kind>::new()),
                    ..Known::default()
                });
            }
            "up" => context.always_up = true,
            "" => {}
            // What makes it large is put there by who measures it.
            "record" => {
                context.record = Some(Record {
                    bytes: 2 << 20,
                    max_bytes: 1 << 20,
                });
            }
            other => panic!("{other:?}"),
        }
    }
    context
}

#[test]
fn good_charts_have_no_errors_and_no_warnings() {
    for chart in ["web", "store", "keeper"] {
        for words in ["", "alone", "up"] {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            let told = found(&good(chart), &words);
            let told: Vec<String> = told
                .iter()
                .filter(|(finding, _)| finding.severity != Severity::Note)
                .map(|(finding, _)| finding.to_string())
                .collect();
            assert_eq!(told, [""; 0], "{chart} {words:?}");
        }
    }
}

#[test]
fn mutations_are_caught_by_the_check_for_them() {
    let mut table = String::from("mutation\tlevel\twhat\treported\tfound at this level\tfirst place\n");
    for mutation in mutations() {
        let findings = found(&mutation.apply(), &mutation.words);
        // The good chart's record is not the size that the mutated one's is.
        let words: Vec<String> = mutation
            .words
            .iter()
            .filter(|word| *word != "record")
            .cloned()
            .collect();
        let before = found(&good(&mutation.chart), &words);
        let is_new = |check: &str| before.iter().all(|(one, _)| one.check != check);
        let told: BTreeSet<&str> = findings
            .iter()
            .map(|(finding, _)| finding.check)
            .filter(|check| is_new(check))
            .collect();
        if mutation.level == "L1" {
            let what = mutation.what.as_str();
            assert!(
                told.contains(what),
                "{}: {what} is not in {told:?}",
                mutation.name
            );
        }
        let mut first = findings
            .iter()
            .filter(|(finding, _)| told.contains(finding.check));
        let place = match mutation.level.as_str() {
            "L1" => first.find(|(finding, _)| finding.check == mutation.what),
            _ => first.next(),
        };
        let place = place.map_or("", |(_, place)| place.as_str());
        let told: Vec<&str> = told.into_iter().collect();
        let Mutation {
            name,
            level,
            what,
            reported,
            ..
        } = &mutation;
        table.push_str(&format!(
            "{name}\t{level}\t{what}\t{reported}\t{}\t{place}\n",
            told.join(" ")
        ));
    }
    let path = folder().join("caught.tsv");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap();
    assert_eq!(held, table, "UPDATE=1 cargo test -p checks mutations");
}

#[test]
fn the_set_is_as_large_as_it_has_to_be() {
    let all = mutations();
    let names: BTreeSet<&str> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names.len(), all.len());
    let reported = all.iter().filter(|one| one.reported.contains('#')).count();
    assert!(
        all.len() >= 60 && reported >= 60,
        "{} mutations, {reported} reported",
        all.len()
    );
    assert!(all.iter().all(|one| matches!(one.level.as_str(), "L1" | "L2")));
}
