//! The keywords for one kind of value each: tables, lists, texts, numbers.

use yaml::Value;

use super::super::decimal::Decimal;
use super::super::instance::{Instance, duplicates};
use super::super::message;
use super::super::meta::Draft;
use super::super::node::{Additional, Depends, NodeId};
use super::{Kind, Pass, Token, Visit, Want};
use crate::values::Map;

impl<'s, 'v> Pass<'s, 'v> {
    pub(super) fn object(&mut self, visit: &mut Visit<'s, 'v>, map: &'v Map) {
        let node = visit.node;
        let rules = &node.object;
        if let Some(min) = rules.min.filter(|min| map.len() < *min) {
            self.report(visit, || message::size("minProperties", map.len(), min));
        }
        if let Some(max) = rules.max.filter(|max| map.len() > *max) {
            self.report(visit, || message::size("maxProperties", map.len(), max));
        }
        let missing = absent(map, &rules.required);
        if !missing.is_empty() {
            self.report(visit, || message::missing(&missing));
        }
        if visit.is_decided() {
            return;
        }
        for (name, depends) in rules
            .dependencies
            .iter()
            .filter(|(name, _)| map.contains_key(name))
        {
            match depends {
                Depends::On(names) => self.dependent(visit, map, name, names),
                Depends::Schema(id) => {
                    let result = self.also(visit, *id, Want::Text);
                    visit.add(result);
                }
            }
        }
        self.properties(visit, map);
        if let Some(id) = rules.names {
            self.names(visit, map, id);
        }
        for (name, id) in &rules.dependent_schemas {
            if map.contains_key(name) {
                let result = self.also(visit, *id, Want::Text);
                visit.add(result);
            }
        }
        for (name, names) in &rules.dependent_required {
            if map.contains_key(name) {
                self.dependent(visit, map, name, names);
            }
        }
    }

    fn properties(&mut self, visit: &mut Visit<'s, 'v>, map: &'v Map) {
        let rules = &visit.node.object;
        let mut unwanted: Vec<&str> = Vec::new();
        for (name, value) in map {
            if visit.is_decided() {
                return;
            }
            let mut is_evaluated = false;
            if let Some(id) = rules.properties.get(name) {
                is_evaluated = true;
                self.member(visit, *id, Token::Key(name), value);
            }
            for (pattern, id) in &rules.patterns {
                if pattern.is_match(name.as_bytes()) {
                    is_evaluated = true;
                    self.member(visit, *id, Token::Key(name), value);
                }
            }
            if !is_evaluated && let Some(additional) = rules.additional {
                is_evaluated = true;
                match additional {
                    Additional::Flag(true) => {}
                    Additional::Flag(false) => unwanted.push(name),
                    Additional::Schema(id) => self.member(visit, id, Token::Key(name), value),
                }
            }
            if is_evaluated {
                visit.rest.properties.remove(name.as_str());
            }
        }
        if !unwanted.is_empty() {
            self.report(visit, || {
                format!("additional properties {} not allowed", message::quoted(&unwanted))
            });
        }
    }

    fn names(&mut self, visit: &mut Visit<'s, 'v>, map: &'v Map, id: NodeId) {
        for name in map.keys() {
            // A name is a value of its own and has no place: Helm starts anew with it, at the root.
            let outside = (std::mem::take(&mut self.scopes), std::mem::take(&mut self.path));
            let result = self.child(id, Instance::String(name), visit.want);
            if let Err(failed) = result {
                let causes = if failed.kind == Kind::Group {
                    failed.causes
                } else {
                    vec![failed]
                };
                self.report_causes(visit, causes, || {
                    format!("invalid propertyName {}", message::quote(name))
                });
            }
            (self.scopes, self.path) = outside;
        }
    }

    fn dependent(&mut self, visit: &mut Visit<'s, 'v>, map: &Map, name: &str, names: &[String]) {
        let missing = absent(map, names);
        if !missing.is_empty() {
            self.report(visit, || message::required_by(&missing, name));
        }
    }

