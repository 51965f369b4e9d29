//! Prints what the checks find in rendered manifests, a line each with tabs: `survey [--alone] [--always-up] FILE...`.
//!
//! `--alone` says that the namespace has nothing but what the chart makes. It is for people: every finding in a chart that
//! works is either true or a fault of the check.

#![allow(clippy::print_stdout)]

use std::collections::BTreeSet;

use checks::{Context, Known, check};

fn main() {
    let mut context = Context::new("rel", "ns", 35);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--alone" => {
                context.known = Some(Known {
                    namespaces: BTreeSet::from(["ns".to_owned()]),
                    custom_kinds: Some(BTreeSet::new()),
                    ..Known::default()
                });
            }
            "--always-up" => context.always_up = true,
            file => survey(file, &context),
        }
    }
}

fn survey(file: &str, context: &Context) {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(failed) => return println!("{file}\tunreadable\t{failed}"),
    };
    match manifest::read_placed(&text) {
        Ok(objects) => {
            for one in check(&objects, context) {
                println!(
                    "{}\t{}\t{}\t{}\t{}\t{}:{}\t{}",
                    one.severity, one.check, file, one.object, one.path, one.source, one.line, one.message
                );
            }
        }
        Err(failed) => println!("{file}\tunreadable\t{failed}"),
    }
}
