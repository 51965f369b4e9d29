//! What is verified, told as what a repository has and what there is already.

use source::RefName;

use super::*;

fn sum(letter: char) -> Digest {
    Digest::from_sha256([letter as u8; 32])
}

fn commit(letter: char) -> ObjectId {
    let nibble = format!("{:x}", letter as u32 % 16);
    nibble.repeat(40).parse().unwrap()
}

/// `shop/web=a` is that the application has the content `a`, `shop/web=-` that there is no chart.
fn contents(text: &str) -> Contents {
    let of = |each: &str| {
        let (application, content) = each.split_once('=').unwrap();
        let content = content.chars().next().filter(|letter| *letter != '-').map(sum);
        (application.to_owned(), content)
    };
    text.split_whitespace().map(of).collect()
}

fn proposal(branch: &str, at: char, before: &str, after: &str) -> Proposed {
    Proposed {
        proposal: Proposal {
            number: branch.parse().ok(),
            reference: RefName::branch(branch).unwrap(),
            commit: commit(at),
            target: "main".into(),
            branch: branch.into(),
            title: String::new(),
            author: String::new(),
            from_fork: false,
            draft: false,
            url: None,
        },
        before: contents(before),
        after: contents(after),
    }
}

/// Does what is planned, and plans again: nothing is left to do. Gives what was made and removed, by name.
fn settle(seen: &Seen, there: &mut Vec<Object<Verification>>) -> (Vec<String>, Vec<String>) {
    let plan_now = |there: &[Object<Verification>]| plan(seen, &there.iter().collect::<Vec<_>>());
    let planned = plan_now(there);
    there.retain(|one| {
        let (namespace, name) = (one.metadata.namespace.clone(), one.metadata.name.clone());
        !planned.remove.contains(&(namespace, name))
    });
    for new in &planned.make {
        let mut object = Object::new(&new.name, new.spec.clone());
        object.metadata.namespace.clone_from(&new.namespace);
        object
            .metadata
            .annotations
            .insert(CONTENT.into(), new.content.to_string().into());
        object
            .metadata
            .annotations
            .insert(ORDER.into(), new.order.to_string().into());
        object
            .metadata
            .annotations
            .insert(PROPOSED_BY.into(), new.proposed_by.clone().into());
        there.push(object);
    }
    assert_eq!(plan_now(there).make, [], "what is there is enough");
    let made = planned
        .make
        .iter()
        .map(|new| format!("{}/{}", new.namespace, new.name));
    let removed = planned
        .remove
        .iter()
        .map(|(namespace, name)| format!("{namespace}/{name}"));
    (made.collect(), removed.collect())
}

fn seen(head: char, at_head: &str, proposals: Vec<Proposed>) -> Seen {
    Seen {
        head: commit(head),
        at_head: contents(at_head),
        proposals,
    }
}

#[test]
fn the_branch_is_verified_by_content_and_once() {
    let mut there = Vec::new();
    let (made, _) = settle(
        &seen('a', "shop/web=x shop/api=y shop/none=-", vec![]),
        &mut there,
    );
    assert_eq!(made, ["shop/api-111111111111", "shop/web-111111111111"]);
    // Another commit changes one of them, and an application comes that nobody pushed for.
    let (made, _) = settle(&seen('b', "shop/web=z shop/api=y pay/new=y", vec![]), &mut there);
    assert_eq!(made, ["pay/new-222222222222", "shop/web-222222222222"]);
    // What was there before comes back with a commit of its own.
    let (made, _) = settle(&seen('c', "shop/web=x shop/api=y pay/new=y", vec![]), &mut there);
    assert_eq!(made, ["shop/web-333333333333"]);
}

#[test]
fn other_files_with_values_are_another_verification_of_the_same_commit() {
    let mut there = Vec::new();
    settle(&seen('a', "shop/web=x", vec![]), &mut there);
    let (made, _) = settle(&seen('a', "shop/web=z", vec![]), &mut there);
    assert_eq!(made, ["shop/web-111111111111-7a7a7a"]);
}

#[test]
fn a_proposal_is_verified_for_what_it_changes_until_it_moves_on() {
    let mut there = Vec::new();
    let head = "shop/web=x shop/api=y";
    settle(&seen('a', head, vec![]), &mut there);
    let open = |at, after| vec![proposal("Feature/Log-in", at, head, after)];
    let (made, removed) = settle(&seen('a', head, open('b', "shop/web=z shop/api=y")), &mut there);
    assert_eq!(made, ["shop/web-feature-log-in-222222222222"]);
    assert_eq!(removed, [""; 0]);
    let (made, removed) = settle(&seen('a', head, open('c', "shop/web=- shop/api=z")), &mut there);
    assert_eq!(made, ["shop/api-feature-log-in-333333333333"]);
    assert_eq!(removed, ["shop/web-feature-log-in-222222222222"]);
    // Merged as it is: the branch has a verification of its own, the proposal none any more.
    let (made, removed) = settle(&seen('c', "shop/web=- shop/api=z", vec![]), &mut there);
    assert_eq!(made, ["shop/api-333333333333"]);
    assert_eq!(removed, ["shop/api-feature-log-in-333333333333"]);
}

#[test]
fn a_pull_request_is_called_by_its_number() {
    let open = vec![proposal("42", 'b', "shop/web=x", "shop/web=z")];
    let (made, _) = settle(&seen('a', "shop/web=-", open), &mut Vec::new());
    assert_eq!(made, ["shop/web-42-222222222222"]);
}

#[test]
fn the_newest_of_the_branch_are_kept() {
    let mut there = Vec::new();
    for at in 0..26_u8 {
        let letter = char::from(b'a' + at);
        settle(&seen(letter, &format!("shop/web={letter}"), vec![]), &mut there);
    }
    let (_, removed) = settle(&seen('z', "shop/web=z", vec![]), &mut there);
    assert_eq!((there.len(), removed.len()), (KEPT, 1));
}

#[test]
fn whoever_proposed_what_is_merged_is_known_of_the_branch() {
    let mut there = Vec::new();
    let by = |at, after| {
        let mut one = proposal("42", at, "shop/web=x", after);
        one.proposal.author = "ada".into();
        vec![one]
    };
    let proposer = |there: &[Object<Verification>], name: &str| {
        let one = there.iter().find(|one| one.metadata.name == name).unwrap();
        one.metadata.annotations[PROPOSED_BY].as_str().unwrap().to_owned()
    };
    settle(&seen('a', "shop/web=x", vec![]), &mut there);
    settle(&seen('a', "shop/web=x", by('b', "shop/web=z")), &mut there);
    assert_eq!(proposer(&there, "web-42-222222222222"), "ada");
    // Squashed into a commit of its own, with the same content.
    settle(&seen('c', "shop/web=z", vec![]), &mut there);
    assert_eq!(proposer(&there, "web-333333333333"), "ada");
    settle(&seen('d', "shop/web=y", vec![]), &mut there);
    assert_eq!(proposer(&there, "web-444444444444"), "");
}
