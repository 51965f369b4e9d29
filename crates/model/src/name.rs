//! Names of objects, each parsed once by the rule of its kind.
//!
//! The rules come from where the name ends up: a Kubernetes namespace and most object names are RFC 1123
//! labels of at most 63 characters, a Helm release name is an RFC 1123 subdomain of at most 53, so that the
//! names of the objects it makes still fit into 63.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::diagnose::Diagnose;

/// RFC 1123 label: the limit of a DNS label, which Kubernetes took over for namespaces and label values.
const LABEL_MAX: usize = 63;

/// Helm's limit (`chartutil.ValidateReleaseName`): 63 less ten characters for the suffixes that charts append.
const RELEASE_MAX: usize = 53;

/// A tenant's namespaces are named `TENANT-SUFFIX`; 40 leaves 22 characters for the suffix in a label of 63.
const TENANT_MAX: usize = 40;

/// Helm's limit for the name in a Chart.yaml (`chart.Metadata.Validate`).
const CHART_MAX: usize = 250;

/// Which characters a name may have, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alphabet {
    /// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
    Label,
    /// Labels joined by dots.
    Subdomain,
    /// `[a-zA-Z0-9._-]+`
    Chart,
}

/// The rule a kind of name follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    what: &'static str,
    alphabet: Alphabet,
    max: usize,
}

/// A text that is not a name of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {text:?} {problem}", .rule.what)]
pub struct NameError {
    text: String,
    problem: Problem,
    rule: Rule,
}

/// The first thing wrong with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Empty,
    TooLong { length: usize, max: usize },
    Character { character: char, position: usize },
    Edge { character: char, end: &'static str },
}

/// Declares name types that differ in their rule only.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $alphabet:ident, $max:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            const RULE: Rule = Rule { what: $what, alphabet: Alphabet::$alphabet, max: $max };

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::RULE.check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::RULE.check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

names! {
    /// A team: an RFC 1123 label of at most 40 characters, because its namespaces begin with it.
    TenantName: "tenant name", Label, TENANT_MAX;
    /// A target cluster: an RFC 1123 label of at most 63 characters.
    ClusterName: "cluster name", Label, LABEL_MAX;
    /// A stage such as `staging`: an RFC 1123 label of at most 63 characters.
    StageName: "stage name", Label, LABEL_MAX;
    /// An application: an RFC 1123 label of at most 53 characters, because its release carries the same name.
    ApplicationName: "application name", Label, RELEASE_MAX;
    /// A Helm release: an RFC 1123 subdomain of at most 53 characters, as Helm has it.
    ReleaseName: "release name", Subdomain, RELEASE_MAX;
    /// A Kubernetes namespace: an RFC 1123 label of at most 63 characters.
    Namespace: "namespace", Label, LABEL_MAX;
    /// A chart: letters, digits, `.`, `_` and `-`, at most 250 characters, as Helm has it.
    ChartName: "chart name", Chart, CHART_MAX;
}

impl Rule {
    fn check(self, text: &str) -> Result<(), NameError> {
        match self.problem(text) {
            None => Ok(()),
            Some(problem) => Err(NameError {
                text: text.to_owned(),
                problem,
                rule: self,
            }),
        }
    }

    fn problem(self, text: &str) -> Option<Problem> {
        if text.is_empty() {
            return Some(Problem::Empty);
        }
        let stray = text
            .chars()
            .enumerate()
            .find(|(_, character)| !self.allows(*character));
        if let Some((index, character)) = stray {
            return Some(Problem::Character {
                character,
                position: index + 1,
            });
        }
        if text.len() > self.max {
            return Some(Problem::TooLong {
                length: text.len(),
                max: self.max,
            });
        }
        self.segments(text).find_map(edge)
    }

    fn allows(self, character: char) -> bool {
        match self.alphabet {
            Alphabet::Label => is_label(character),
            Alphabet::Subdomain => is_label(character) || character == '.',
            Alphabet::Chart => character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-'),
        }
    }

    /// The parts that must each begin and end with a letter or digit.
    fn segments(self, text: &str) -> impl Iterator<Item = &str> {
        let whole = (self.alphabet == Alphabet::Label).then_some(text);
        let parts = (self.alphabet == Alphabet::Subdomain).then(|| text.split('.'));
        whole.into_iter().chain(parts.into_iter().flatten())
    }

    fn words(self) -> &'static str {
        match self.alphabet {
            Alphabet::Label => "lower case letters, digits and '-', with a letter or digit at both ends",
            Alphabet::Subdomain => {
                "lower case letters, digits, '-' and '.', with a letter or digit around each '.' and at both ends"
            }
            Alphabet::Chart => "letters, digits, '.', '_' and '-'",
        }
    }

    /// The nearest valid name, where one can be made by changing case and separators.
    fn nearest(self, text: &str) -> Option<String> {
        let folded: String = text
            .chars()
            .map(|c| if self.allows(c) { c } else { c.to_ascii_lowercase() })
            .map(|c| if self.allows(c) { c } else { '-' })
            .take(self.max)
            .collect();
        let name = folded.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        (name != text && self.problem(name).is_none()).then(|| name.to_owned())
    }
}

