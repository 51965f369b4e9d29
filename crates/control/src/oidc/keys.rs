//! The keys of an issuer (RFC 7517), and whether a signature is by one of them. Pure.
//!
//! A key is for one algorithm: what a token says of itself chooses among keys, and never how one is used.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

use super::jws::Algorithm;
use super::refused::Refused;

/// Issuers have two or three keys, large ones a dozen.
const MANY: usize = 64;

/// Bytes of a coordinate on P-256.
const COORDINATE: usize = 32;

/// How a point begins that is written with both its coordinates.
const BOTH: u8 = 4;

/// Keys by name and algorithm.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<(String, Algorithm), Key>);

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
}

#[derive(Deserialize)]
struct Written {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct One {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a key set. Keys that are for something else are passed over; of two with one name, the first counts.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let written: Written = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if written.keys.len() > MANY {
            return Err(format!("more than {MANY} are listed"));
        }
        let mut keys = BTreeMap::new();
        for key in written.keys {
            let one = serde_json::from_value::<One>(key).ok();
            if let Some((name, algorithm, key)) = one.and_then(One::key) {
                keys.entry((name, algorithm)).or_insert(key);
            }
        }
        Ok(Self(keys))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, name: &str, algorithm: Algorithm) -> Option<&Key> {
        self.0.get(&(name.to_owned(), algorithm))
    }
}

impl One {
    fn key(self) -> Option<(String, Algorithm, Key)> {
        let decode = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        let (algorithm, name, key) = match self.kty.as_str() {
            "RSA" => {
                let (n, e) = (number(&decode(self.n)?)?, number(&decode(self.e)?)?);
                (Algorithm::Rs256, "RS256", Key::Rsa { n, e })
            }
            "EC" if self.crv.as_deref() == Some("P-256") => {
                let (x, y) = (decode(self.x)?, decode(self.y)?);
                if x.len() != COORDINATE || y.len() != COORDINATE {
                    return None;
                }
                let point = [&[BOTH][..], &x, &y].concat();
                (Algorithm::Es256, "ES256", Key::P256(point))
            }
            _ => return None,
        };
        let is_for_this = self.alg.is_none_or(|alg| alg == name);
        let signs = self.purpose.is_none_or(|purpose| purpose == "sig");
        (is_for_this && signs).then_some((self.kid?, algorithm, key))
    }
}

impl Key {
    pub(super) fn verify(&self, signed: &str, signature: &[u8]) -> Result<(), Refused> {
        let signed = signed.as_bytes();
        let verified = match self {
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            }
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
            }
        };
        verified.map_err(|_| Refused::Signature)
    }
}

/// A number without the zeros before it, which some write and ring takes for another number.
fn number(bytes: &[u8]) -> Option<Vec<u8>> {
    let start = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[start..].to_vec())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // The examples of RFC 7515, appendices A.2 and A.3.
    const PAYLOAD: &str =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-\
         pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665\
         xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUA\
         r7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12\
         jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe\
         77Rw";
    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    const EC_SIGNATURE: &str =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn read(keys: &Value) -> Keys {
        Keys::read(json!({"keys": keys}).to_string().as_bytes()).unwrap()
    }

    fn rsa() -> Value {
        json!({"kty": "RSA", "kid": "r", "n": N, "e": "AQAB"})
    }

    fn ec() -> Value {
        json!({"kty": "EC", "kid": "e", "crv": "P-256", "x": X, "y": Y})
    }

    #[test]
    fn signatures_of_the_standard_are_found_true_and_no_others() {
        let keys = read(&json!([rsa(), ec()]));
        let cases = [
            ("r", Algorithm::Rs256, "eyJhbGciOiJSUzI1NiJ9", RSA_SIGNATURE),
            ("e", Algorithm::Es256, "eyJhbGciOiJFUzI1NiJ9", EC_SIGNATURE),
        ];
        for (name, algorithm, header, signature) in cases {
            let key = keys.get(name, algorithm).unwrap();
            let signed = format!("{header}.{PAYLOAD}");
            let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert_eq!(key.verify(&signed, &signature), Ok(()), "{name}");
            let tampered = signed.replace("Jqb2Ui", "JqaW0i");
            assert_ne!(tampered, signed);
            assert_eq!(key.verify(&tampered, &signature), Err(Refused::Signature));
            assert_eq!(key.verify(&signed, b""), Err(Refused::Signature));
            signature[0] ^= 1;
            assert_eq!(key.verify(&signed, &signature), Err(Refused::Signature));
        }
        // Zero for both numbers was once true for everything, in somebody's library.
        let key = keys.get("e", Algorithm::Es256).unwrap();
        assert_eq!(key.verify("a.b", &[0; 64]), Err(Refused::Signature));
    }

    #[test]
    fn a_key_is_for_one_algorithm_and_one_purpose() {
        let with = |mut key: Value, field: &str, value: Value| {
            key[field] = value;
            key
        };
        let cases = [
            (rsa(), true),
            (ec(), true),
            (with(rsa(), "alg", json!("RS256")), true),
            (with(rsa(), "use", json!("sig")), true),
            (with(rsa(), "use", json!("enc")), false),
            (with(rsa(), "alg", json!("PS256")), false),
            (with(ec(), "crv", json!("P-384")), false),
            (with(ec(), "x", json!("AAAA")), false),
            (with(ec(), "kid", Value::Null), false),
            (with(rsa(), "n", json!("AAAA")), false),
            (json!({"kty": "oct", "kid": "s", "k": "AAAA"}), false),
            (json!("a key"), false),
        ];
        for (key, counts) in cases {
            assert_eq!(!read(&json!([key])).is_empty(), counts, "{key}");
        }
        let keys = read(&json!([rsa(), ec()]));
        assert!(keys.get("r", Algorithm::Es256).is_none() && keys.get("e", Algorithm::Rs256).is_none());
        let many = json!({"keys": vec![rsa(); MANY + 1]}).to_string();
        for wrong in ["", "[]", "{}", r#"{"keys": {}}"#, many.as_str()] {
            assert!(Keys::read(wrong.as_bytes()).is_err(), "{wrong:.40}");
        }
    }

    #[test]
    fn short_rsa_keys_and_points_off_the_curve_vouch_for_nothing() {
        let short = json!({"kty": "RSA", "kid": "r", "n": &N[..172], "e": "AQAB"});
        let off = json!({"kty": "EC", "kid": "e", "crv": "P-256", "x": Y, "y": X});
        let keys = read(&json!([short, off]));
        for (name, algorithm, length) in [("r", Algorithm::Rs256, 129), ("e", Algorithm::Es256, 64)] {
            let key = keys.get(name, algorithm).unwrap();
            assert_eq!(key.verify("a.b", &vec![1; length]), Err(Refused::Signature));
        }
    }
}
