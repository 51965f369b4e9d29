//! The order of a merged list: the patch's elements as it names them, the others as they stood, interleaved by
//! their places in the live list as far as that agrees.

use std::collections::HashMap;

use serde_json::Value;

use super::super::Error;
use super::wrong_type;
use crate::go_text;

/// Longer lists are sorted in blocks of this size, then merged: not worth following.
const INSERTION_SORTED: usize = 20;

/// The first place of each element of a list.
struct Places(HashMap<String, usize>);

impl Places {
    fn of(list: &[Value], key: &str) -> Result<Self, Error> {
        let mut places = HashMap::with_capacity(list.len());
        for (at, item) in list.iter().enumerate() {
            places.entry(name_of(item, key)?).or_insert(at);
        }
        Ok(Places(places))
    }

    fn get(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }
}

/// Arranges a merged list. `wanted` is the order of the patch, `live` that of the object; without a key elements
/// are told apart by their value.
pub(super) fn arrange(
    merged: Vec<Value>,
    wanted: &[Value],
    live: &[Value],
    key: &str,
) -> Result<Vec<Value>, Error> {
    let wanted = Places::of(wanted, key)?;
    let live = Places::of(live, key)?;
    let mut patched: Vec<(usize, Option<usize>, Value)> = Vec::new();
    let mut untouched: Vec<(Option<usize>, Value)> = Vec::new();
    for item in merged {
        let name = name_of(&item, key)?;
        let place = live.get(&name);
        match wanted.get(&name) {
            Some(turn) => patched.push((turn, place, item)),
            None => untouched.push((place, item)),
        }
    }
    patched.sort_by_key(|(turn, ..)| *turn);
    sort_untouched(&mut untouched);

    let mut arranged = Vec::with_capacity(patched.len() + untouched.len());
    let mut untouched = untouched.into_iter().peekable();
    for (_, place, item) in patched {
        // An element that the live list does not have goes before the untouched ones that are left.
        if let Some(place) = place {
            while let Some((_, earlier)) =
                untouched.next_if(|(other, _)| other.is_some_and(|other| other < place))
            {
                arranged.push(earlier);
            }
        }
        arranged.push(item);
    }
    arranged.extend(untouched.map(|(_, item)| item));
    Ok(arranged)
}

/// Sorts by place. Elements without one (the patch has them but its order does not) go to the front, each before
/// the last: the API server's comparison is no order, and this is what its insertion sort makes of it.
fn sort_untouched(untouched: &mut [(Option<usize>, Value)]) {
    if untouched.iter().all(|(place, _)| place.is_some()) || untouched.len() > INSERTION_SORTED {
        untouched.sort_by_key(|(place, _)| *place);
        return;
    }
    for at in 1..untouched.len() {
        for at in (1..=at).rev() {
            if let (Some(place), Some(before)) = (untouched[at].0, untouched[at - 1].0)
                && place >= before
            {
                break;
            }
            untouched.swap(at, at - 1);
        }
    }
}

/// Checks that the elements of a patch's list come in the order that the patch gives for the whole list.
pub(super) fn check(patch: &[Value], wanted: &[Value], key: &str) -> Result<(), Error> {
    if patch.is_empty() || wanted.is_empty() {
        return Ok(());
    }
    let mut kept = Vec::with_capacity(patch.len());
    for item in patch {
        if !key.is_empty() && !item.is_object() {
            return Err(wrong_type("map[string]interface {}", item));
        }
        if key.is_empty()
            || item
                .get(super::DIRECTIVE)
                .is_none_or(|directive| directive != "delete")
        {
            kept.push(item);
        }
    }
    // A directive at the end counts as out of order: the API server looks at it only while there are turns left.
    let mut turns = wanted.iter().peekable();
    let mut left = kept.iter().peekable();
    while let (Some(item), Some(turn)) = (left.peek(), turns.peek()) {
        if item.get(super::DIRECTIVE).is_some() {
            left.next();
            continue;
        }
        if name_of(item, key)? == name_of(turn, key)? {
            left.next();
        }
        turns.next();
    }
    if left.peek().is_some() {
        let patch = go_text::plain(&Value::from(patch.to_vec()));
        let wanted = go_text::plain(&Value::from(wanted.to_vec()));
        return Err(Error::Failed(format!(
            "The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{wanted}\n"
        )));
    }
    Ok(())
}

/// The text of an element's merge key.
pub(super) fn key_of(item: &Value, key: &str) -> Result<String, Error> {
    let Value::Object(fields) = item else {
        return Err(wrong_type("map[string]interface {}", item));
    };
    match fields.get(key) {
        Some(value) => Ok(value.to_string()),
        None => {
            let map = go_text::plain(item);
            Err(Error::Failed(format!(
                "map: {map} does not contain declared merge key: {key}"
            )))
        }
    }
}

fn name_of(item: &Value, key: &str) -> Result<String, Error> {
    if key.is_empty() {
        return Ok(item.to_string());
    }
    key_of(item, key)
}
