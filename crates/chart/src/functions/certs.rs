//! Sprig's functions that make certificates and private keys.

use std::any::Any;
use std::net::IpAddr;
use std::rc::Rc;

use pki::{Certificate, Issuer, PrivateKey, Request, pem};
use template::function::{Error, Param};
use template::value::{Kind, Map, Object};
use template::{Call, Function, Value, fmt};

use super::args::fixed;
use super::host::Host;
use crate::time::{Moment, Zone};

const TYPE_NAME: &str = "sprig.certificate";
const PAIR: Param = Param::Object(TYPE_NAME);

pub(crate) const TABLE: &[Function] = &[
    fixed("genPrivateKey", &[Param::Str], private_key),
    fixed("buildCustomCert", &[Param::Str, Param::Str], custom_cert),
    fixed("genCA", &[Param::Str, Param::Int], |call, args| {
        authority(call, args, Fresh::rsa)
    }),
    fixed(
        "genCAWithKey",
        &[Param::Str, Param::Int, Param::Str],
        |call, args| authority(call, args, |_| Fresh::given(&args[2])),
    ),
    fixed(
        "genSelfSignedCert",
        &[Param::Str, Param::List, Param::List, Param::Int],
        |call, args| self_signed(call, args, Fresh::rsa),
    ),
    fixed(
        "genSelfSignedCertWithKey",
        &[Param::Str, Param::List, Param::List, Param::Int, Param::Str],
        |call, args| self_signed(call, args, |_| Fresh::given(&args[4])),
    ),
    fixed(
        "genSignedCert",
        &[Param::Str, Param::List, Param::List, Param::Int, PAIR],
        |call, args| signed(call, args, Fresh::rsa),
    ),
    fixed(
        "genSignedCertWithKey",
        &[Param::Str, Param::List, Param::List, Param::Int, PAIR, Param::Str],
        |call, args| signed(call, args, |_| Fresh::given(&args[5])),
    ),
];

/// A certificate and its key as PEM, which a template reads as `.Cert` and `.Key`.
#[derive(Debug)]
struct Pair {
    cert: String,
    key: String,
}

/// Where the key of a new certificate comes from.
struct Fresh;

fn private_key(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let kind = text(&args[0]);
    let mut source = Host::of(call)?.random.borrow_mut();
    let mut random = |bytes: &mut [u8]| source.fill(bytes);
    let key = match &*kind {
        "" | "rsa" => PrivateKey::rsa_4096(&mut random),
        "dsa" => PrivateKey::dsa_2048(&mut random),
        "ecdsa" => PrivateKey::p256(&mut random),
        "ed25519" => PrivateKey::ed25519(&mut random),
        _ => return Ok(Value::str(format!("Unknown type {kind}"))),
    };
    Ok(Value::str(key.to_pem()))
}

