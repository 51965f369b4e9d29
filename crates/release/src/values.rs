//! Values of a release: which of the last ones an upgrade takes over, and the way between charts and records.
//!
//! Records keep JSON. Go reads every number of it as `float64`, so that is what comes back out of a record.

use chart::values::Map as Values;
use serde_json::{Map, Number, Value};

use crate::error::Error;
use crate::record::Record;

/// Tables and lists within each other. Readers of JSON stop at 128, and a record has a few around its values; real values
/// stay below twenty.
const MAX_DEPTH: usize = 100;

/// Integers up to here are exact in a `float64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What an upgrade does with the values of the release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// The last given ones are taken when none are given now, otherwise they are forgotten.
    #[default]
    WhenNoneAreGiven,
    /// `--reset-values`: the chart's defaults and what is given now.
    Reset,
    /// `--reuse-values`: the last ones, the last chart's defaults included, and what is given now above them.
    Keep,
    /// `--reset-then-reuse-values`: the new chart's defaults, then the last given ones, then what is given now.
    ResetThenKeep,
}

/// What an upgrade is rendered with.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// What counts as given by the user, and goes into the record.
    pub given: Values,
    /// Where there are some, they stand in the place of the chart's defaults: see [`chart::Chart::with_values`].
    pub defaults: Option<Values>,
}

/// What an install is rendered with.
impl From<Values> for Chosen {
    fn from(given: Values) -> Self {
        Self {
            given,
            defaults: None,
        }
    }
}

/// Decides what values an upgrade of `current` has.
///
/// # Errors
/// A chart in the record that can't be read, with [`Reuse::Keep`].
pub fn choose(reuse: Reuse, current: &Record, given: Values) -> Result<Chosen, Error> {
    let last = || from_json(&current.config);
    let above_last = |mut given: Values| {
        chart::values::coalesce_tables(&mut given, &last());
        given
    };
    let (given, defaults) = match reuse {
        Reuse::Reset => (given, None),
        Reuse::Keep => (above_last(given), Some(all(current)?)),
        Reuse::ResetThenKeep => (above_last(given), None),
        Reuse::WhenNoneAreGiven if given.is_empty() => (last(), None),
        Reuse::WhenNoneAreGiven => (given, None),
    };
    Ok(Chosen { given, defaults })
}

/// The given values of a record above its chart's defaults, as in `get values --all`.
///
/// # Errors
/// A chart in the record that can't be read.
pub fn all(record: &Record) -> Result<Values, Error> {
    let stored = record.chart.as_ref().ok_or_else(|| Error::NoChart {
        release: record.name.clone(),
        revision: record.revision,
    })?;
    let chart = stored.to_chart()?;
    // Helm logs these when it renders; here it would say them again.
    Ok(chart::values::coalesce(
        &chart,
        from_json(&record.config),
        &mut Vec::new(),
    )?)
}

/// Values as a record keeps them.
///
/// # Errors
/// A number that JSON does not have, and values nested deeper than a record can be read again.
pub fn to_json(values: &Values) -> Result<Map<String, Value>, Error> {
    table_to_json(values, MAX_DEPTH)
}

/// Values out of a record.
#[must_use]
pub fn from_json(values: &Map<String, Value>) -> Values {
    let entries = values.iter();
    entries
        .map(|(key, value)| (key.clone(), value_from_json(value)))
        .collect()
}

pub(crate) fn value_to_json(key: &str, value: &yaml::Value) -> Result<Value, Error> {
    any_to_json(key, value, MAX_DEPTH)
}

pub(crate) fn value_from_json(value: &Value) -> yaml::Value {
    match value {
        Value::Null => yaml::Value::Null,
        Value::Bool(yes) => yaml::Value::Bool(*yes),
        Value::Number(number) => yaml::Value::Float(number.as_f64().unwrap_or_default()),
        Value::String(text) => yaml::Value::String(text.clone()),
        Value::Array(items) => yaml::Value::Seq(items.iter().map(value_from_json).collect()),
        Value::Object(entries) => yaml::Value::Map(from_json(entries)),
    }
}

fn table_to_json(values: &Values, depth: usize) -> Result<Map<String, Value>, Error> {
    let entries = values.iter();
    entries
        .map(|(key, value)| Ok((key.clone(), any_to_json(key, value, depth)?)))
        .collect()
}

