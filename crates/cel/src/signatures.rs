//! Which functions there are, for which types: the standard ones and Kubernetes' libraries.
//!
//! One line each: `name receiver.(arguments) result`; `A` and `B` stand for any type.

use std::sync::{Arc, OnceLock};

use crate::types::{Order, Type};

const TABLE: &str = "\
!_ (bool) bool
-_ (int) int
-_ (double) double
_+_ (int,int) int
_+_ (uint,uint) uint
_+_ (double,double) double
_+_ (string,string) string
_+_ (bytes,bytes) bytes
_+_ (list<A>,list<A>) list<A>
_+_ (duration,duration) duration
_+_ (timestamp,duration) timestamp
_+_ (duration,timestamp) timestamp
_-_ (int,int) int
_-_ (uint,uint) uint
_-_ (double,double) double
_-_ (duration,duration) duration
_-_ (timestamp,duration) timestamp
_-_ (timestamp,timestamp) duration
_*_ (int,int) int
_*_ (uint,uint) uint
_*_ (double,double) double
_/_ (int,int) int
_/_ (uint,uint) uint
_/_ (double,double) double
_%_ (int,int) int
_%_ (uint,uint) uint
_==_ (A,A) bool
_!=_ (A,A) bool
@in (A,list<A>) bool
@in (A,map<A,B>) bool
size (string) int
size (bytes) int
size (list<A>) int
size (map<A,B>) int
size string.() int
size bytes.() int
size list<A>.() int
size map<A,B>.() int
type (A) type
dyn (A) dyn
bool (string) bool
bool (bool) bool
int (int) int
int (uint) int
int (double) int
int (string) int
int (timestamp) int
uint (uint) uint
uint (int) uint
uint (double) uint
uint (string) uint
double (double) double
double (int) double
double (uint) double
double (string) double
string (string) string
string (int) string
string (uint) string
string (double) string
string (bool) string
string (bytes) string
string (timestamp) string
string (duration) string
string (url) string
string (ip) string
string (cidr) string
bytes (string) bytes
bytes (bytes) bytes
duration (string) duration
duration (duration) duration
timestamp (string) timestamp
timestamp (int) timestamp
timestamp (timestamp) timestamp
matches (string,string) bool
matches string.(string) bool
contains string.(string) bool
startsWith string.(string) bool
endsWith string.(string) bool
charAt string.(int) string
indexOf string.(string) int
indexOf string.(string,int) int
lastIndexOf string.(string) int
lastIndexOf string.(string,int) int
lowerAscii string.() string
upperAscii string.() string
replace string.(string,string) string
replace string.(string,string,int) string
split string.(string) list<string>
split string.(string,int) list<string>
substring string.(int) string
substring string.(int,int) string
trim string.() string
join list<string>.() string
join list<string>.(string) string
format string.(list<dyn>) string
strings.quote (string) string
find string.(string) string
findAll string.(string) list<string>
findAll string.(string,int) list<string>
isSorted list<A>.() bool
sum list<A>.() A
min list<A>.() A
max list<A>.() A
indexOf list<A>.(A) int
lastIndexOf list<A>.(A) int
sets.contains (list<A>,list<A>) bool
sets.equivalent (list<A>,list<A>) bool
sets.intersects (list<A>,list<A>) bool
getFullYear timestamp.() int
getFullYear timestamp.(string) int
getMonth timestamp.() int
getMonth timestamp.(string) int
getDate timestamp.() int
getDate timestamp.(string) int
getDayOfMonth timestamp.() int
getDayOfMonth timestamp.(string) int
getDayOfWeek timestamp.() int
getDayOfWeek timestamp.(string) int
getDayOfYear timestamp.() int
getDayOfYear timestamp.(string) int
getHours timestamp.() int
getHours timestamp.(string) int
getHours duration.() int
getMinutes timestamp.() int
getMinutes timestamp.(string) int
getMinutes duration.() int
getSeconds timestamp.() int
getSeconds timestamp.(string) int
getSeconds duration.() int
getMilliseconds timestamp.() int
getMilliseconds timestamp.(string) int
getMilliseconds duration.() int
optional.of (A) optional<A>
optional.ofNonZeroValue (A) optional<A>
optional.none () optional<A>
hasValue optional<A>.() bool
value optional<A>.() A
or optional<A>.(optional<A>) optional<A>
orValue optional<A>.(A) A
url (string) url
isURL (string) bool
getScheme url.() string
getHost url.() string
getHostname url.() string
getPort url.() string
getEscapedPath url.() string
getQuery url.() map<string,list<string>>
quantity (string) quantity
isQuantity (string) bool
isInteger quantity.() bool
asInteger quantity.() int
asApproximateFloat quantity.() double
sign quantity.() int
add quantity.(quantity) quantity
add quantity.(int) quantity
sub quantity.(quantity) quantity
sub quantity.(int) quantity
isLessThan quantity.(quantity) bool
isGreaterThan quantity.(quantity) bool
compareTo quantity.(quantity) int
ip (string) ip
isIP (string) bool
ip.isCanonical (string) bool
family ip.() int
isUnspecified ip.() bool
isLoopback ip.() bool
isLinkLocalMulticast ip.() bool
isLinkLocalUnicast ip.() bool
isGlobalUnicast ip.() bool
cidr (string) cidr
isCIDR (string) bool
containsIP cidr.(ip) bool
containsIP cidr.(string) bool
containsCIDR cidr.(cidr) bool
containsCIDR cidr.(string) bool
ip cidr.() ip
masked cidr.() cidr
prefixLength cidr.() int
semver (string) semver
semver (string,bool) semver
isSemver (string) bool
isSemver (string,bool) bool
major semver.() int
minor semver.() int
patch semver.() int
isLessThan semver.(semver) bool
isGreaterThan semver.(semver) bool
compareTo semver.(semver) int
format.named (string) optional<format>
format.dns1123Label () format
format.dns1123Subdomain () format
format.dns1035Label () format
format.qualifiedName () format
format.dns1123LabelPrefix () format
format.dns1123SubdomainPrefix () format
format.dns1035LabelPrefix () format
format.labelValue () format
format.uri () format
format.uuid () format
format.byte () format
format.date () format
format.datetime () format
validate format.(string) optional<list<string>>
path authorizer.(string) path
group authorizer.(string) groupcheck
serviceAccount authorizer.(string,string) authorizer
resource groupcheck.(string) resourcecheck
subresource resourcecheck.(string) resourcecheck
namespace resourcecheck.(string) resourcecheck
name resourcecheck.(string) resourcecheck
fieldSelector resourcecheck.(string) resourcecheck
labelSelector resourcecheck.(string) resourcecheck
check path.(string) decision
check resourcecheck.(string) decision
allowed decision.() bool
reason decision.() string
errored decision.() bool
error decision.() string
";

