//! Impersonation: one user asks to be taken for another, by headers, and needs the verb `impersonate` for each part.

use super::user::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, account_groups, account_of};
use super::{Attributes, Authorizer, Decision, UserInfo};

const GROUP: &str = "authentication.k8s.io";

/// The header names that ask for it, in lower case; extras are all headers with the last prefix.
pub const USER: &str = "impersonate-user";
pub const UID: &str = "impersonate-uid";
pub const GROUPS: &str = "impersonate-group";
pub const EXTRA_PREFIX: &str = "impersonate-extra-";

/// The user to be taken for, as the headers name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    user: UserInfo,
}

/// Why a request may not impersonate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The message of a 403, with the resource and name that its details give.
    Forbidden {
        message: String,
        resource: String,
        name: String,
    },
    /// Groups, uid or extras without a user: the message of a 500.
    NoUser(String),
}

impl Wanted {
    /// Reads the headers (names in any case); `None` when none of them asks to impersonate.
    pub fn from_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut user = UserInfo::default();
        let mut asked = false;
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if name == USER {
                value.clone_into(&mut user.name);
            } else if name == UID {
                value.clone_into(&mut user.uid);
            } else if name == GROUPS {
                user.groups.push(value.to_owned());
            } else if let Some(key) = name.strip_prefix(EXTRA_PREFIX) {
                user.extra
                    .entry(unescape(key))
                    .or_default()
                    .push(value.to_owned());
            } else {
                continue;
            }
            asked |= !value.is_empty();
        }
        asked.then_some(Self { user })
    }
}

/// The user to go on with, when the real one may impersonate every part that is wanted.
///
/// # Errors
/// The first part that it may not, or that no user is named.
pub fn impersonate(authorizer: &Authorizer, real: &UserInfo, wanted: Wanted) -> Result<UserInfo, Refusal> {
    let mut user = wanted.user;
    if user.name.is_empty() {
        return Err(Refusal::NoUser(format!(
            "requested {:?} without impersonating a user",
            user.groups
        )));
    }
    let account = account_of(&user.name);
    let who = match account {
        Some((namespace, name)) => Attributes {
            resource: "serviceaccounts",
            namespace,
            name,
            ..asking(real)
        },
        None => Attributes {
            resource: "users",
            name: &user.name,
            ..asking(real)
        },
    };
    check(authorizer, &who)?;
    for name in &user.groups {
        check(
            authorizer,
            &Attributes {
                resource: "groups",
                name,
                ..asking(real)
            },
        )?;
    }
    for (subresource, values) in &user.extra {
        for name in values {
            let extra = Attributes {
                group: GROUP,
                version: "v1",
                resource: "userextras",
                subresource,
                name,
                ..asking(real)
            };
            check(authorizer, &extra)?;
        }
    }
    if !user.uid.is_empty() {
        let uid = Attributes {
            group: GROUP,
            version: "v1",
            resource: "uids",
            name: &user.uid,
            ..asking(real)
        };
        check(authorizer, &uid)?;
    }
    if user.groups.is_empty() {
        user.groups = account
            .map(|(namespace, _)| account_groups(namespace))
            .unwrap_or_default();
    }
    add_own_group(&mut user);
    Ok(user)
}

fn asking(real: &UserInfo) -> Attributes<'_> {
    Attributes::empty(real, "impersonate")
}

fn check(authorizer: &Authorizer, asked: &Attributes<'_>) -> Result<(), Refusal> {
    let decision: Decision = authorizer.authorize(asked);
    if decision.allowed {
        return Ok(());
    }
    Err(Refusal::Forbidden {
        message: asked.forbidden(&decision),
        resource: asked.resource.to_owned(),
        name: asked.name.to_owned(),
    })
}

/// Everyone is either authenticated or not; who says which is believed.
fn add_own_group(user: &mut UserInfo) {
    let anonymous = user.name == ANONYMOUS;
    if user.in_group(UNAUTHENTICATED) || !anonymous && user.in_group(AUTHENTICATED) {
        return;
    }
    user.join(if anonymous { UNAUTHENTICATED } else { AUTHENTICATED });
}

/// The key of an extra, in which bytes that no header name may have are escaped with a percent sign. What is not
/// well escaped stands for itself.
fn unescape(key: &str) -> String {
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.split_at_checked(2)).flatten();
        let byte = escaped.and_then(|(hex, _)| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (byte, escaped) {
            (Some(byte), Some((_, after))) => {
                out.push(byte);
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_as(real: &UserInfo, headers: &[(&str, &str)]) -> Result<UserInfo, Refusal> {
        let wanted = Wanted::from_headers(headers.iter().copied()).unwrap();
        impersonate(&Authorizer::default(), real, wanted)
    }

    #[test]
    fn a_master_becomes_whom_it_names() {
        let root = UserInfo::authenticated("root", &["system:masters"]);
        for (headers, groups) in [
            (vec![("Impersonate-User", "alice")], vec!["system:authenticated"]),
            (
                vec![("Impersonate-User", "alice"), ("Impersonate-Group", "devs")],
                vec!["devs", "system:authenticated"],
            ),
            (
                vec![("Impersonate-User", "system:serviceaccount:ns:robot")],
                vec![
                    "system:serviceaccounts",
                    "system:serviceaccounts:ns",
                    "system:authenticated",
                ],
            ),
            (
                vec![("Impersonate-User", "system:anonymous")],
                vec!["system:unauthenticated"],
            ),
        ] {
            assert_eq!(check_as(&root, &headers).unwrap().groups, groups, "{headers:?}");
        }
    }

    #[test]
    fn extras_are_read_with_their_escaped_keys() {
        let root = UserInfo::authenticated("root", &["system:masters"]);
        let headers = [
            ("Impersonate-User", "a"),
            ("Impersonate-Extra-acme.io%2Fteam", "x"),
        ];
        let user = check_as(&root, &headers).unwrap();
        assert_eq!(user.extra["acme.io/team"], ["x"]);
    }

    #[test]
    fn nobody_else_impersonates_without_leave() {
        let alice = UserInfo::authenticated("alice", &[]);
        let Err(Refusal::Forbidden { message, .. }) = check_as(&alice, &[("Impersonate-User", "bob")]) else {
            panic!("alice may not");
        };
        let expected = "users \"bob\" is forbidden: User \"alice\" cannot impersonate resource \"users\" \
                        in API group \"\" at the cluster scope";
        assert_eq!(message, expected);
    }

    #[test]
    fn groups_without_a_user_are_an_error() {
        let root = UserInfo::authenticated("root", &["system:masters"]);
        assert!(matches!(
            check_as(&root, &[("Impersonate-Group", "g")]),
            Err(Refusal::NoUser(_))
        ));
        assert_eq!(Wanted::from_headers([("Accept", "*/*")]), None);
    }
}
