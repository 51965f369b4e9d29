//! What a client accepts, and which of it is made: an encoding, and a form of the object.
//!
//! The order is the real server's: by quality, then as written with exact types before stars. Pure.

use crate::protobuf;
use crate::registry::Form;
use crate::registry::failure::Failure;

/// How an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Json,
    Yaml,
    Protobuf,
}

/// What may be asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Offer {
    /// Objects of custom kinds have no protobuf; their metadata has.
    pub custom: bool,
    /// YAML has no end of a line, so it can't be watched.
    pub watch: bool,
}

/// More clauses than any client sends; the rest is not read.
const MAX_CLAUSES: usize = 64;

struct Clause<'a> {
    media: (&'a str, &'a str),
    quality: f32,
    shown: Option<&'a str>,
    group: &'a str,
    version: &'a str,
}

/// The first acceptable way to answer.
///
/// # Errors
/// 406 if there is none.
pub(super) fn negotiate(accept: &str, offer: Offer) -> Result<(Encoding, Form), Failure> {
    let clauses = clauses(accept);
    if clauses.is_empty() {
        return Ok((Encoding::Json, Form::Object));
    }
    clauses
        .iter()
        .find_map(|clause| choose(clause, offer))
        .ok_or_else(|| {
            let media = ["application/json", "application/yaml", protobuf::MEDIA];
            let watched = ["application/json;stream=watch", protobuf::MEDIA_WATCH];
            Failure::new(
                406,
                "NotAcceptable",
                format!(
                    "only the following media types are accepted: {}, {}",
                    media.join(", "),
                    watched.join(", ")
                ),
            )
        })
}

fn clauses(accept: &str) -> Vec<Clause<'_>> {
    let written = accept.split(',').map(str::trim).filter(|one| !one.is_empty());
    let mut clauses: Vec<Clause<'_>> = written.take(MAX_CLAUSES).map(clause).collect();
    // Stable, so that equals stay as written.
    clauses.sort_by(|a, b| {
        let stars = |clause: &Clause<'_>| (clause.media.0 == "*", clause.media.1 == "*");
        b.quality.total_cmp(&a.quality).then(stars(a).cmp(&stars(b)))
    });
    clauses
}

fn clause(text: &str) -> Clause<'_> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let mut clause = Clause {
        // A lone star is what old clients write for two.
        media: media.split_once('/').unwrap_or((media, "*")),
        quality: 1.0,
        shown: None,
        group: "",
        version: "",
    };
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        match name {
            "q" => clause.quality = value.parse().ok().filter(|q: &f32| q.is_finite()).unwrap_or(1.0),
            "as" => clause.shown = Some(value),
            "g" => clause.group = value,
            "v" => clause.version = value,
            _ => {}
        }
    }
    clause
}

fn choose(clause: &Clause<'_>, offer: Offer) -> Option<(Encoding, Form)> {
    let known = clause.group == "meta.k8s.io" && matches!(clause.version, "v1" | "v1beta1");
    let form = match clause.shown {
        None => Form::Object,
        Some("Table") if known => Form::Table,
        Some("PartialObjectMetadata" | "PartialObjectMetadataList") if known => Form::Metadata,
        Some(_) => return None,
    };
    let offered = [Encoding::Json, Encoding::Yaml, Encoding::Protobuf];
    let encoding = offered.into_iter().find(|encoding| {
        let (kind, subtype) = match encoding {
            Encoding::Json => ("application", "json"),
            Encoding::Yaml => ("application", "yaml"),
            Encoding::Protobuf => ("application", "vnd.kubernetes.protobuf"),
        };
        let matches =
            clause.media == (kind, subtype) || clause.media == (kind, "*") || clause.media == ("*", "*");
        let possible = match encoding {
            Encoding::Json => true,
            Encoding::Yaml => !offer.watch,
            // A table has no message.
            Encoding::Protobuf => form == Form::Metadata || form == Form::Object && !offer.custom,
        };
        matches && possible
    })?;
    Some((encoding, form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_acceptable_clause_wins() {
        use Encoding::{Json, Protobuf, Yaml};
        let builtin = Offer::default();
        let custom = Offer {
            custom: true,
            watch: false,
        };
        let watch = Offer {
            custom: false,
            watch: true,
        };
        let pb = "application/vnd.kubernetes.protobuf";
        let meta = "as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        for (accept, offer, expected) in [
            ("", builtin, Some((Json, Form::Object))),
            ("*/*", builtin, Some((Json, Form::Object))),
            ("text/html, */*;q=0.8", builtin, Some((Json, Form::Object))),
            (pb, builtin, Some((Protobuf, Form::Object))),
            (
                &format!("{pb},application/json"),
                builtin,
                Some((Protobuf, Form::Object)),
            ),
            (
                &format!("{pb},application/json"),
                custom,
                Some((Json, Form::Object)),
            ),
            (
                &format!("{pb};q=0.1,application/json;q=0.9"),
                builtin,
                Some((Json, Form::Object)),
            ),
            (&format!("*/*,{pb}"), builtin, Some((Protobuf, Form::Object))),
            (pb, custom, None),
            (&format!("{pb};{meta}"), custom, Some((Protobuf, Form::Metadata))),
            (
                &format!("{pb};as=Table;g=meta.k8s.io;v=v1,application/json"),
                builtin,
                Some((Json, Form::Object)),
            ),
            (
                "application/json;as=Table;v=v1;g=meta.k8s.io",
                builtin,
                Some((Json, Form::Table)),
            ),
            (
                "application/json;as=Table;v=v9;g=meta.k8s.io,application/json",
                builtin,
                Some((Json, Form::Object)),
            ),
            ("application/yaml", builtin, Some((Yaml, Form::Object))),
            ("application/yaml", watch, None),
            ("text/plain", builtin, None),
            ("application/json;q=nan", builtin, Some((Json, Form::Object))),
        ] {
            assert_eq!(negotiate(accept, offer).ok(), expected, "{accept}");
        }
    }
}
