//! Sprig's functions of passwords and of AES: `bcrypt`, `htpasswd`, `derivePassword`, `encryptAES`, `decryptAES`.

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use blowfish::Blowfish;
use hmac::{Hmac, Mac};
use pki::pem;
use sha2::Sha256;
use template::function::{Error, Param};
use template::{Call, Function, Value};

use super::args::fixed;
use super::host::Host;

pub(crate) const TABLE: &[Function] = &[
    fixed("bcrypt", &[Param::Str], |call, args| {
        Ok(Value::str(hashed(call, &args[0])?))
    }),
    fixed("htpasswd", &[Param::Str, Param::Str], htpasswd),
    fixed(
        "derivePassword",
        &[Param::Int, Param::Str, Param::Str, Param::Str, Param::Str],
        derive_password,
    ),
    fixed("encryptAES", &[Param::Str, Param::Str], encrypt),
    fixed("decryptAES", &[Param::Str, Param::Str], decrypt),
];

/// Go's default: 2¹⁰ rounds.
const BCRYPT_COST: u32 = 10;
const BCRYPT_LONGEST: usize = 72;

/// bcrypt's own base64.
const BCRYPT_ALPHABET: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What `derivePassword` mixes into every key, as the Master Password algorithm has it.
const SCOPE: &[u8] = b"com.lyndir.masterpassword";

/// The shapes of a password, by type: each letter names a class of [`letters_of`].
const SHAPES: &[(&str, &[&str])] = &[
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

const BLOCK: usize = 16;

fn htpasswd(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let user = String::from_utf8_lossy(bytes(&args[0]));
    if user.contains(':') {
        return Ok(Value::str(format!("invalid username: {user}")));
    }
    Ok(Value::str(format!("{user}:{}", hashed(call, &args[1])?)))
}

/// The bcrypt hash of a password, or Sprig's complaint about it, which is no error there.
fn hashed(call: &Call<'_>, password: &Value) -> Result<String, Error> {
    let password = bytes(password);
    if password.len() > BCRYPT_LONGEST {
        return Ok(
            "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned(),
        );
    }
    let mut salt = [0; 16];
    Host::of(call)?.random.borrow_mut().fill(&mut salt);
    let hash = bcrypt(password, salt);
    let mut text = format!("$2a${BCRYPT_COST:02}$");
    push_bcrypt_base64(&mut text, &salt);
    // The last byte of the hash was never printed.
    push_bcrypt_base64(&mut text, &hash[..23]);
    Ok(text)
}

fn bcrypt(password: &[u8], salt: [u8; 16]) -> [u8; 24] {
    let key = [password, &[0]].concat();
    let mut state: Blowfish = Blowfish::bc_init_state();
    state.salted_expand_key(&salt, &key);
    for _ in 0..1 << BCRYPT_COST {
        state.bc_expand_key(&key);
        state.bc_expand_key(&salt);
    }
    let mut hash = [0; 24];
    for (part, plain) in hash
        .as_chunks_mut::<8>()
        .0
        .iter_mut()
        .zip(b"OrpheanBeholderScryDoubt".as_chunks::<8>().0)
    {
        let [a, b, c, d, e, f, g, h] = *plain;
        let mut words = [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])];
        for _ in 0..64 {
            words = state.bc_encrypt(words);
        }
        part[..4].copy_from_slice(&words[0].to_be_bytes());
        part[4..].copy_from_slice(&words[1].to_be_bytes());
    }
    hash
}

fn push_bcrypt_base64(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            let sextet = (word >> (18 - 6 * index)) & 63;
            text.push(char::from(BCRYPT_ALPHABET[sextet as usize]));
        }
    }
}