/// Types that have an order, and those of numbers, which have one among each other.
const NUMBERS: [Type; 3] = [Type::Int, Type::Uint, Type::Double];
const ORDERED: [Type; 5] = [
    Type::Bool,
    Type::String,
    Type::Bytes,
    Type::Timestamp,
    Type::Duration,
];

#[derive(Debug)]
pub(crate) struct Signature {
    pub name: &'static str,
    pub receiver: Option<Type>,
    pub args: Vec<Type>,
    pub result: Type,
}

/// All functions, sorted by name.
pub(crate) fn signatures() -> &'static [Signature] {
    static ALL: OnceLock<Vec<Signature>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<Signature> = TABLE.lines().filter_map(signature).collect();
        for name in ["_<_", "_<=_", "_>_", "_>=_"] {
            let mut add = |a: &Type, b: &Type| {
                all.push(Signature {
                    name,
                    receiver: None,
                    args: vec![a.clone(), b.clone()],
                    result: Type::Bool,
                });
            };
            ORDERED.iter().for_each(|ty| add(ty, ty));
            for a in &NUMBERS {
                NUMBERS.iter().for_each(|b| add(a, b));
            }
        }
        all.sort_by_key(|one| one.name);
        all
    })
}

pub(crate) fn of_name(name: &str) -> &'static [Signature] {
    let all = signatures();
    let from = all.partition_point(|one| one.name < name);
    let to = all.partition_point(|one| one.name <= name);
    &all[from..to]
}

/// Words before a dot that are no variables: `optional.of`.
pub(crate) const SPACES: &[&str] = &["format", "ip", "optional", "sets", "strings"];

fn signature(line: &'static str) -> Option<Signature> {
    let mut words = line.splitn(3, ' ');
    let (name, shape, result) = (words.next()?, words.next()?, words.next()?);
    let (receiver, args) = match shape.split_once(".(") {
        Some((receiver, args)) => (Some(named(receiver)), args),
        None => (None, shape.strip_prefix('(')?),
    };
    let args = args.strip_suffix(')')?;
    Some(Signature {
        name,
        receiver,
        args: split(args).into_iter().map(named).collect(),
        result: named(result),
    })
}

/// The parts between commas that stand in no angle brackets.
fn split(text: &'static str) -> Vec<&'static str> {
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    if from < text.len() {
        parts.push(&text[from..]);
    }
    parts
}

fn named(text: &'static str) -> Type {
    if let Some((outer, inner)) = text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        let inner: Vec<Type> = split(inner).into_iter().map(named).collect();
        let part = |at: usize| Arc::new(inner.get(at).cloned().unwrap_or(Type::Dyn));
        return match outer {
            "list" => Type::List(part(0), Order::Matters),
            "map" => Type::Map(part(0), part(1)),
            _ => Type::Optional(part(0)),
        };
    }
    match text {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "type" => Type::Type,
        "A" => Type::Param(0),
        "B" => Type::Param(1),
        "url" => Type::Opaque("kubernetes.URL"),
        "quantity" => Type::Opaque("kubernetes.Quantity"),
        "ip" => Type::Opaque("net.IP"),
        "cidr" => Type::Opaque("net.CIDR"),
        "semver" => Type::Opaque("kubernetes.Semver"),
        "format" => Type::Opaque("kubernetes.NamedFormat"),
        "authorizer" => Type::Opaque("kubernetes.authorization.Authorizer"),
        "path" => Type::Opaque("kubernetes.authorization.PathCheck"),
        "groupcheck" => Type::Opaque("kubernetes.authorization.GroupCheck"),
        "resourcecheck" => Type::Opaque("kubernetes.authorization.ResourceCheck"),
        "decision" => Type::Opaque("kubernetes.authorization.Decision"),
        _ => Type::Dyn,
    }
}
