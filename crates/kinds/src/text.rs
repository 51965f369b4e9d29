//! Texts with a rule: what the schema says of a field that is a name, a duration, a digest, …
//!
//! A field keeps them as a `String`, because an older binary reads what a newer one allowed; the rule stands in the schema,
//! and the API server holds it. Every rule has a length: Kubernetes refuses expressions over texts without one, because
//! it can't know what they cost.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// Declares texts by what a person is told of their rule, and their schema.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $words:literal = $schema:tt;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub(crate) struct $name;

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )+

        /// What a person is told of each pattern.
        fn patterns() -> Vec<(Schema, &'static str)> {
            vec![$((json_schema!($schema), $words)),+]
        }
    };
}

texts! {
    /// A namespace, a cluster, a stage.
    Label: "lower-case letters, digits and `-`"
        = {"type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"};
    /// Any other object.
    Subdomain: "lower-case letters, digits, `-` and `.`"
        = {"type": "string", "minLength": 1, "maxLength": 253,
            "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"};
    /// A tenant: its namespaces begin with the name and have 63 characters at most.
    TenantName: "lower-case letters, digits and `-`"
        = {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"};
    /// A Helm release, with Helm's own limit.
    ReleaseName: "lower-case letters, digits, `-` and `.`"
        = {"type": "string", "minLength": 1, "maxLength": 53,
            "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"};
    /// A chart, as Helm has them.
    ChartName: "letters, digits, `.`, `_` and `-`"
        = {"type": "string", "minLength": 1, "maxLength": 250, "pattern": "^[a-zA-Z0-9._-]+$"};
    /// A semantic version; the parts after `-` and `+` are looked at by whoever reads it.
    Version: "a semantic version, as in `1.4.2` or `2.0.0-rc.1`"
        = {"type": "string", "minLength": 1, "maxLength": 128,
            "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+([-+][0-9A-Za-z.+-]+)?$"};
    /// A host, or every host below one.
    Host: "a host name, or `*.` and one"
        = {"type": "string", "minLength": 1, "maxLength": 253,
            "pattern": "^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"};
    /// A range of addresses, of either family.
    Cidr: "an address, `/` and a length"
        = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[0-9a-fA-F:.]+/[0-9]{1,3}$"};
    /// Hours, minutes and seconds, each a whole number.
    Duration: "hours, minutes, seconds, as in `1h30m` or `90s`"
        = {"type": "string", "minLength": 2, "maxLength": 16, "pattern": "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"};
    /// A quantity, which a person may also write as a number. Its schema has no type: the rule for numbers says it.
    Quantity: "a quantity, as in `8`, `500m` or `16Gi`"
        = {"x-kubernetes-int-or-string": true, "maxLength": 32,
            "pattern": "^[+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[mkMGTPE]|[eE][-+]?[0-9]+)?$"};
    /// What a digest is.
    Digest: "`sha256:` and 64 hexadecimal digits"
        = {"type": "string", "maxLength": 71, "pattern": "^sha256:[0-9a-f]{64}$"};
    /// A git commit, by SHA-1 or SHA-256.
    Commit: "40 or 64 hexadecimal digits"
        = {"type": "string", "maxLength": 64, "pattern": "^[0-9a-f]{40}([0-9a-f]{24})?$"};
    /// A moment in UTC or with an offset.
    Time: "" = {"type": "string", "maxLength": 64, "format": "date-time"};
    /// A user or a group, as a cluster's authentication names them.
    Subject: "" = {"type": "string", "minLength": 1, "maxLength": 253};
    /// An author, as git has him: a name of any length, cut.
    Person: "" = {"type": "string", "maxLength": 320};
    /// A path in a repository: relative.
    Path: "a relative path" = {"type": "string", "minLength": 1, "maxLength": 512, "pattern": "^[^/]"};
    /// A line for people.
    Line: "" = {"type": "string", "maxLength": 1024};
    /// A line for people that has to be there.
    Reason: "" = {"type": "string", "minLength": 1, "maxLength": 1024};
    /// A place that a program goes to.
    Address: "" = {"type": "string", "minLength": 1, "maxLength": 2048};
    /// Five fields of cron.
    Cron: "five fields of cron" = {"type": "string", "minLength": 9, "maxLength": 128, "pattern": "^[^ ]+( [^ ]+){4}$"};
    /// A name of the time zone database.
    TimeZone: "a name of the time zone database"
        = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$"};
    /// Any object, kept as it is written.
    Anything: "" = {"type": "object", "x-kubernetes-preserve-unknown-fields": true};
}

/// What a person is told of a pattern.
pub(crate) fn words(pattern: &str) -> Option<&'static str> {
    let has = |schema: &Schema| schema.get("pattern").is_some_and(|known| known == pattern);
    patterns()
        .into_iter()
        .find_map(|(schema, words)| has(&schema).then_some(words))
}

/// Reads a quantity, which may be written as a number: `cpu: 8`.
pub(crate) fn quantity<'de, D: Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(match Written::deserialize(reader)? {
        Written::Text(text) => text,
        Written::Number(number) => number.to_string(),
    })
}
