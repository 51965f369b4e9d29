//! The values a template works on, with Go's kinds, types and sharing.
//!
//! Go's rules that shape this type:
//! - a map is a reference: `set` through one name is seen through every other, so [`Map`] shares its entries;
//! - a string is bytes, not text: `.Files.Get` of a picture survives `b64enc`, so [`Str`] holds bytes;
//! - a slice handed to a template function is never changed in place by it, so [`List`] is immutable;
//! - maps are walked in key order by `range` and by every printer, so entries are kept in key order.
//!
//! Values are cheap to clone and belong to one thread; what is shared between threads is the parsed template.

use std::borrow::Cow;
use std::cell::{Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::function::{Error, Param};

/// `time.Month.String()`, January first.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// One Go value.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Go's untyped nil, and the value of a missing map key.
    #[default]
    Nil,
    Bool(bool),
    /// Any of Go's signed or unsigned integers; the kind says which.
    Int(i64, IntKind),
    /// `float64`, which every number that came from YAML or JSON is.
    Float(f64),
    Str(Str),
    /// `[]byte`, as `.Files.GetBytes` gives.
    Bytes(Str),
    List(List),
    Map(Map),
    /// A Go struct or named type with fields and methods: `.Files`, `.Capabilities`, a semantic version, a time.
    Object(Rc<dyn Object>),
}

/// Go's integer types that can reach a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    Int,
    Int32,
    Int64,
    Uint8,
    Uint32,
    Uint64,
    /// `time.Duration`, an int64 with a `String` method.
    Duration,
    /// `time.Month` and `time.Weekday` are ints with a `String` method.
    Month,
    Weekday,
}

/// `reflect.Kind`, as `kindOf` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Invalid,
    Bool,
    Int(IntKind),
    Float64,
    String,
    Slice,
    Map,
    Struct,
    Ptr,
}

/// A Go string: bytes, usually UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(Arc<[u8]>);

/// An immutable Go slice.
#[derive(Clone, Debug)]
pub struct List {
    elem: Elem,
    /// `None` is Go's nil slice, which prints like an empty one but is `null` in JSON and YAML.
    items: Option<Rc<[Value]>>,
}

/// The element type of a slice, which `typeOf` and `%T` print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elem {
    /// `[]interface {}`
    Any,
    /// `[]string`
    String,
    /// `[]int`
    Int,
    /// `[][]interface {}`
    Lists,
    /// `[]map[string]interface {}`
    Maps,
}

/// A shared, mutable Go map with string keys.
#[derive(Clone)]
pub struct Map {
    kind: MapKind,
    /// Go's nil map: it reads like an empty one, is `null` in JSON and YAML, and cannot be written to.
    is_nil: bool,
    entries: Rc<RefCell<BTreeMap<Str, Value>>>,
}

/// The named type through which a map is seen. Two kinds may share one set of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// `map[string]interface {}`
    Any,
    /// `common.Values`: `.Values`, `.Template` of the root scope, `$`.
    Values,
    /// `map[string]string`, as Sprig's `split` gives.
    String,
}

/// A host value with Go fields and methods.
///
/// `field` and `call` answer `None` for a name the Go type does not have, so that the executor can say
/// `can't evaluate field X in type T`.
pub trait Object: fmt::Debug {
    /// Go's name of the type, as `%T` prints it.
    fn type_name(&self) -> &str;
    fn kind(&self) -> Kind;
    fn field(&self, name: &str) -> Option<Value>;
    fn has_method(&self, name: &str) -> bool;
    /// Calls a method. Only called when `has_method` said yes.
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, Error>;
    /// The parameters of a method and the element type of a variadic tail; `None` takes any arguments.
    fn signature(&self, _method: &str) -> Option<(&'static [Param], Option<Param>)> {
        None
    }
    /// What `%v` prints.
    fn display(&self, out: &mut Vec<u8>);
    /// What an action prints of a pointer, or of a field that it reached through one: what the pointer points to, by
    /// the methods of the pointer.
    fn display_by_pointer(&self, out: &mut Vec<u8>) {
        self.display(out);
    }
    /// The value as the JSON and YAML encoders see it.
    fn plain(&self) -> Value;
    /// What `range` walks, `len` counts and `index` reads, as a list or a map; `None` for a type that has no
    /// elements. For types whose elements the encoders see differently, such as `.Files` with its bytes.
    fn entries(&self) -> Option<Value> {
        matches!(self.kind(), Kind::Slice | Kind::Map).then(|| self.plain())
    }
    /// Go's truth: non-nil for pointers, non-empty for maps; a struct is always true.
    fn truth(&self) -> bool {
        true
    }
    /// For a concrete type's own functions to get themselves back.
    fn as_any(&self) -> &dyn std::any::Any;
}

