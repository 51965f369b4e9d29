//! What an ID token says, and whether it says it of here and now (OpenID Connect Core 1.0, section 3.1.3.7). Pure.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Options;
use super::refused::Refused;
use crate::access::{Caller, is_name};

/// Clocks differ by so many seconds.
const LEEWAY: f64 = 60.0;

/// Whether a token says that it is of the issuer.
pub(super) fn of_issuer(claims: &Map<String, Value>, options: &Options) -> Result<(), Refused> {
    match claims.get("iss").and_then(Value::as_str) {
        Some(issuer) if issuer == options.issuer => Ok(()),
        _ => Err(Refused::Issuer),
    }
}

/// Who a token is of, once its signature was found true.
pub(super) fn caller(
    claims: &Map<String, Value>,
    options: &Options,
    now: Timestamp,
) -> Result<Caller, Refused> {
    of_issuer(claims, options)?;
    for_us(claims, &options.client_id)?;
    in_time(claims, now)?;
    Ok(Caller {
        name: name(claims, options)?,
        groups: groups(claims, &options.groups_claim)?,
        is_person: true,
        grants: Vec::new(),
    })
}

fn for_us(claims: &Map<String, Value>, client: &str) -> Result<(), Refused> {
    match claims.get("aud") {
        Some(Value::String(audience)) if audience == client => Ok(()),
        Some(Value::Array(audiences)) if audiences.iter().any(|audience| audience == client) => {
            let is_party = claims.get("azp").is_some_and(|party| party == client);
            match audiences.len() == 1 || is_party {
                true => Ok(()),
                false => Err(Refused::Party),
            }
        }
        _ => Err(Refused::Audience),
    }
}

fn in_time(claims: &Map<String, Value>, now: Timestamp) -> Result<(), Refused> {
    // Seconds of this century are whole in a float of 64 bits; issuers may write fractions.
    let now = now.as_duration().as_secs_f64();
    let moment = |name: &'static str| match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(moment) => Ok(Some(moment)),
            None => Err(Refused::Claim(name.to_owned())),
        },
    };
    let needed = |name| moment(name)?.ok_or_else(|| Refused::Claim(name.to_owned()));
    if now >= needed("exp")? + LEEWAY {
        return Err(Refused::Expired);
    }
    if needed("iat")? > now + LEEWAY {
        return Err(Refused::NotYet("iat"));
    }
    match moment("nbf")? {
        Some(from) if from > now + LEEWAY => Err(Refused::NotYet("nbf")),
        _ => Ok(()),
    }
}

fn name(claims: &Map<String, Value>, options: &Options) -> Result<String, Refused> {
    let claim = options.username_claim.as_str();
    let name = claims.get(claim).and_then(Value::as_str);
    let name = name.ok_or_else(|| Refused::Claim(claim.to_owned()))?;
    if claim == "email" {
        // Anybody can say of himself whose address he has. Some issuers write the word as a string, and Entra ID has no such
        // claim, where whoever administers the directory has to say whether its addresses can be made up.
        match claims.get("email_verified") {
            Some(Value::Bool(true)) => {}
            Some(Value::String(said)) if said == "true" => {}
            None | Some(Value::Null) if options.trusts_email => {}
            None | Some(Value::Null) => return Err(Refused::Unsaid),
            Some(_) => return Err(Refused::Unverified),
        }
    }
    match is_name(name) {
        true => Ok(name.to_owned()),
        false => Err(Refused::Name(name.chars().take(64).collect())),
    }
}