fn derive_password(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let kind = String::from_utf8_lossy(bytes(&args[1]));
    let Some((_, shapes)) = SHAPES.iter().find(|(name, _)| *name == kind) else {
        return Ok(Value::str(format!("cannot find password template {kind}")));
    };
    let counter = match &args[0] {
        Value::Int(counter, _) => u32::try_from(*counter).unwrap_or(0),
        _ => 0,
    };
    let (password, user, site) = (bytes(&args[2]), bytes(&args[3]), bytes(&args[4]));
    let failed = |_| Error::new("failed to derive password");
    let salt = [SCOPE, &length(user), user].concat();
    let params = scrypt::Params::new(15, 8, 2).map_err(|_| Error::new("failed to derive password"))?;
    let mut key = [0; 64];
    scrypt::scrypt(password, &salt, &params, &mut key)
        .map_err(|_| Error::new("failed to derive password"))?;
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&key).map_err(failed)?;
    for part in [SCOPE, &length(site), site, &counter.to_be_bytes()] {
        mac.update(part);
    }
    let seed = mac.finalize().into_bytes();
    let shape = shapes[usize::from(seed[0]) % shapes.len()];
    let letters = shape.bytes().zip(&seed[1..]).map(|(class, choice)| {
        let letters = letters_of(class);
        letters[usize::from(*choice) % letters.len()]
    });
    Ok(Value::Str(letters.collect::<Vec<u8>>().into()))
}

/// The letters a class of a password's shape stands for.
fn letters_of(class: u8) -> &'static [u8] {
    match class {
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// A length as the Master Password algorithm writes it.
fn length(text: &[u8]) -> [u8; 4] {
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// AES-256 in CBC mode with PKCS#7 padding; the random start comes first.
fn encrypt(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let plain = bytes(&args[1]);
    if plain.is_empty() {
        return Ok(Value::str(""));
    }
    let cipher = cipher(bytes(&args[0]));
    let padding = BLOCK - plain.len() % BLOCK;
    let mut padded = plain.to_vec();
    padded.resize(plain.len() + padding, u8::try_from(padding).unwrap_or(0));
    let mut previous = [0; BLOCK];
    Host::of(call)?.random.borrow_mut().fill(&mut previous);
    let mut out = previous.to_vec();
    for chunk in padded.as_chunks::<BLOCK>().0 {
        let mut block = *chunk;
        for (byte, other) in block.iter_mut().zip(previous) {
            *byte ^= other;
        }
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        previous = block.into();
        out.extend_from_slice(&previous);
    }
    Ok(Value::str(pem::base64(&out)))
}

/// Undoes [`encrypt`]. Input that is none fails as it does in Go, where most of it is a panic.
fn decrypt(_: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let encoded = bytes(&args[1]);
    if encoded.is_empty() {
        return Ok(Value::str(""));
    }
    let input = pem::from_base64(&String::from_utf8_lossy(encoded)).ok_or_else(|| {
        let wrong = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte));
        let position = encoded.iter().position(wrong).unwrap_or(encoded.len());
        Error::new(format!("illegal base64 data at input byte {position}"))
    })?;
    let Some((start, input)) = input.split_first_chunk::<BLOCK>() else {
        let length = input.len();
        return Err(Error::new(format!(
            "runtime error: slice bounds out of range [:{BLOCK}] with capacity {length}"
        )));
    };
    let (blocks, rest) = input.as_chunks::<BLOCK>();
    if !rest.is_empty() {
        return Err(Error::new("crypto/cipher: input not full blocks"));
    }
    let cipher = cipher(bytes(&args[0]));
    let mut plain = Vec::with_capacity(input.len());
    let mut previous = start;
    for chunk in blocks {
        let mut block = (*chunk).into();
        cipher.decrypt_block(&mut block);
        plain.extend(block.iter().zip(previous).map(|(byte, other)| byte ^ other));
        previous = chunk;
    }
    let Some(padding) = plain.last().map(|last| usize::from(*last)) else {
        return Err(Error::new("runtime error: index out of range [-1]"));
    };
    let Some(length) = plain.len().checked_sub(padding) else {
        let under = padding - plain.len();
        return Err(Error::new(format!(
            "runtime error: slice bounds out of range [:-{under}]"
        )));
    };
    plain.truncate(length);
    Ok(Value::Str(plain.into()))
}