fn custom_cert(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let decoded = |value: &Value| {
        pem::from_base64(&text(value)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let cert = decoded(&args[0]).ok_or_else(|| Error::new("unable to decode base64 certificate"))?;
    let key = decoded(&args[1]).ok_or_else(|| Error::new("unable to decode base64 private key"))?;
    let block = pem::decode(&cert).ok_or_else(|| Error::new("unable to decode certificate"))?;
    Certificate::from_der(&block.der)
        .map_err(|error| Error::new(format!("error parsing certificate: decodedCert.Bytes: {error}")))?;
    PrivateKey::from_pem(&key).map_err(|error| Error::new(format!("error parsing private key: {error}")))?;
    Ok(Value::Object(Rc::new(Pair { cert, key })))
}

fn authority(
    call: &mut Call<'_>,
    args: &[Value],
    key: impl FnOnce(&mut Call<'_>) -> Result<PrivateKey, Error>,
) -> Result<Value, Error> {
    let key = key(call)?;
    let (from, to) = validity(call, integer(&args[1]))?;
    let request = Request {
        common_name: &text(&args[0]),
        ips: &[],
        dns_names: &[],
        not_before: &from,
        not_after: &to,
        serial: serial(call)?,
        is_authority: true,
    };
    issue(&request, &key, Issuer::Subject)
}

fn self_signed(
    call: &mut Call<'_>,
    args: &[Value],
    key: impl FnOnce(&mut Call<'_>) -> Result<PrivateKey, Error>,
) -> Result<Value, Error> {
    let key = key(call)?;
    leaf(call, args, &key, Issuer::Subject)
}

fn signed(
    call: &mut Call<'_>,
    args: &[Value],
    key: impl FnOnce(&mut Call<'_>) -> Result<PrivateKey, Error>,
) -> Result<Value, Error> {
    let key = key(call)?;
    let pair = match &args[4] {
        Value::Object(object) => object.as_any().downcast_ref::<Pair>(),
        _ => None,
    };
    let pair = pair.ok_or_else(|| Error::new(format!("wrong type for value; expected {TYPE_NAME}")))?;
    let block = pem::decode(&pair.cert).ok_or_else(|| Error::new("unable to decode certificate"))?;
    let issuer = Certificate::from_der(&block.der).map_err(|error| {
        Error::new(format!(
            "error parsing certificate: decodedSignerCert.Bytes: {error}"
        ))
    })?;
    let issuer_key = PrivateKey::from_pem(&pair.key)
        .map_err(|error| Error::new(format!("error parsing private key: {error}")))?;
    leaf(call, args, &key, Issuer::Authority(&issuer, &issuer_key))
}

/// Makes a certificate for names and addresses: the arguments of `genSelfSignedCert` and `genSignedCert`.
fn leaf(call: &Call<'_>, args: &[Value], key: &PrivateKey, issuer: Issuer<'_>) -> Result<Value, Error> {
    let ips = addresses(&args[1])?;
    let dns_names = names(&args[2])?;
    let (from, to) = validity(call, integer(&args[3]))?;
    let request = Request {
        common_name: &text(&args[0]),
        ips: &ips,
        dns_names: &dns_names,
        not_before: &from,
        not_after: &to,
        serial: serial(call)?,
        is_authority: false,
    };
    issue(&request, key, issuer)
}

fn issue(request: &Request<'_>, key: &PrivateKey, issuer: Issuer<'_>) -> Result<Value, Error> {
    let cert = Certificate::new(request, key, issuer)
        .map_err(|error| Error::new(format!("error creating certificate: {error}")))?;
    Ok(Value::Object(Rc::new(Pair {
        cert: cert.to_pem(),
        key: key.to_pem(),
    })))
}

/// The first and the last moment of so many days, as certificates write them. The days are counted in
/// nanoseconds, which overflow after 292 years, as they do in Go.
fn validity(call: &Call<'_>, days: i64) -> Result<(String, String), Error> {
    let now = Moment::now(Host::of(call)?.now_ns).in_zone(Zone::Utc);
    let end = now.add_nanos(days.wrapping_mul(24 * 3600 * 1_000_000_000));
    let shown = |moment: &Moment| String::from_utf8_lossy(&moment.format(b"20060102150405Z")).into_owned();
    Ok((shown(&now), shown(&end)))
}

fn serial(call: &Call<'_>) -> Result<[u8; 16], Error> {
    let mut serial = [0; 16];
    Host::of(call)?.random.borrow_mut().fill(&mut serial);
    Ok(serial)
}

fn addresses(list: &Value) -> Result<Vec<IpAddr>, Error> {
    let parse = |item: &Value| match item {
        Value::Str(ip) => {
            let ip = ip.to_text();
            ip.parse()
                .map_err(|_| Error::new(format!("error parsing ip: {ip}")))
        }
        other => Err(Error::new(format!(
            "error parsing ip: {} is not a string",
            printed(other)
        ))),
    };
    items(list).iter().map(parse).collect()
}

fn names(list: &Value) -> Result<Vec<String>, Error> {
    let parse = |item: &Value| match item {
        Value::Str(name) => Ok(name.to_text().into_owned()),
        other => {
            let other = printed(other);
            Err(Error::new(format!(
                "error processing alternate dns name: {other} is not a string"
            )))
        }
    };
    items(list).iter().map(parse).collect()
}

fn printed(value: &Value) -> String {
    match fmt::value_to_string(value) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => value.type_name().into_owned(),
    }
}

fn items(list: &Value) -> &[Value] {
    match list {
        Value::List(list) => list,
        _ => &[],
    }
}

fn integer(value: &Value) -> i64 {
    match value {
        Value::Int(number, _) => *number,
        _ => 0,
    }
}

fn text(value: &Value) -> std::borrow::Cow<'_, str> {
    match value {
        Value::Str(text) => text.to_text(),
        _ => "".into(),
    }
}

impl Fresh {
    /// A new RSA key.
    fn rsa(call: &mut Call<'_>) -> Result<PrivateKey, Error> {
        let mut source = Host::of(call)?.random.borrow_mut();
        Ok(PrivateKey::rsa_2048(&mut |bytes| source.fill(bytes)))
    }

    /// The key that the template brought.
    fn given(pem: &Value) -> Result<PrivateKey, Error> {
        PrivateKey::from_pem(&text(pem)).map_err(|error| Error::new(format!("parsing private key: {error}")))
    }
}

impl Object for Pair {
    fn type_name(&self) -> &str {
        TYPE_NAME
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(Value::str(&self.cert)),
            "Key" => Some(Value::str(&self.key)),
            _ => None,
        }
    }

    fn has_method(&self, _: &str) -> bool {
        false
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, Error> {
        Err(Error::new(format!("{TYPE_NAME} has no method {name}")))
    }

    fn display(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{{{} {}}}", self.cert, self.key).as_bytes());
    }

    fn plain(&self) -> Value {
        let fields = [("Cert", &self.cert), ("Key", &self.key)];
        Value::Map(
            fields
                .into_iter()
                .map(|(name, text)| (name.into(), Value::str(text)))
                .collect::<Map>(),
        )
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::called::{call, text};
    use super::*;

    fn check_error(name: &str, args: &[Value], expected: &str) {
        assert_eq!(text(name, args), format!("error: {expected}"), "{name}");
    }

    fn field(value: &Value, name: &str) -> Value {
        let Value::Object(object) = value else {
            panic!("{value:?} is no object")
        };
        object.field(name).unwrap()
    }

    fn lines(value: &Value) -> (String, usize) {
        let Value::Str(text) = value else {
            panic!("{value:?} is no text")
        };
        let text = text.to_text();
        (text.lines().next().unwrap().to_owned(), text.lines().count())
    }

    const CERT: &str = "-----BEGIN CERTIFICATE-----";

    #[test]
    fn certificates_are_as_long_as_sprigs() {
        let ca = call("genCA", &[Value::str("my-ca"), Value::int(365)]).unwrap();
        assert_eq!(lines(&field(&ca, "Cert")), (CERT.to_owned(), 19));
        assert_eq!(
            lines(&field(&ca, "Key")),
            ("-----BEGIN RSA PRIVATE KEY-----".to_owned(), 27)
        );
        let names = Value::list(vec![Value::str("a.b"), Value::str("*.c.d")]);
        let ips = Value::list(vec![Value::str("10.0.0.1"), Value::str("::1")]);
        let args = [Value::str("*.x.io"), ips, names, Value::int(100), ca];
        let signed = call("genSignedCert", &args).unwrap();
        assert_eq!(lines(&field(&signed, "Cert")), (CERT.to_owned(), 20));
        let empty = || Value::list(Vec::new());
        let own = call(
            "genSelfSignedCert",
            &[Value::str("x"), empty(), empty(), Value::int(20_000)],
        )
        .unwrap();
        assert_eq!(lines(&field(&own, "Cert")), (CERT.to_owned(), 18));
    }

    #[test]
    fn given_keys_are_used_and_returned() {
        for (kind, header, count) in [("ecdsa", "EC PRIVATE KEY", 5), ("ed25519", "PRIVATE KEY", 3)] {
            let key = call("genPrivateKey", &[Value::str(kind)]).unwrap();
            assert_eq!(lines(&key), (format!("-----BEGIN {header}-----"), count));
            let ca = call("genCAWithKey", &[Value::str("x"), Value::int(1), key.clone()]).unwrap();
            assert_eq!(lines(&field(&ca, "Key")), lines(&key));
        }
        assert_eq!(text("genPrivateKey", &[Value::str("foo")]), "Unknown type foo");
    }

    #[test]
    fn an_authority_must_own_its_certificate() {
        let args = |name| [Value::str(name), Value::int(1)];
        let (first, second) = (
            call("genCA", &args("a")).unwrap(),
            call("genCA", &args("b")).unwrap(),
        );
        let key = call("genPrivateKey", &[Value::str("ecdsa")]).unwrap();
        let base64 = |value: &Value| {
            let Value::Str(text) = value else {
                panic!("{value:?} is no text")
            };
            Value::str(pem::base64(text.as_bytes()))
        };
        let mixed = call("buildCustomCert", &[base64(&field(&first, "Cert")), base64(&key)]).unwrap();
        assert_eq!(lines(&field(&mixed, "Key")).1, 5);
        let list = || Value::list(Vec::new());
        check_error(
            "genSignedCertWithKey",
            &[Value::str("z"), list(), list(), Value::int(5), mixed, key.clone()],
            "error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey",
        );
        let args = [Value::str("z"), list(), list(), Value::int(5), second, key];
        assert!(call("genSignedCertWithKey", &args).is_ok());
    }

    #[test]
    fn bad_arguments_are_refused_in_sprigs_words() {
        let key = call("genPrivateKey", &[Value::str("ed25519")]).unwrap();
        let make = |ip: Value, name: Value| {
            let lists = [ip, name].map(|item| Value::list(vec![item]));
            let [ips, names] = lists;
            [Value::str("x"), ips, names, Value::int(1), key.clone()]
        };
        let name = "genSelfSignedCertWithKey";
        let good = || Value::str("1.2.3.4");
        check_error(
            name,
            &make(Value::int(1), good()),
            "error parsing ip: 1 is not a string",
        );
        let table: Map = [("a".into(), Value::int(1))].into_iter().collect();
        check_error(
            name,
            &make(Value::Map(table), good()),
            "error parsing ip: map[a:1] is not a string",
        );
        check_error(
            name,
            &make(Value::str("1.2.3"), good()),
            "error parsing ip: 1.2.3",
        );
        check_error(
            name,
            &make(good(), Value::int(1)),
            "error processing alternate dns name: 1 is not a string",
        );
        check_error(
            name,
            &make(good(), Value::str("é")),
            "error creating certificate: x509: \"é\" cannot be encoded as an IA5String",
        );
        let with_key = |key: &str| [Value::str("x"), Value::int(1), Value::str(key)];
        check_error(
            "genCAWithKey",
            &with_key("foo"),
            "parsing private key: no PEM data in input",
        );
        check_error(
            "genCAWithKey",
            &with_key("-----BEGIN X-----\nZm9v\n-----END X-----\n"),
            "parsing private key: no private key data in PEM block of type X",
        );
        let custom = |cert: &str, key: &str| [Value::str(cert), Value::str(key)];
        check_error(
            "buildCustomCert",
            &custom("!", "x"),
            "unable to decode base64 certificate",
        );
        check_error(
            "buildCustomCert",
            &custom("Zm9v", "!"),
            "unable to decode base64 private key",
        );
        check_error(
            "buildCustomCert",
            &custom("Zm9v", "Zm9v"),
            "unable to decode certificate",
        );
    }
}