impl Diagnose for NameError {
    fn code(&self) -> Code {
        Code::NAME
    }

    fn hint(&self) -> Option<String> {
        let rule = format!(
            "a {} has 1 to {} {}",
            self.rule.what,
            self.rule.max,
            self.rule.words()
        );
        Some(match self.rule.nearest(&self.text) {
            Some(name) => format!("{rule}; `{name}` would do"),
            None => rule,
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "is empty"),
            Self::TooLong { length, max } => write!(f, "has {length} characters, {} too many", length - max),
            Self::Character { character, position } => {
                write!(f, "has {character:?} at position {position}")
            }
            Self::Edge { character, end } => write!(f, "{end} with {character:?}"),
        }
    }
}

fn is_label(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
}

fn edge(segment: &str) -> Option<Problem> {
    match (segment.chars().next(), segment.chars().next_back()) {
        (Some('-'), _) => Some(Problem::Edge {
            character: '-',
            end: "begins",
        }),
        (_, Some('-')) => Some(Problem::Edge {
            character: '-',
            end: "ends",
        }),
        (None, _) => Some(Problem::Edge {
            character: '.',
            end: "has an empty part beside or ends",
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use proptest::prelude::*;

    use super::*;

    fn check<N: FromStr<Err = NameError> + fmt::Debug>(cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            let said = match text.parse::<N>() {
                Ok(_) => "ok".to_owned(),
                Err(error) => error.to_string(),
            };
            assert_eq!(said, *expected);
        }
    }

    #[test]
    fn labels_follow_rfc_1123() {
        check::<TenantName>(&[
            ("payments", "ok"),
            ("p", "ok"),
            ("team-7", "ok"),
            ("7-team", "ok"),
            ("", r#"tenant name "" is empty"#),
            ("Payments", r#"tenant name "Payments" has 'P' at position 1"#),
            ("pay_ments", r#"tenant name "pay_ments" has '_' at position 4"#),
            ("pay.ments", r#"tenant name "pay.ments" has '.' at position 4"#),
            ("größe", r#"tenant name "größe" has 'ö' at position 3"#),
            ("-payments", r#"tenant name "-payments" begins with '-'"#),
            ("payments-", r#"tenant name "payments-" ends with '-'"#),
        ]);
    }

    #[test]
    fn lengths_are_bounded_by_kind() {
        fn longest<N: FromStr<Err = NameError>>() -> usize {
            (1..400)
                .take_while(|length| "a".repeat(*length).parse::<N>().is_ok())
                .count()
        }
        let longest = [
            longest::<TenantName>(),
            longest::<ClusterName>(),
            longest::<StageName>(),
            longest::<ApplicationName>(),
            longest::<ReleaseName>(),
            longest::<Namespace>(),
            longest::<ChartName>(),
        ];
        assert_eq!(longest, [40, 63, 63, 53, 53, 63, 250]);
    }

    #[test]
    fn release_names_are_subdomains() {
        check::<ReleaseName>(&[
            ("api", "ok"),
            ("api.v2", "ok"),
            (
                "api..v2",
                r#"release name "api..v2" has an empty part beside or ends with '.'"#,
            ),
            (
                "api.",
                r#"release name "api." has an empty part beside or ends with '.'"#,
            ),
            ("api.-v2", r#"release name "api.-v2" begins with '-'"#),
        ]);
    }

    #[test]
    fn chart_names_follow_helm() {
        check::<ChartName>(&[
            ("kube-prometheus-stack", "ok"),
            ("My_Chart.2", "ok"),
            ("my chart", r#"chart name "my chart" has ' ' at position 3"#),
            ("a/b", r#"chart name "a/b" has '/' at position 2"#),
        ]);
    }

    #[test]
    fn hint_offers_the_nearest_name() {
        let error = "Pay_Ments"
            .parse::<TenantName>()
            .expect_err("upper case is refused");
        assert_eq!(error.code().id, "SW0101");
        let hint = error.hint().expect("names have hints");
        assert!(hint.ends_with("`pay-ments` would do"), "{hint}");
    }

    #[test]
    fn json_is_checked_as_well() {
        assert!(serde_json::from_str::<StageName>(r#""staging""#).is_ok());
        let error = serde_json::from_str::<StageName>(r#""Staging""#).expect_err("upper case is refused");
        assert!(
            error.to_string().contains("stage name \"Staging\" has 'S'"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_nearest_is_valid(text in ".{0,80}") {
            if let Err(error) = text.parse::<ReleaseName>()
                && let Some(name) = error.rule.nearest(&text)
            {
                prop_assert!(name.parse::<ReleaseName>().is_ok(), "{name:?} from {text:?}");
            }
        }

        #[test]
        fn display_gives_back_what_was_parsed(text in "[a-z]([-a-z0-9]{0,30}[a-z0-9])?") {
            let name: TenantName = text.parse().expect("the strategy makes valid names");
            prop_assert_eq!(name.to_string(), text);
        }
    }
}
