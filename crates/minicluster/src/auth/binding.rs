//! Bindings, found by the subjects that they name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::UserInfo;

/// The bindings of one namespace, or of the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bindings {
    by_name: BTreeMap<String, Binding>,
    /// User names, ServiceAccounts among them, to names of bindings.
    users: HashMap<String, BTreeSet<String>>,
    groups: HashMap<String, BTreeSet<String>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) role: RoleRef,
    subjects: Vec<Subject>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleRef {
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// A subject: how it is printed, and whom it means.
#[derive(Clone, Debug)]
struct Subject {
    kind: String,
    printed: String,
    means: Means,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Means {
    User(String),
    Group(String),
    Nobody,
}

impl Binding {
    /// A binding of `namespace`, which is empty for a ClusterRoleBinding.
    pub(crate) fn from_json(object: &Value, namespace: &str) -> Self {
        let subjects = object.get("subjects").and_then(Value::as_array);
        let subjects = subjects.into_iter().flatten();
        Self {
            role: RoleRef::of(object),
            subjects: subjects
                .map(|subject| Subject::from_json(subject, namespace))
                .collect(),
        }
    }

    /// `RoleBinding "reader/ns" of Role "reader" to Group "devs"`.
    pub(crate) fn describe(&self, name: &str, namespace: &str, subject: usize) -> String {
        let RoleRef { kind, name: role } = &self.role;
        let to = self.subjects.get(subject);
        let to = to.map_or_else(String::new, |to| format!("{} {:?}", to.kind, to.printed));
        if namespace.is_empty() {
            return format!("ClusterRoleBinding {name:?} of {kind} {role:?} to {to}");
        }
        let name = format!("{name}/{namespace}");
        format!("RoleBinding {name:?} of {kind} {role:?} to {to}")
    }
}

impl RoleRef {
    pub(crate) fn of(binding: &Value) -> Self {
        let field = |path| binding.pointer(path).and_then(Value::as_str).unwrap_or_default();
        Self {
            kind: field("/roleRef/kind").to_owned(),
            name: field("/roleRef/name").to_owned(),
        }
    }
}

impl Subject {
    fn from_json(subject: &Value, binding_namespace: &str) -> Self {
        let field = |name| subject.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (field("kind"), field("name"));
        let namespace = Some(field("namespace")).filter(|own| !own.is_empty());
        let namespace = namespace.unwrap_or(binding_namespace);
        let (printed, means) = match kind {
            "User" => (name.to_owned(), Means::User(name.to_owned())),
            "Group" => (name.to_owned(), Means::Group(name.to_owned())),
            "ServiceAccount" if namespace.is_empty() => (format!("{name}/"), Means::Nobody),
            "ServiceAccount" => {
                let user = format!("system:serviceaccount:{namespace}:{name}");
                (format!("{name}/{namespace}"), Means::User(user))
            }
            _ => (name.to_owned(), Means::Nobody),
        };
        Self {
            kind: kind.to_owned(),
            printed,
            means,
        }
    }

    fn is(&self, user: &UserInfo) -> bool {
        match &self.means {
            Means::User(name) => *name == user.name,
            Means::Group(name) => user.in_group(name),
            Means::Nobody => false,
        }
    }
}

impl Bindings {
    pub(crate) fn put(&mut self, name: &str, binding: Binding) {
        self.remove(name);
        for subject in &binding.subjects {
            let (map, key) = match &subject.means {
                Means::User(key) => (&mut self.users, key),
                Means::Group(key) => (&mut self.groups, key),
                Means::Nobody => continue,
            };
            map.entry(key.clone()).or_default().insert(name.to_owned());
        }
        self.by_name.insert(name.to_owned(), binding);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let Some(old) = self.by_name.remove(name) else {
            return;
        };
        for subject in &old.subjects {
            let (map, key) = match &subject.means {
                Means::User(key) => (&mut self.users, key),
                Means::Group(key) => (&mut self.groups, key),
                Means::Nobody => continue,
            };
            if let Some(names) = map.get_mut(key) {
                names.remove(name);
                if names.is_empty() {
                    map.remove(key);
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The bindings that name the user, by name, each with the first subject that means the user.
    pub(crate) fn of<'a>(&'a self, user: &UserInfo) -> Vec<(&'a str, &'a Binding, usize)> {
        let groups = user.groups.iter().filter_map(|group| self.groups.get(group));
        let sets = self.users.get(&user.name).into_iter().chain(groups);
        let mut names: Vec<&str> = sets.flatten().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let found = names.into_iter().filter_map(|name| {
            let binding = self.by_name.get(name)?;
            let subject = binding.subjects.iter().position(|subject| subject.is(user))?;
            Some((name, binding, subject))
        });
        found.collect()
    }
}
