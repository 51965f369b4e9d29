//! Who wrote what a stage gets with an artifact, and whether one of them is who agrees to it.
//!
//! Authors are those of all that comes: of everything published after what the stage has, up to the artifact. Git's author is what
//! whoever committed says, and no signature of a commit is looked at: this keeps people from agreeing to their own work by
//! habit, and not somebody who lies about who he is.

use super::Case;
use crate::world::Published;

/// The authors of what comes.
pub(super) struct Authors<'a> {
    named: Vec<&'a str>,
    /// Whether these are all.
    pub(super) is_whole: bool,
}

impl<'a> Authors<'a> {
    pub(super) fn of(case: &Case<'a>) -> Self {
        let current = case.current();
        let there = current.and_then(|current| case.world.artifact(case.name, &current.artifact));
        let comes = |one: &&Published| {
            let is_newer = there.is_none_or(|there| one.order > there.order);
            is_newer && one.order <= case.artifact.order || one.name() == case.artifact.name()
        };
        let mut authors = Self {
            named: Vec::new(),
            is_whole: true,
        };
        for one in case.world.newest_first(case.name).filter(comes) {
            let origin = &one.object.spec.origin;
            let had = authors.named.len();
            let all = origin.authors.iter().chain([&origin.author]);
            let named = all.map(String::as_str).filter(|author| !author.trim().is_empty());
            authors.named.extend(named);
            authors.is_whole &= !origin.others && authors.named.len() > had;
        }
        authors
    }

    pub(super) fn has(&self, user: &str) -> bool {
        self.named.iter().any(|author| is_same_person(author, user))
    }
}

/// Whether an author, as git has him (`Ana <ana@example.com>`) or a forge (`ana`), is a user, as a cluster has him.
fn is_same_person(author: &str, user: &str) -> bool {
    let mail = author
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(mail, _)| mail.trim());
    let name = author.split('<').next().unwrap_or_default().trim();
    // What is before the last `:` or `/` is the prefix that an API server puts before the users of an issuer.
    let user = user.rsplit([':', '/', '#']).next().unwrap_or(user);
    let is_user = |one: &str| !one.is_empty() && is_same(one, user);
    if [mail, Some(name), Some(author)]
        .into_iter()
        .flatten()
        .any(is_user)
    {
        return true;
    }
    let login = match mail {
        Some(mail) => login(mail),
        None => (!name.contains('@')).then_some(name),
    };
    // A forge says no mail address of its own, so its login is held against the first part of the user's.
    let local = user.split('@').next().unwrap_or(user);
    login.is_some_and(|login| is_user(login) || !login.is_empty() && is_same(login, local))
}

/// The login in an address by which a forge hides another: `123+ana@users.noreply.github.com`,
/// `123-ana@users.noreply.gitlab.com`, and what GitHub had before, `ana@users.noreply.github.com`.
fn login(mail: &str) -> Option<&str> {
    let (local, host) = mail.rsplit_once('@')?;
    if !host.to_lowercase().starts_with("users.noreply.") {
        return None;
    }
    let rest = local.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let login = (rest.len() < local.len())
        .then(|| rest.strip_prefix(['+', '-']))
        .flatten();
    Some(login.unwrap_or(local))
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(author: &str, user: &str, expected: bool) {
        assert_eq!(is_same_person(author, user), expected, "{author} {user}");
    }

    #[test]
    fn a_login_of_a_forge_is_the_first_part_of_a_user() {
        for mail in [
            "123+ana@users.noreply.github.com",
            "ana@users.noreply.github.com",
            "7-Ana@users.noreply.gitlab.example.com",
        ] {
            let author = format!("A. Nother <{mail}>");
            check(&author, "ana@example.com", true);
            check(&author, "oidc:ANA@example.com", true);
            check(&author, "ana", true);
            check(&author, "anna@example.com", false);
        }
        check("ana", "ana@example.com", true);
        check("", "ana@example.com", false);
        check("<>", "ana@example.com", false);
        check("GitHub <noreply@github.com>", "noreply@example.com", false);
        // A mail address of somebody's own is held against whole addresses alone.
        check("Ana <ana@home.org>", "ana@example.com", false);
        check("Äna <a@home.org>", "äna", true);
        check("1-2-3 <42@users.noreply.github.com>", "42@example.com", true);
    }
}