/// The cipher of a password, cut or filled with zeros to 32 bytes.
fn cipher(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    let used = password.len().min(key.len());
    key[..used].copy_from_slice(&password[..used]);
    Aes256::new(&key.into())
}

fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Str(text) => text.as_bytes(),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::called::text;
    use super::*;

    fn check(name: &str, args: &[&str], expected: &str) {
        let args: Vec<_> = args.iter().map(Value::str).collect();
        assert_eq!(text(name, &args), expected, "{name}");
    }

    #[test]
    fn derived_passwords_are_sprigs() {
        for (counter, kind, expected) in [
            (1, "long", "ZedaFaxcZaso9*"),
            (1, "maximum", "pf4zS1LjCg&LjhsZ7T2~"),
            (2, "medium", "Fov2-Jal"),
            (1, "short", "Zed5"),
            (1, "basic", "pIS54PLs"),
            (1, "pin", "6685"),
            (1, "x", "cannot find password template x"),
        ] {
            let rest = [kind, "password", "user", "example.com"].map(Value::str);
            let args = [&[Value::int(counter)], rest.as_slice()].concat();
            assert_eq!(text("derivePassword", &args), expected, "{kind}");
        }
    }

    #[test]
    fn bcrypt_is_everybodys() {
        let salts = [
            0x90c5_ba59_21a3_4cf7_81b0_6732_c929_1844_u128,
            0x3cb5_71c4_dd65_b1c7_af0c_5733_001f_c55a,
        ];
        let hashes = [
            "UrtIdMD0YihXVCjlwNJB4VYsBxByxba",
            "Rctm3hW2cqJBapjfW7JzHa58MvD3Boy",
        ];
        for ((password, salt), hash) in [&b"secret"[..], b""].into_iter().zip(salts).zip(hashes) {
            let mut printed = String::new();
            push_bcrypt_base64(&mut printed, &bcrypt(password, salt.to_be_bytes())[..23]);
            assert_eq!(printed, hash);
        }
        let hash = text("bcrypt", &[Value::str("x")]);
        assert!(hash.starts_with("$2a$10$") && hash.len() == 60, "{hash}");
        let line = text("htpasswd", &[Value::str("a"), Value::str("b")]);
        assert!(line.starts_with("a:$2a$10$") && line.len() == 62, "{line}");
        check("htpasswd", &["a:b", "c"], "invalid username: a:b");
        let long = "x".repeat(73);
        check(
            "bcrypt",
            &[&long],
            "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes",
        );
    }

    #[test]
    fn aes_undoes_itself_and_reads_what_sprig_wrote() {
        for plain in ["v", "exactly 16 bytes", "longer than a block of the cipher"] {
            let secret = text("encryptAES", &[Value::str("k"), Value::str(plain)]);
            check("decryptAES", &["k", &secret], plain);
        }
        let written = "30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ=";
        check("decryptAES", &["secretkey", written], "plaintext");
        check("encryptAES", &["k", ""], "");
        check("decryptAES", &["k", ""], "");
        check(
            "decryptAES",
            &["other", written],
            "error: runtime error: slice bounds out of range [:-160]",
        );
        check(
            "decryptAES",
            &["k", "!!"],
            "error: illegal base64 data at input byte 0",
        );
        check(
            "decryptAES",
            &["k", "Zm9v"],
            "error: runtime error: slice bounds out of range [:16] with capacity 3",
        );
        check(
            "decryptAES",
            &["k", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"],
            "error: crypto/cipher: input not full blocks",
        );
        check(
            "decryptAES",
            &["k", "MDEyMzQ1Njc4OTAxMjM0NQ=="],
            "error: runtime error: index out of range [-1]",
        );
    }
}