impl Value {
    pub fn str(text: impl AsRef<[u8]>) -> Self {
        Self::Str(Str::from(text.as_ref()))
    }

    /// A Go `int`.
    pub fn int(number: i64) -> Self {
        Self::Int(number, IntKind::Int)
    }

    /// A Go `int64`.
    pub fn int64(number: i64) -> Self {
        Self::Int(number, IntKind::Int64)
    }

    /// A `[]interface {}`.
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(List::new(Elem::Any, items))
    }

    /// A `[]string`.
    pub fn strings<T: AsRef<[u8]>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(List::new(
            Elem::String,
            items.into_iter().map(Value::str).collect(),
        ))
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_, kind) => Kind::Int(*kind),
            Self::Float(_) => Kind::Float64,
            Self::Str(_) => Kind::String,
            Self::Bytes(_) | Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Object(object) => object.kind(),
        }
    }

    /// Go's name of the type, as `%T` and `typeOf` print it.
    pub fn type_name(&self) -> Cow<'_, str> {
        match self {
            Self::Nil => "<nil>".into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_, kind) => kind.type_name().into(),
            Self::Float(_) => "float64".into(),
            Self::Str(_) => "string".into(),
            Self::Bytes(_) => "[]uint8".into(),
            Self::List(list) => match list.elem {
                Elem::Any => "[]interface {}".into(),
                Elem::String => "[]string".into(),
                Elem::Int => "[]int".into(),
                Elem::Lists => "[][]interface {}".into(),
                Elem::Maps => "[]map[string]interface {}".into(),
            },
            Self::Map(map) => match map.kind {
                MapKind::Any => "map[string]interface {}".into(),
                MapKind::Values => "common.Values".into(),
                MapKind::String => "map[string]string".into(),
            },
            Self::Object(object) => object.type_name().to_owned().into(),
        }
    }

    /// Go's truth of a value in `if`, `and`, `or` and `not`: the zero value of its kind is false.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(yes) => *yes,
            Self::Int(number, _) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) | Self::Bytes(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.borrow().is_empty(),
            Self::Object(object) => object.truth(),
        }
    }

    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    fn is_container(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }

    /// Roughly how much memory was taken for this value alone, or 0 when others share it.
    pub(crate) fn fresh_bytes(&self) -> usize {
        match self {
            Self::Str(text) | Self::Bytes(text) if Arc::strong_count(&text.0) == 1 => text.len(),
            Self::List(List {
                items: Some(items), ..
            }) if Rc::strong_count(items) == 1 => size_of_val(&**items),
            _ => 0,
        }
    }
}

impl IntKind {
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
        }
    }
}

impl IntKind {
    /// Whether the type has no `String` method.
    pub fn is_plain(self) -> bool {
        !matches!(self, Self::Duration | Self::Month | Self::Weekday)
    }

    pub fn is_unsigned(self) -> bool {
        matches!(self, Self::Uint8 | Self::Uint32 | Self::Uint64)
    }

    /// What `%v` prints: the type's `String` method, or the number. A `uint64` is kept as its bits.
    pub fn display(self, number: i64) -> String {
        const WEEKDAYS: [&str; 7] = [
            "Sunday",
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
        ];
        let name = |names: &[&str], first: i64, kind: &str| {
            let at = usize::try_from(number.wrapping_sub(first)).ok();
            at.and_then(|at| names.get(at))
                .map_or_else(|| format!("%!{kind}({number})"), |name| (*name).to_owned())
        };
        match self {
            Self::Duration => duration_text(number),
            Self::Month => name(&MONTHS, 1, "Month"),
            Self::Weekday => name(&WEEKDAYS, 0, "Weekday"),
            Self::Uint64 => (number as u64).to_string(),
            _ => number.to_string(),
        }
    }
}

