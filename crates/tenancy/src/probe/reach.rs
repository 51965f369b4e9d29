//! Attacks that are no object of a chart: reading, changing and deleting what is there, connections into pods and nodes, and
//! what the API server says one may do. Each theme is a table.

mod cluster;
mod other;
mod own;

use serde_json::{Value, json};

pub(super) use cluster::cluster;
pub(super) use other::{any_right, other};
pub(super) use own::{bounds, work};

use super::{Expected, Ground, Probe, Request, Verb, Who};

const RBAC: &str = "rbac.authorization.k8s.io/v1";
const NETWORK: &str = "networking.k8s.io/v1";

/// What an attack is called, and what it says for people.
type Named = (&'static str, &'static str);

/// A kind, and a subresource or nothing.
type Of = (&'static str, &'static str, &'static str);

/// What is sent, made from where it is tried.
type Body = fn(&Ground) -> Value;

/// A row of a table: an attack on the object of a name; on all of the kind if it is empty.
type Row = (Named, Of, Verb, &'static str, Body);

/// In the place of a name: the namespace itself is attacked, in which the others of the table are.
const ITSELF: &str = "*";

const NOTHING: Body = |_| Value::Null;
const LABELLED: Body = |_| json!({"metadata": {"labels": {super::PROBE: super::PROBE}}});
const TOKEN: Body = |_| json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});

/// The attacks of a table in a namespace; in all, or in none, if it is empty.
fn attacks<'a>(
    table: &'static [Row],
    namespace: &'a str,
    (ground, who): (&'a Ground, &'a Who),
) -> impl Iterator<Item = Probe> + 'a {
    table.iter().map(move |(named, of, verb, name, body)| {
        let (namespace, name) = match *name {
            ITSELF => ("", namespace),
            name => (namespace, name),
        };
        probe(who, *named, (*of, *verb), (namespace, name, body(ground)))
    })
}

fn probe(
    who: &Who,
    (id, title): Named,
    ((api_version, kind, subresource), verb): (Of, Verb),
    (namespace, name, body): (&str, &str, Value),
) -> Probe {
    Probe {
        id,
        title,
        who: who.clone(),
        request: Request {
            verb,
            api_version,
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource,
            body,
        },
        expected: Expected::Stopped,
    }
}

/// A question whether somebody may do something to a resource.
fn asked(who: &Who, named: Named, attributes: &Value) -> Probe {
    review(who, named, &json!({"resourceAttributes": attributes}))
}

fn review(who: &Who, named: Named, spec: &Value) -> Probe {
    let of = ("authorization.k8s.io/v1", "SelfSubjectAccessReview", "");
    probe(who, named, (of, Verb::Ask), ("", "", json!({"spec": spec})))
}
