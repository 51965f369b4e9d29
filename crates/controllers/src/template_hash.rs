//! Short names for the contents of a template: the hashes in the names of ReplicaSets and ControllerRevisions.
//!
//! A ControllerRevision is named as the real controllers name it, because its hash is one of plain JSON. The real
//! `pod-template-hash` is one of Go's printing of a Go struct; ours is of the same JSON instead, so it is as stable
//! but another value.

use serde_json::Value;

const OFFSET: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// The letters of names that can't become words: no vowels, and no digit that looks like one.
pub const SAFE: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The hash of a pod template. `collisions` is how many other templates had the same before.
#[must_use]
pub fn of_template(template: &Value, collisions: Option<i64>) -> String {
    let mut text = canonical(template);
    if let Some(collisions) = collisions {
        text.push_str(&collisions.to_string());
    }
    let hash = text
        .bytes()
        .fold(OFFSET, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME));
    safe(hash)
}

/// The hash of a ControllerRevision's `data`.
#[must_use]
pub fn of_revision(data: &Value, collisions: Option<i64>) -> String {
    let mut text = canonical(data);
    if let Some(collisions) = collisions {
        text.push_str(&collisions.to_string());
    }
    let hash = text
        .bytes()
        .fold(OFFSET, |hash, byte| hash.wrapping_mul(PRIME) ^ u32::from(byte));
    safe(hash)
}

/// A JSON text as Go prints a map: keys in order, no spaces, and `<`, `>` and `&` escaped.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                quote(key, text);
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::String(string) => quote(string, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

fn quote(string: &str, text: &mut String) {
    for letter in Value::from(string).to_string().chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            _ => text.push(letter),
        }
    }
}

fn safe(hash: u32) -> String {
    let digits = hash.to_string();
    let letters = digits
        .bytes()
        .map(|digit| char::from(SAFE[usize::from(digit) % SAFE.len()]));
    letters.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_revision_is_hashed_as_the_real_controller_hashes_it() {
        let data = json!({"spec": {"template": {
            "$patch": "replace",
            "metadata": {"labels": {"app": "db"}},
            "spec": {
                "containers": [{
                    "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "name": "c", "resources": {},
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                }],
                "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                "securityContext": {}, "terminationGracePeriodSeconds": 30,
            },
        }}});
        assert_eq!(of_revision(&data, Some(0)), "89b588858");
    }

    #[test]
    fn a_template_hash_tells_templates_and_collisions_apart() {
        let one = json!({"spec": {"containers": [{"image": "a"}]}});
        let other = json!({"spec": {"containers": [{"image": "b"}]}});
        assert_eq!(of_template(&one, None), of_template(&one.clone(), None));
        assert_ne!(of_template(&one, None), of_template(&other, None));
        assert_ne!(of_template(&one, None), of_template(&one, Some(1)));
    }

    #[test]
    fn text_prints_as_go_prints_it() {
        let value = json!({"b": "<&>\u{2028}\n", "a": [1, true, null]});
        assert_eq!(
            canonical(&value),
            r#"{"a":[1,true,null],"b":"\u003c\u0026\u003e\u2028\n"}"#
        );
    }
}
