//! Prints a rendered chart as `helm template` does.

use std::collections::HashMap;

use super::{Hook, HookEvent, Rendered, Text, split};
use crate::glob;

/// Which parts of a rendered chart are printed.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub crds: bool,
    pub no_hooks: bool,
    pub no_tests: bool,
    /// Patterns of template paths within the chart; empty for all of them.
    pub only: Vec<String>,
}

/// A pattern of [`Shown::only`] that no template matches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not find template {pattern} in chart")]
pub struct NotShown {
    pub pattern: String,
}

impl Rendered {
    /// The bytes `helm template` prints.
    ///
    /// # Errors
    /// When a pattern of `shown.only` matches nothing.
    pub fn print(&self, shown: &Shown) -> Result<Vec<u8>, NotShown> {
        let (out, _) = self.laid(shown);
        if shown.only.is_empty() {
            Ok(out)
        } else {
            only(&out, &shown.only)
        }
    }

    /// All documents as they are printed, and where each is.
    pub(super) fn laid(&self, shown: &Shown) -> (Vec<u8>, Vec<Laid<'_>>) {
        let mut out = Vec::new();
        let mut laid = Vec::new();
        let mut lay = |out: &mut Vec<u8>, source, (bytes, text)| {
            document(out, source, bytes);
            laid.push(Laid {
                at: out.len() - bytes.len() - 1,
                source,
                bytes,
                text,
            });
        };
        if shown.crds {
            for crd in &self.crds {
                lay(&mut out, &crd.source, (&crd.data, None));
            }
        }
        for manifest in &self.manifests {
            let text = (manifest.text().as_bytes(), Some(&manifest.text));
            lay(&mut out, &manifest.source, text);
        }
        out.truncate(out.trim_ascii_end().len());
        out.push(b'\n');
        for hook in self.shown_hooks(shown) {
            lay(&mut out, &hook.source, (hook.text().as_bytes(), Some(&hook.text)));
        }
        (out, laid)
    }
}

/// A document among the printed bytes.
pub(super) struct Laid<'a> {
    /// Where its text begins, after the line with its source.
    pub(super) at: usize,
    pub(super) source: &'a str,
    pub(super) bytes: &'a [u8],
    /// Nothing for what is not rendered.
    pub(super) text: Option<&'a Text>,
}

impl Rendered {
    /// The same documents by the template they come from, as `helm template --output-dir` writes them.
    pub fn files(&self, shown: &Shown) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (source, text) in self.documents(shown) {
            let at = *known.entry(source).or_insert(files.len());
            if at == files.len() {
                files.push((source.to_owned(), Vec::new()));
            }
            document(&mut files[at].1, source, text);
        }
        files
    }

    /// The template of each document, in the order they are written to files.
    pub fn sources(&self, shown: &Shown) -> Vec<&str> {
        self.documents(shown).map(|(source, _)| source).collect()
    }

    /// The documents with the template they come from: CRDs, manifests, hooks.
    fn documents(&self, shown: &Shown) -> impl Iterator<Item = (&str, &[u8])> {
        let crds = self.crds.iter().filter(move |_| shown.crds);
        let crds = crds.map(|crd| (&*crd.source, &*crd.data));
        let manifests = self.manifests.iter();
        let manifests = manifests.map(|manifest| (&*manifest.source, manifest.text().as_bytes()));
        let hooks = self.shown_hooks(shown);
        let hooks = hooks.map(|hook| (&*hook.source, hook.text().as_bytes()));
        crds.chain(manifests).chain(hooks)
    }

    fn shown_hooks(&self, shown: &Shown) -> impl Iterator<Item = &Hook> {
        let (no_hooks, no_tests) = (shown.no_hooks, shown.no_tests);
        self.hooks
            .iter()
            .filter(move |hook| !(no_hooks || no_tests && hook.events.contains(&HookEvent::Test)))
    }
}

fn document(out: &mut Vec<u8>, source: &str, text: &[u8]) {
    out.extend_from_slice(b"---\n# Source: ");
    out.extend_from_slice(source.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(text);
    out.push(b'\n');
}

/// The documents whose template matches a pattern, by pattern and then as they were printed.
fn only(printed: &[u8], patterns: &[String]) -> Result<Vec<u8>, NotShown> {
    let printed = String::from_utf8_lossy(printed);
    let documents = split::documents(&printed);
    let mut out = Vec::new();
    for pattern in patterns {
        let before = out.len();
        let matches = |document: &&&str| {
            template_of(document).is_some_and(|path| {
                glob::filepath_match(pattern.as_bytes(), path.as_bytes()).unwrap_or(false)
            })
        };
        for document in documents.iter().filter(matches) {
            out.extend_from_slice(b"---\n");
            out.extend_from_slice(document.as_bytes());
            out.push(b'\n');
        }
        if out.len() == before {
            return Err(NotShown {
                pattern: pattern.clone(),
            });
        }
    }
    Ok(out)
}

/// The path in `# Source: CHART/PATH`.
fn template_of(document: &str) -> Option<&str> {
    const MARK: &str = "# Source: ";
    document.match_indices(MARK).find_map(|(at, _)| {
        let (chart, rest) = document[at + MARK.len()..].split_once('/')?;
        let path = rest.lines().next().unwrap_or_default();
        (!chart.is_empty() && !path.is_empty()).then_some(path)
    })
}