fn any_to_json(key: &str, value: &yaml::Value, depth: usize) -> Result<Value, Error> {
    let below = || {
        depth.checked_sub(1).ok_or_else(|| Error::TooDeep {
            key: key.to_owned(),
            limit: MAX_DEPTH,
        })
    };
    Ok(match value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Bool(yes) => Value::Bool(*yes),
        yaml::Value::Int(number) => Value::from(*number),
        yaml::Value::Float(number) => {
            let finite = float(*number).ok_or_else(|| Error::NotFinite {
                key: key.to_owned(),
                number: *number,
            });
            Value::Number(finite?)
        }
        yaml::Value::String(text) => Value::from(text.as_str()),
        yaml::Value::Seq(items) => {
            let depth = below()?;
            let items = items.iter().map(|item| any_to_json(key, item, depth));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        yaml::Value::Map(entries) => Value::Object(table_to_json(entries, below()?)?),
    })
}

/// A number that Go prints as a whole one is a whole one in JSON.
fn float(number: f64) -> Option<Number> {
    #[expect(clippy::cast_possible_truncation, reason = "the guard keeps it in range")]
    if number.fract() == 0.0 && number.abs() <= EXACT && !(number == 0.0 && number.is_sign_negative()) {
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(value: &Value) -> Values {
        from_json(value.as_object().expect("a table"))
    }

    /// An upgrade of a release with these values, to which `given` are given, as the real Helm (4.1.4) did it.
    fn check(reuse: Reuse, given: &Value, expected: &Value, defaults: Option<&Value>) {
        let record: Record = serde_json::from_value(json!({
            "name": "a", "version": 1,
            "chart": {"metadata": {"name": "c", "version": "1.0.0", "apiVersion": "v2"}, "values": {"a": 1, "b": {"x": 1, "y": 2}, "c": 3}},
            "config": {"a": 10, "b": {"x": null}},
        }))
        .expect("a record");
        let chosen = choose(reuse, &record, values(given)).expect("the chart is fine");
        assert_eq!(chosen.given, values(expected), "{reuse:?} {given}");
        assert_eq!(chosen.defaults, defaults.map(values), "{reuse:?} {given}");
    }

    #[test]
    fn last_values_count_when_none_are_given() {
        check(
            Reuse::WhenNoneAreGiven,
            &json!({}),
            &json!({"a": 10, "b": {"x": null}}),
            None,
        );
        check(Reuse::WhenNoneAreGiven, &json!({"c": 5}), &json!({"c": 5}), None);
    }

    #[test]
    fn reset_forgets_them() {
        check(Reuse::Reset, &json!({}), &json!({}), None);
        check(Reuse::Reset, &json!({"c": 5}), &json!({"c": 5}), None);
    }

    #[test]
    fn reuse_keeps_the_last_charts_defaults_too() {
        let defaults = json!({"a": 10, "b": {"y": 2}, "c": 3});
        check(
            Reuse::Keep,
            &json!({"c": 5, "b": {"z": 1}}),
            &json!({"a": 10, "b": {"x": null, "z": 1}, "c": 5}),
            Some(&defaults),
        );
    }

    #[test]
    fn null_takes_away_what_was_given_and_not_what_was_reused() {
        let defaults = json!({"a": 10, "b": {"y": 2}, "c": 3});
        check(
            Reuse::Keep,
            &json!({"a": null}),
            &json!({"b": {"x": null}}),
            Some(&defaults),
        );
        check(
            Reuse::Keep,
            &json!({"c": null}),
            &json!({"a": 10, "b": {"x": null}, "c": null}),
            Some(&defaults),
        );
    }

    #[test]
    fn reset_then_reuse_keeps_only_what_was_given() {
        check(
            Reuse::ResetThenKeep,
            &json!({"c": 5}),
            &json!({"a": 10, "b": {"x": null}, "c": 5}),
            None,
        );
        check(
            Reuse::ResetThenKeep,
            &json!({"a": null}),
            &json!({"b": {"x": null}}),
            None,
        );
    }

    #[test]
    fn what_a_record_could_not_be_read_with_is_not_written() {
        let nested = |depth: usize| {
            let value = (0..depth).fold(yaml::Value::Null, |value, _| yaml::Value::Seq(vec![value]));
            to_json(&Values::from([("a".to_owned(), value)]))
        };
        assert!(nested(MAX_DEPTH).is_ok());
        let error = nested(MAX_DEPTH + 1).expect_err("it is too deep");
        assert_eq!(error.to_string(), "values below a are nested more than 100 deep");
        let infinite = to_json(&Values::from([(
            "a".to_owned(),
            yaml::Value::Float(f64::INFINITY),
        )]));
        let error = infinite.expect_err("JSON has no such number").to_string();
        assert_eq!(error, "value a is inf, which a release's record can't hold");
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        let text = |number: f64| float(number).map(|number| number.to_string());
        assert_eq!(text(12_345_678_901.0).as_deref(), Some("12345678901"));
        assert_eq!(text(0.25).as_deref(), Some("0.25"));
        assert_eq!(text(-0.0).as_deref(), Some("-0.0"));
        assert_eq!(text(f64::NAN), None);
    }
}
