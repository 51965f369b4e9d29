//! Rules for `crds/`: plain YAML, and nothing but CRDs.

use super::Linter;
use super::Severity::Error;
use super::manifest::{Head, documents, json_problem};

const FOLDER: &str = "crds/";

pub(super) fn check(linter: &mut Linter) {
    let path = linter.root.join("crds");
    let Ok(about) = std::fs::metadata(&path) else {
        return;
    };
    if !about.is_dir() {
        linter.add(Error, FOLDER, "not a directory");
        return;
    }
    let chart = match linter.load() {
        Ok(chart) => chart,
        Err(failed) => {
            linter.add(Error, FOLDER, failed.chain());
            return;
        }
    };
    for crd in chart.crds() {
        if let Some(problem) = json_problem(&crd.file.data) {
            linter.add(Error, &crd.file.name, problem);
            return;
        }
        for document in documents(&crd.file.data) {
            let head = match Head::read(document) {
                Ok(head) => head,
                Err(failed) => {
                    linter.add_at(Error, &crd.file.name, failed.line, failed.message());
                    return;
                }
            };
            let Some(head) = head else { continue };
            if !head.api_version.starts_with("apiextensions.k8s.io") {
                linter.add(
                    Error,
                    &crd.file.name,
                    "apiVersion is not in 'apiextensions.k8s.io'",
                );
            }
            if head.kind != "CustomResourceDefinition" {
                linter.add(
                    Error,
                    &crd.file.name,
                    "object kind is not 'CustomResourceDefinition'",
                );
            }
        }
    }
}
