//! Every way in which a file, its user and its template can have gone apart.

use super::*;
use crate::{Answers, make};

const OLD: Template<'static> = Template {
    version: "1.0.0",
    library: &[("a.tpl", "one\ntwo\nthree\nfour\n")],
    service: &[
        ("same", "same\n"),
        ("gone", "gone\n"),
        ("values", "name: @name@\nb: 1\nc: 1\nd: 1\n"),
    ],
};

const NEW: Template<'static> = Template {
    version: "1.1.0",
    library: &[("a.tpl", "one\ntwo\nthree\nFOUR\n")],
    service: &[
        ("same", "same\n"),
        ("added", "for @name@\n"),
        ("values", "name: @name@\nb: 1\nc: 1\nd: 2\n"),
    ],
};

type Now = BTreeMap<String, Vec<u8>>;

fn made() -> (Record, Now) {
    let answers = Answers::new("api".parse().expect("a name"), "pay".parse().expect("a name"));
    let mut files: Now = make(&OLD, &answers)
        .into_iter()
        .map(|(path, text)| (path, text.into_bytes()))
        .collect();
    let record = files.remove(RECORD).expect("it is made");
    (Record::read(&record).expect("it is a record"), files)
}

/// What happens after these changes by the user: the actions, and the files afterwards.
fn check(change: impl FnOnce(&mut Now), expected: &[(&str, Action, &str)]) {
    let (record, mut now) = made();
    change(&mut now);
    let update = update(&[OLD, NEW], &record, &now).expect("it can be updated");
    let found: Vec<_> = update
        .changes
        .iter()
        .map(|change| {
            (
                change.path.as_str(),
                change.action,
                change.after.as_deref().unwrap_or("-"),
            )
        })
        .collect();
    assert_eq!(found, expected);
    let after = applied(now.clone(), &update);
    let record = Record::read(&after[RECORD]).expect("it is a record");
    assert_eq!(record.template, "1.1.0");
    if update.has_conflicts() {
        let again = super::update(&[OLD, NEW], &record, &after).expect_err("there is something to resolve");
        assert!(matches!(again, Error::Unresolved { .. }), "{again}");
    } else {
        let again = super::update(&[OLD, NEW], &record, &after).expect("it can be updated");
        assert!(again.is_nothing(), "{again:?}");
    }
    // Stopped anywhere, it goes on and ends in the same files.
    let writes = update.writes();
    for count in 0..writes.len() {
        let stopped = apply(now.clone(), &writes[..count]);
        let (record, _) = made();
        if let Ok(rest) = super::update(&[OLD, NEW], &record, &stopped) {
            assert_eq!(applied(stopped, &rest), after, "stopped after {count}");
        }
    }
}

fn applied(now: Now, update: &Update) -> Now {
    apply(now, &update.writes())
}

fn apply(mut now: Now, writes: &[(String, Option<&str>)]) -> Now {
    for (path, text) in writes {
        match text {
            Some(text) => now.insert(path.clone(), text.as_bytes().to_vec()),
            None => now.remove(path),
        };
    }
    now
}

fn put(path: &str, text: &str) -> impl FnOnce(&mut Now) {
    move |now| {
        now.insert(path.to_owned(), text.as_bytes().to_vec());
    }
}

const LIBRARY: (&str, Action, &str) = (
    "charts/shipway-service/a.tpl",
    Action::Replace,
    "one\ntwo\nthree\nFOUR\n",
);
const ADDED: (&str, Action, &str) = ("added", Action::Add, "for api\n");
const GONE: (&str, Action, &str) = ("gone", Action::Remove, "-");
const VALUES: (&str, Action, &str) = ("values", Action::Replace, "name: api\nb: 1\nc: 1\nd: 2\n");

#[test]
fn what_nobody_touched_becomes_what_would_be_made_now() {
    check(|_| (), &[ADDED, LIBRARY, GONE, VALUES]);
}

#[test]
fn changes_that_do_not_touch_are_merged() {
    let merged = ("values", Action::Merge, "name: api\nb: 7\nc: 1\nd: 2\n");
    check(
        put("values", "name: api\nb: 7\nc: 1\nd: 1\n"),
        &[ADDED, LIBRARY, GONE, merged],
    );
}

