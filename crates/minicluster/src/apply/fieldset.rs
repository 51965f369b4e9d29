//! Sets of fields: what a manager owns, what a change touched.
//!
//! A set is a tree of path elements; each node says whether it is itself a member and which of its children are.
//! A node without both never exists, so that two sets are equal exactly if their members are. Recursion follows
//! the depth of the set, which is that of the object (bounded by [`super::MAX_DEPTH`]) or of a parsed set (bounded
//! by `fields_v1`).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::fieldpath::PathElement;

/// A set of field paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    nodes: BTreeMap<PathElement, Node>,
}

/// A path element of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The path that ends here belongs to the set.
    pub member: bool,
    /// The longer paths that belong to the set.
    pub children: FieldSet,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }
}

impl FieldSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        FieldSet {
            nodes: BTreeMap::new(),
        }
    }

    /// The set of paths that consist of field names only.
    #[must_use]
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = FieldSet::new();
        for path in paths {
            let path: Vec<_> = path.iter().map(|name| PathElement::field(*name)).collect();
            set.insert(&path);
        }
        set
    }

    /// True if the set has no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The nodes of the first level, in order.
    pub fn nodes(&self) -> impl Iterator<Item = (&PathElement, &Node)> {
        self.nodes.iter()
    }

    /// The node of a path element.
    #[must_use]
    pub fn node(&self, element: &PathElement) -> Option<&Node> {
        self.nodes.get(element)
    }

    /// Adds a path, but not its parents. The empty path is never owned.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((last, parents)) = path.split_last() else {
            return;
        };
        let mut set = self;
        for element in parents {
            set = &mut set.nodes.entry(element.clone()).or_default().children;
        }
        set.nodes.entry(last.clone()).or_default().member = true;
    }

    /// Adds a node to the first level, joining it with the one that may be there.
    pub fn attach(&mut self, element: PathElement, node: Node) {
        if node.is_empty() {
            return;
        }
        match self.nodes.entry(element) {
            Entry::Vacant(vacant) => {
                vacant.insert(node);
            }
            Entry::Occupied(mut occupied) => {
                let old = occupied.get_mut();
                old.member |= node.member;
                old.children.extend(node.children);
            }
        }
    }

    /// True if the path is a member.
    #[must_use]
    pub fn contains(&self, path: &[PathElement]) -> bool {
        let Some((last, parents)) = path.split_last() else {
            return false;
        };
        let mut set = self;
        for element in parents {
            match set.nodes.get(element) {
                Some(node) => set = &node.children,
                None => return false,
            }
        }
        set.nodes.get(last).is_some_and(|node| node.member)
    }

    /// Adds every member of the other set.
    pub fn extend(&mut self, other: FieldSet) {
        if self.nodes.is_empty() {
            *self = other;
            return;
        }
        for (element, node) in other.nodes {
            self.attach(element, node);
        }
    }

    /// The members of either set.
    #[must_use]
    pub fn union(&self, other: &FieldSet) -> FieldSet {
        let mut all = self.clone();
        all.extend(other.clone());
        all
    }

    /// Takes out the members that the other set has; children of its members stay.
    pub fn subtract(&mut self, other: &FieldSet) {
        for (element, theirs) in &other.nodes {
            let Some(node) = self.nodes.get_mut(element) else {
                continue;
            };
            node.member &= !theirs.member;
            node.children.subtract(&theirs.children);
            if node.is_empty() {
                self.nodes.remove(element);
            }
        }
    }

    /// Takes out the members of the other set and everything below them.
    pub fn cut(&mut self, other: &FieldSet) {
        for (element, theirs) in &other.nodes {
            if theirs.member {
                self.nodes.remove(element);
                continue;
            }
            let Some(node) = self.nodes.get_mut(element) else {
                continue;
            };
            node.children.cut(&theirs.children);
            if node.is_empty() {
                self.nodes.remove(element);
            }
        }
    }

    /// The members of both sets.
    #[must_use]
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        self.filtered(|element, node| {
            let theirs = other.nodes.get(element)?;
            Some(Node {
                member: node.member && theirs.member,
                children: node.children.intersection(&theirs.children),
            })
        })
    }

    /// The members that the other set does not have; children of its members stay.
    #[must_use]
    pub fn difference(&self, other: &FieldSet) -> FieldSet {
        let mut left = self.clone();
        left.subtract(other);
        left
    }

    /// The members that are neither members of the other set nor below one.
    #[must_use]
    pub fn without(&self, other: &FieldSet) -> FieldSet {
        let mut left = self.clone();
        left.cut(other);
        left
    }

    /// All members: those of a level before those below it, which is the order of conflict causes.
    #[must_use]
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut found);
        found
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, found: &mut Vec<Vec<PathElement>>) {
        for (element, _) in self.nodes.iter().filter(|(_, node)| node.member) {
            let mut path = prefix.clone();
            path.push(element.clone());
            found.push(path);
        }
        for (element, node) in self.nodes.iter().filter(|(_, node)| !node.children.is_empty()) {
            prefix.push(element.clone());
            node.children.collect(prefix, found);
            prefix.pop();
        }
    }

    /// Rebuilds the first level; empty nodes are left out.
    pub(super) fn filtered(&self, keep: impl Fn(&PathElement, &Node) -> Option<Node>) -> FieldSet {
        let nodes = self.nodes.iter().filter_map(|(element, node)| {
            let node = keep(element, node)?;
            (!node.is_empty()).then(|| (element.clone(), node))
        });
        FieldSet {
            nodes: nodes.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(paths: &[&str]) -> FieldSet {
        let mut set = FieldSet::new();
        for path in paths {
            let path: Vec<_> = path.split('.').map(PathElement::field).collect();
            set.insert(&path);
        }
        set
    }

    #[test]
    fn difference_keeps_children_of_what_it_removes() {
        assert_eq!(set(&["a", "a.b"]).difference(&set(&["a"])), set(&["a.b"]));
        assert_eq!(set(&["a", "a.b"]).difference(&set(&["a.b"])), set(&["a"]));
    }

    #[test]
    fn without_removes_children_as_well() {
        assert_eq!(set(&["a", "a.b", "c"]).without(&set(&["a"])), set(&["c"]));
        assert_eq!(set(&["a", "a.b.c"]).without(&set(&["a.b"])), set(&["a"]));
    }

    #[test]
    fn an_intersection_without_members_is_empty() {
        assert!(set(&["a.b"]).intersection(&set(&["a.c"])).is_empty());
        assert!(set(&["a"]).intersection(&set(&["a.c"])).is_empty());
    }

    #[test]
    fn members_of_a_level_come_before_deeper_ones() {
        let shown: Vec<_> = set(&["a.b", "c", "b"])
            .paths()
            .iter()
            .map(|path| super::super::fieldpath::print(path))
            .collect();
        assert_eq!(shown, [".b", ".c", ".a.b"]);
    }
}
