//! The templates that were released, oldest first, each with all its files.
//!
//! A released template never changes, or what users made from it could not be merged any more; a test holds its digest.
//! A later one is a folder of its own below `template/` and an entry at the end of [`RELEASED`].

mod v1_0_0;

/// A template. Its version is that of the library chart in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template<'a> {
    pub version: &'a str,
    /// What is copied as it is, below `charts/shipway-service`.
    pub library: &'a [(&'a str, &'a str)],
    /// What answers are put into.
    pub service: &'a [(&'a str, &'a str)],
}

/// Every released template, oldest first.
pub const RELEASED: &[Template<'static>] = &[v1_0_0::TEMPLATE];

/// What new services are made from.
pub fn latest() -> &'static Template<'static> {
    RELEASED.last().expect("there is a first template")
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn hex(text: &[u8]) -> String {
        Sha256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn file<'a>(files: &[(&str, &'a str)], path: &str) -> &'a str {
        let found = files.iter().find(|(known, _)| *known == path);
        found.expect("the template has it").1
    }

    #[test]
    fn every_file_of_a_template_is_named() {
        for template in RELEASED {
            for (part, files) in [("library", template.library), ("service", template.service)] {
                let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("template")
                    .join(template.version)
                    .join(part);
                let mut found = Vec::new();
                let mut folders = vec![root.clone()];
                while let Some(folder) = folders.pop() {
                    for entry in std::fs::read_dir(folder).expect("a folder") {
                        let path = entry.expect("an entry").path();
                        match path.is_dir() {
                            true => folders.push(path),
                            false => {
                                let inner = path.strip_prefix(&root).expect("it is below");
                                found.push(inner.to_string_lossy().into_owned());
                            }
                        }
                    }
                }
                found.sort();
                let mut named: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
                named.sort_unstable();
                assert_eq!(named, found, "{} {part}", template.version);
            }
        }
    }

    /// Every released template with the digest of all its files. What was made from it can be updated only as long as it
    /// stays the same: never change a line here, add one for a new template.
    const DIGESTS: &[(&str, &str)] = &[(
        "1.0.0",
        "d2dfb5dba498c260560c2c60b5047b97045a7766b07c3f4c469081b002a0c741",
    )];

    #[test]
    fn a_released_template_never_changes() {
        let digest = |template: &Template<'_>| {
            let parts = [template.library, template.service].concat();
            let texts = parts
                .iter()
                .map(|(path, text)| format!("{path} {}\n{text}", text.len()));
            hex(texts.collect::<String>().as_bytes())
        };
        let found: Vec<_> = RELEASED
            .iter()
            .map(|template| (template.version, digest(template)))
            .collect();
        let known: Vec<_> = DIGESTS
            .iter()
            .map(|(version, digest)| (*version, (*digest).to_owned()))
            .collect();
        assert_eq!(found, known);
    }

    #[test]
    fn lock_is_what_helm_computes() {
        for template in RELEASED {
            let version = template.version;
            let one = format!(r#"{{"name":"shipway-service","version":"{version}","repository":""}}"#);
            let digest = hex(format!("[[{one}],[{one}]]").as_bytes());
            let lock = file(template.service, "Chart.lock");
            assert!(lock.contains(&format!("digest: sha256:{digest}\n")), "{digest}");
        }
    }

    #[test]
    fn version_is_the_librarys() {
        for template in RELEASED {
            let line = format!("version: {}\n", template.version);
            assert!(file(template.library, "Chart.yaml").contains(&line));
            assert!(file(template.service, "Chart.yaml").contains(&line));
            assert!(file(template.service, "Chart.lock").contains(&line));
        }
    }
}