    pub(super) fn array(&mut self, visit: &mut Visit<'s, 'v>, items: &'v [Value]) {
        let node = visit.node;
        let rules = &node.array;
        if let Some(min) = rules.min.filter(|min| items.len() < *min) {
            self.report(visit, || message::size("minItems", items.len(), min));
        }
        if let Some(max) = rules.max.filter(|max| items.len() > *max) {
            self.report(visit, || message::size("maxItems", items.len(), max));
        }
        if rules.unique
            && let Some((first, second)) = duplicates(items)
        {
            self.report(visit, || {
                format!(
                    "items at {} and {} are equal",
                    message::count(first),
                    message::count(second)
                )
            });
        }
        for (i, (item, id)) in items.iter().zip(&rules.prefix).enumerate() {
            self.member(visit, *id, Token::Index(i), item);
        }
        let done = rules.prefix.len().min(items.len());
        let rest = &items[done..];
        if let Some(id) = rules.items {
            // Helm counts these from zero, wherever the prefix ends.
            for (i, item) in rest.iter().enumerate() {
                self.member(visit, id, Token::Index(i), item);
            }
        }
        match rules.additional {
            Some(Additional::Flag(false)) if !rest.is_empty() => {
                self.report(visit, || {
                    format!(
                        "last {} additionalItem(s) not allowed",
                        message::count(rest.len())
                    )
                });
            }
            Some(Additional::Schema(id)) => {
                for (i, item) in rest.iter().enumerate() {
                    self.member(visit, id, Token::Index(i), item);
                }
            }
            _ => {}
        }
        if let Some(id) = rules.contains {
            self.contains(visit, items, id);
        }
    }

    fn contains(&mut self, visit: &mut Visit<'s, 'v>, items: &'v [Value], id: NodeId) {
        let rules = &visit.node.array;
        let (mut failed, mut matched) = (Vec::new(), Vec::new());
        for (i, item) in items.iter().enumerate() {
            self.path.push(Token::Index(i));
            let result = self.child(id, item.into(), visit.want);
            self.path.pop();
            match result {
                Err(violation) => failed.push(violation),
                Ok(()) => {
                    matched.push(i.to_string());
                    if visit.node.draft >= Draft::D2020 {
                        visit.rest.items.remove(&i);
                    }
                }
            }
        }
        let (got, at) = (matched.len(), matched.join(" "));
        let ask = "items required to match contains schema";
        if let Some(min) = rules.min_contains {
            if got < min {
                self.report_causes(visit, failed, || match got {
                    0 => format!("min {} {ask}, but none matched", message::count(min)),
                    _ => format!(
                        "min {} {ask}, but matched {got} items at {at}",
                        message::count(min)
                    ),
                });
            }
        } else if got == 0 {
            self.report_causes(visit, failed, || "no items match contains schema".to_owned());
        }
        if let Some(max) = rules.max_contains.filter(|max| got > *max) {
            self.report(visit, || {
                format!(
                    "max {} {ask}, but matched {got} items at {at}",
                    message::count(max)
                )
            });
        }
    }

    pub(super) fn string(&mut self, visit: &mut Visit<'s, 'v>, text: &str) {
        let rules = &visit.node.string;
        if rules.min.is_some() || rules.max.is_some() {
            let length = text.chars().count();
            if let Some(min) = rules.min.filter(|min| length < *min) {
                self.report(visit, || message::size("minLength", length, min));
            }
            if let Some(max) = rules.max.filter(|max| length > *max) {
                self.report(visit, || message::size("maxLength", length, max));
            }
        }
        if let Some((pattern, regex)) = &rules.pattern
            && !regex.is_match(text.as_bytes())
        {
            self.report(visit, || {
                format!(
                    "{} does not match pattern {}",
                    message::quote(text),
                    message::quote(pattern)
                )
            });
        }
    }

    pub(super) fn number(&mut self, visit: &mut Visit<'s, 'v>, number: f64) {
        let rules = &visit.node.number;
        if let Some(want) = rules.minimum.filter(|want| number < *want) {
            self.report(visit, || message::limit("minimum", number, want));
        }
        if let Some(want) = rules.maximum.filter(|want| number > *want) {
            self.report(visit, || message::limit("maximum", number, want));
        }
        if let Some(want) = rules.above.filter(|want| number <= *want) {
            self.report(visit, || message::limit("exclusiveMinimum", number, want));
        }
        if let Some(want) = rules.below.filter(|want| number >= *want) {
            self.report(visit, || message::limit("exclusiveMaximum", number, want));
        }
        if let Some(unit) = rules.multiple_of.filter(|unit| !is_multiple(number, *unit)) {
            self.report(visit, || message::limit("multipleOf", number, unit));
        }
    }
}

fn absent<'n>(map: &Map, names: &'n [String]) -> Vec<&'n str> {
    names
        .iter()
        .filter(|name| !map.contains_key(*name))
        .map(String::as_str)
        .collect()
}

fn is_multiple(number: f64, unit: f64) -> bool {
    match (Decimal::of(number), Decimal::of(unit)) {
        (Some(number), Some(unit)) => number.is_multiple_of(unit),
        _ => None,
    }
    .unwrap_or_else(|| (number / unit).fract() == 0.0)
}