/// The groups; some issuers write a single one as a string.
fn groups(claims: &Map<String, Value>, claim: &str) -> Result<Vec<String>, Refused> {
    let refuse = || Refused::Claim(claim.to_owned());
    match claims.get(claim) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(group)) => Ok(vec![group.clone()]),
        Some(Value::Array(groups)) => {
            let groups = groups.iter().map(|group| group.as_str().map(str::to_owned));
            groups.collect::<Option<_>>().ok_or_else(refuse)
        }
        Some(_) => Err(refuse()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use source::forge::Link;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn options(username: &str) -> Options {
        Options {
            issuer: "https://id.example.com".to_owned(),
            client_id: "shipway".to_owned(),
            username_claim: username.to_owned(),
            groups_claim: "groups".to_owned(),
            trusts_email: false,
            link: Link::new(None).unwrap(),
            pace: super::super::Pace::default(),
        }
    }

    fn with(changes: &Value) -> Map<String, Value> {
        let mut claims = json!({
            "iss": "https://id.example.com", "aud": "shipway", "sub": "7",
            "exp": NOW + 300, "iat": NOW - 5, "email": "ana@example.com", "email_verified": true,
        });
        let claims = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.remove(name)),
                value => drop(claims.insert(name.clone(), value.clone())),
            }
        }
        claims.clone()
    }

    #[test]
    fn every_claim_is_held_against_here_and_now() {
        let missing = |name: &str| Some(Refused::Claim(name.to_owned()));
        let named = |name: &str| Some(Refused::Name(name.to_owned()));
        let cases = [
            (json!({}), None),
            (json!({"iss": "https://id.example.com/"}), Some(Refused::Issuer)),
            (json!({"iss": null}), Some(Refused::Issuer)),
            (json!({"aud": "other"}), Some(Refused::Audience)),
            (json!({"aud": null}), Some(Refused::Audience)),
            (json!({"aud": []}), Some(Refused::Audience)),
            (json!({"aud": ["shipway"]}), None),
            (json!({"aud": ["shipway", "other"]}), Some(Refused::Party)),
            (
                json!({"aud": ["shipway", "other"], "azp": "other"}),
                Some(Refused::Party),
            ),
            (json!({"aud": ["shipway", "other"], "azp": "shipway"}), None),
            (
                json!({"aud": ["x", "other"], "azp": "shipway"}),
                Some(Refused::Audience),
            ),
            (json!({"exp": NOW - 59}), None),
            (json!({"exp": NOW - 60}), Some(Refused::Expired)),
            (json!({"exp": null}), missing("exp")),
            (json!({"exp": "tomorrow"}), missing("exp")),
            (json!({"iat": NOW + 60}), None),
            (json!({"iat": NOW + 61}), Some(Refused::NotYet("iat"))),
            (json!({"iat": null}), missing("iat")),
            (json!({"nbf": 1_800_000_060.0}), None),
            (json!({"nbf": NOW + 61}), Some(Refused::NotYet("nbf"))),
            (json!({"nbf": []}), missing("nbf")),
            (json!({"email_verified": true}), None),
            (json!({"email_verified": "true"}), None),
            (json!({"email_verified": false}), Some(Refused::Unverified)),
            (json!({"email_verified": "false"}), Some(Refused::Unverified)),
            (json!({"email_verified": 1}), Some(Refused::Unverified)),
            (json!({"email_verified": null}), Some(Refused::Unsaid)),
            (json!({"email": null}), missing("email")),
            (json!({"email": "token:ci"}), named("token:ci")),
            (json!({"email": "shipway"}), named("shipway")),
            (json!({"email": ""}), named("")),
            (json!({"email": "a\nb"}), named("a\nb")),
            (json!({"groups": {"a": 1}}), missing("groups")),
            (json!({"groups": ["a", 1]}), missing("groups")),
        ];
        let options = options("email");
        let now = Timestamp::from_second(NOW).unwrap();
        for (changes, expected) in cases {
            let found = caller(&with(&changes), &options, now);
            assert_eq!(found.err(), expected, "{changes}");
        }
    }

    #[test]
    fn an_address_that_is_not_said_to_be_verified_counts_where_the_operator_says_so_and_one_that_is_not_never()
     {
        let now = Timestamp::from_second(NOW).unwrap();
        let trusting = Options {
            trusts_email: true,
            ..options("email")
        };
        let of = |said: Value| caller(&with(&json!({"email_verified": said})), &trusting, now).err();
        assert_eq!(of(Value::Null), None);
        assert_eq!(of(json!(true)), None);
        assert_eq!(of(json!(false)), Some(Refused::Unverified));
        assert_eq!(of(json!("no")), Some(Refused::Unverified));
    }

    #[test]
    fn a_caller_is_a_person_with_groups_and_no_grants() {
        let now = Timestamp::from_second(NOW).unwrap();
        let groups = [
            (json!({}), vec![]),
            (json!({"groups": "leads"}), vec!["leads"]),
            (json!({"groups": ["leads", "dev"]}), vec!["leads", "dev"]),
        ];
        for (changes, expected) in groups {
            let found = caller(&with(&changes), &options("email"), now).unwrap();
            assert_eq!((found.name.as_str(), found.is_person), ("ana@example.com", true));
            assert_eq!(found.groups, expected);
            assert_eq!(found.grants, []);
        }
        // Whether an address is verified matters to nobody who goes by another name.
        let other = with(&json!({"email_verified": false}));
        assert_eq!(caller(&other, &options("sub"), now).unwrap().name, "7");
    }
}