/// `time.Duration.String()`: `1h2m3.5s`, and a smaller unit below a second.
fn duration_text(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    let decimal = |value: u64, unit: u64| {
        let (whole, part) = (value / unit, value % unit);
        if part == 0 {
            return whole.to_string();
        }
        let places = unit.ilog10() as usize;
        format!("{whole}.{}", format!("{part:0places$}").trim_end_matches('0'))
    };
    match total {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{total}ns"),
        1_000..1_000_000 => format!("{sign}{}\u{b5}s", decimal(total, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(total, 1_000_000)),
        _ => {
            let seconds = decimal(total % 60_000_000_000, 1_000_000_000);
            let minutes = total / 60_000_000_000;
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

impl Kind {
    /// `reflect.Kind.String()`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int(IntKind::Duration) => "int64",
            Self::Int(IntKind::Month | IntKind::Weekday) => "int",
            Self::Int(kind) => kind.type_name(),
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Ptr => "ptr",
        }
    }
}

impl Str {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, with every invalid byte replaced by U+FFFD.
    pub fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<Arc<[u8]>> for Str {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(bytes)
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl std::borrow::Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_text(), f)
    }
}

impl List {
    pub fn new(elem: Elem, items: Vec<Value>) -> Self {
        Self {
            elem,
            items: Some(items.into()),
        }
    }

    /// Go's nil slice: what a function returns that never made one, as `concat` of nothing does.
    pub fn nil(elem: Elem) -> Self {
        Self { elem, items: None }
    }

    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    pub fn elem(&self) -> Elem {
        self.elem
    }
}

/// Nested containers are taken apart one by one: a template can nest them deeper than the stack has room.
impl Drop for List {
    fn drop(&mut self) {
        if let Some(items) = self.items.as_mut().and_then(Rc::get_mut)
            && items.iter().any(Value::is_container)
        {
            take_apart(items.iter_mut());
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if let Some(entries) = Rc::get_mut(&mut self.entries)
            && entries.get_mut().values().any(Value::is_container)
        {
            take_apart(entries.get_mut().values_mut());
        }
    }
}

fn take_apart<'a>(values: impl Iterator<Item = &'a mut Value>) {
    let mut pending: Vec<Value> = values
        .filter(|value| value.is_container())
        .map(std::mem::take)
        .collect();
    while let Some(mut value) = pending.pop() {
        match &mut value {
            Value::List(list) => {
                let items = list.items.as_mut().and_then(Rc::get_mut).into_iter().flatten();
                pending.extend(items.filter(|item| item.is_container()).map(std::mem::take));
            }
            Value::Map(map) => {
                let items = Rc::get_mut(&mut map.entries)
                    .into_iter()
                    .flat_map(|map| map.get_mut().values_mut());
                pending.extend(items.filter(|item| item.is_container()).map(std::mem::take));
            }
            _ => {}
        }
    }
}

impl std::ops::Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.items.as_deref().unwrap_or_default()
    }
}

impl Map {
    pub fn new() -> Self {
        Self::default()
    }

    /// The same entries seen through another named type.
    #[must_use]
    pub fn seen_as(&self, kind: MapKind) -> Self {
        Self {
            kind,
            is_nil: self.is_nil,
            entries: Rc::clone(&self.entries),
        }
    }

    /// Go's nil map: what decoding `null` leaves, and what nil becomes where a map is wanted.
    ///
    /// Whoever writes to a map asks [`Map::is_nil`] first, as only functions can say Go's error.
    pub fn nil() -> Self {
        Self {
            kind: MapKind::Any,
            is_nil: true,
            entries: Rc::default(),
        }
    }

    pub fn is_nil(&self) -> bool {
        self.is_nil
    }

    pub fn kind(&self) -> MapKind {
        self.kind
    }

    /// The value at a key, or `None` when the key is absent.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.entries.borrow().get(key.as_ref()).cloned()
    }

    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.entries.borrow().contains_key(key.as_ref())
    }

    pub fn set(&self, key: impl Into<Str>, value: Value) {
        self.entries.borrow_mut().insert(key.into(), value);
    }

    /// Reads the entries in key order. Must not be held while template code runs, which may `set`.
    pub fn borrow(&self) -> Ref<'_, BTreeMap<Str, Value>> {
        self.entries.borrow()
    }

    pub fn borrow_mut(&self) -> RefMut<'_, BTreeMap<Str, Value>> {
        self.entries.borrow_mut()
    }

    /// Whether both are the same Go map, not merely equal ones.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }
}

impl Default for Map {
    fn default() -> Self {
        Self {
            kind: MapKind::Any,
            is_nil: false,
            entries: Rc::default(),
        }
    }
}

impl FromIterator<(Str, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Str, Value)>>(pairs: I) -> Self {
        Self {
            kind: MapKind::Any,
            is_nil: false,
            entries: Rc::new(RefCell::new(pairs.into_iter().collect())),
        }
    }
}

impl fmt::Debug for Map {
    /// Does not descend: a map may contain itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Map({:?}, {} entries)",
            self.kind,
            self.entries.try_borrow().map_or(0, |e| e.len())
        )
    }
}

impl AsRef<[u8]> for Str {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