#[test]
fn changes_of_the_same_lines_are_put_beside_the_file() {
    let conflict = (
        "values",
        Action::Conflict,
        "name: api\nb: 1\nc: 1\n<<<<<<< yours\nd: 7\n||||||| as it was made\nd: 1\n=======\nd: 2\n>>>>>>> template 1.1.0\n",
    );
    check(
        put("values", "name: api\nb: 1\nc: 1\nd: 7\n"),
        &[ADDED, LIBRARY, GONE, conflict],
    );
}

#[test]
fn what_the_template_left_alone_stays_as_the_user_has_it() {
    check(put("same", "mine\n"), &[ADDED, LIBRARY, GONE, VALUES]);
}

#[test]
fn what_the_user_has_already_is_no_change() {
    check(put("values", VALUES.2), &[ADDED, LIBRARY, GONE]);
}

#[test]
fn a_file_of_the_user_is_not_overwritten_by_one_of_the_template() {
    let conflict = ("added", Action::Conflict, "for api\n");
    check(put("added", "mine\n"), &[conflict, LIBRARY, GONE, VALUES]);
}

#[test]
fn a_changed_file_is_kept_when_the_template_has_it_no_more() {
    check(
        put("gone", "mine\n"),
        &[ADDED, LIBRARY, ("gone", Action::Keep, "-"), VALUES],
    );
}

#[test]
fn a_removed_file_stays_removed() {
    let remove = |now: &mut Now| {
        for path in ["gone", "same", "values"] {
            now.remove(path);
        }
    };
    // What the template did not change since is not worth a word.
    let removed = ("values", Action::StayRemoved, "-");
    let (record, mut now) = made();
    remove(&mut now);
    let update = update(&[OLD, NEW], &record, &now).expect("it can be updated");
    let found: Vec<_> = update
        .changes
        .iter()
        .map(|change| (change.path.as_str(), change.action))
        .collect();
    let expected = [ADDED, LIBRARY, removed].map(|(path, action, _)| (path, action));
    assert_eq!(found, expected);
    assert!(!applied(now, &update).contains_key("values"));
}

#[test]
fn what_is_no_text_is_never_touched() {
    let conflict = ("values", Action::Conflict, VALUES.2);
    check(
        |now| {
            now.insert("values".to_owned(), vec![0xff]);
        },
        &[ADDED, LIBRARY, GONE, conflict],
    );
}

#[test]
fn line_ends_are_no_changes_and_stay() {
    let windows = ("values", Action::Replace, "name: api\r\nb: 1\r\nc: 1\r\nd: 2\r\n");
    check(
        put("values", "name: api\r\nb: 1\r\nc: 1\r\nd: 1\r\n"),
        &[ADDED, LIBRARY, GONE, windows],
    );
}

#[test]
fn an_unknown_base_is_not_merged_with() {
    let (mut record, mut now) = made();
    // As if a template of the same version had been another one.
    record.files.insert("values".to_owned(), Digest::of(b"other\n"));
    put("values", "name: api\nb: 7\nc: 1\nd: 1\n")(&mut now);
    let update = update(&[OLD, NEW], &record, &now).expect("it can be updated");
    let values = update.changes.last().expect("there are changes");
    assert_eq!(
        (values.action, values.after.as_deref()),
        (Action::Conflict, Some(VALUES.2))
    );
}

#[test]
fn a_template_of_the_future_is_refused() {
    let (record, now) = made();
    let error = update(&[NEW], &record, &now).expect_err("1.0.0 is not known");
    assert_eq!(
        error.to_string(),
        "the service was made from template 1.0.0, and this shipway knows 1.1.0"
    );
}

#[test]
fn a_diff_is_as_git_shows_it() {
    let (record, mut now) = made();
    put("values", "name: api\nb: 1\nc: 1\nd: 7\n")(&mut now);
    let update = update(&[OLD, NEW], &record, &now).expect("it can be updated");
    let diffs: String = update.changes.iter().map(Change::diff).collect();
    insta::assert_snapshot!(diffs, @r"
    --- /dev/null
    +++ b/added
    @@ -0,0 +1 @@
    +for api
    --- a/charts/shipway-service/a.tpl
    +++ b/charts/shipway-service/a.tpl
    @@ -1,4 +1,4 @@
     one
     two
     three
    -four
    +FOUR
    --- a/gone
    +++ /dev/null
    @@ -1 +0,0 @@
    -gone
    --- a/values
    +++ b/values.rej
    @@ -1,4 +1,10 @@
     name: api
     b: 1
     c: 1
    +<<<<<<< yours
     d: 7
    +||||||| as it was made
    +d: 1
    +=======
    +d: 2
    +>>>>>>> template 1.1.0
    ");
}
