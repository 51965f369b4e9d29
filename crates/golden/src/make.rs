//! Makes the files of a service: answers put into a template.
//!
//! A template marks a place by `@name@` for the answer as it is, and by `@=name@` for the answer as a YAML scalar, with
//! quotes if it would be read as something else without. Nothing else is special, so Helm's own braces stand as they are.

use std::collections::BTreeMap;

use model::Digest;

use crate::answers::Answers;
use crate::record::{RECORD, Record};
use crate::template::Template;

/// Where the library chart lies in a service.
const LIBRARY: &str = "charts/shipway-service";

/// Files by their paths below the service's folder, with `/`.
pub type Files = BTreeMap<String, String>;

/// Makes a service, with the record of how it was made.
///
/// Assumptions: the answers were checked.
pub fn make(template: &Template<'_>, answers: &Answers) -> Files {
    let mut files = content(template, answers);
    let record = Record {
        template: template.version.to_owned(),
        answers: answers.clone(),
        files: files
            .iter()
            .map(|(path, text)| (path.clone(), Digest::of(text.as_bytes())))
            .collect(),
    };
    files.insert(RECORD.to_owned(), record.to_text());
    files
}

/// The files without the record.
pub(crate) fn content(template: &Template<'_>, answers: &Answers) -> Files {
    let library = template.library.iter();
    let library = library.map(|(path, text)| (format!("{LIBRARY}/{path}"), (*text).to_owned()));
    let service = template.service.iter();
    let service = service.map(|(path, text)| ((*path).to_owned(), fill(text, answers)));
    library.chain(service).collect()
}

/// A text as a YAML scalar within a line.
pub(crate) fn scalar(text: &str) -> String {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte))
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !text.ends_with(':')
        && yaml::from_slice(text.as_bytes()).is_ok_and(|value| value == yaml::Value::String(text.to_owned()));
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Texts as a YAML list within a line.
pub(crate) fn list(texts: &[String]) -> String {
    let items: Vec<String> = texts.iter().map(|text| scalar(text)).collect();
    format!("[{}]", items.join(", "))
}

/// Puts the answers into a text, in one pass, so that an answer is never read as a mark.
fn fill(text: &str, answers: &Answers) -> String {
    let Answers {
        name,
        tenant,
        image,
        port,
        hosts,
        path,
    } = answers;
    let marks = [
        ("@name@", name.to_string()),
        ("@=name@", scalar(name.as_str())),
        ("@tenant@", tenant.to_string()),
        ("@=tenant@", scalar(tenant.as_str())),
        ("@=image@", scalar(image)),
        ("@port@", port.to_string()),
        ("@=hosts@", list(hosts)),
        ("@=path@", scalar(path)),
    ];
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let mark = marks.iter().find(|(mark, _)| rest.starts_with(mark));
        let (length, answer) = mark.map_or((1, "@"), |(mark, answer)| (mark.len(), answer));
        filled.push_str(answer);
        rest = &rest[length..];
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_quoted_where_they_would_mean_something_else() {
        for (text, expected) in [
            ("api", "api"),
            (
                "registry.example.com:5000/a/b:1.2@sha256:0",
                "registry.example.com:5000/a/b:1.2@sha256:0",
            ),
            ("on", "\"on\""),
            ("null", "\"null\""),
            ("123", "\"123\""),
            ("1.20", "\"1.20\""),
            ("*.example.com", "\"*.example.com\""),
            ("", "\"\""),
            ("a\"b\\\n", "\"a\\\"b\\\\\\U0000000A\""),
        ] {
            assert_eq!(scalar(text), expected);
            let read = yaml::from_slice(scalar(text).as_bytes()).expect("it is YAML");
            assert_eq!(read, yaml::Value::String(text.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn an_answer_is_never_a_mark() {
        let mut answers = Answers::new("api".parse().expect("a name"), "pay".parse().expect("a name"));
        answers.image = "x@port@".to_owned();
        assert_eq!(
            fill("a@b @=image@ @port@ @nope@ @", &answers),
            "a@b x@port@ 8080 @nope@ @"
        );
    }
}
