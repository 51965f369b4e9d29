//! Sprig's functions of chance, all fed by the host's random bytes.

use template::function::{Error, Param};
use template::{Call, Function, Value};

use super::args::fixed;
use super::host::{Host, Random};

pub(crate) const TABLE: &[Function] = &[
    fixed("randAlphaNum", &[Param::Int], |call, args| {
        text(call, args, ALPHANUMERIC)
    }),
    fixed("randAlpha", &[Param::Int], |call, args| {
        text(call, args, &ALPHANUMERIC[10..])
    }),
    fixed("randNumeric", &[Param::Int], |call, args| {
        text(call, args, &ALPHANUMERIC[..10])
    }),
    fixed("randAscii", &[Param::Int], |call, args| {
        text(call, args, &PRINTABLE)
    }),
    fixed("randBytes", &[Param::Int], bytes),
    fixed("randInt", &[Param::Int, Param::Int], int),
    fixed("uuidv4", &[], uuid),
    fixed("shuffle", &[Param::Str], shuffle),
];

const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Space to tilde.
const PRINTABLE: [u8; 95] = {
    let mut all = [b' '; 95];
    let mut index = 0;
    let mut byte = b' ';
    while index < all.len() {
        all[index] = byte;
        byte += 1;
        index += 1;
    }
    all
};

/// No secret is a thousandth of this long; Go would take what memory there is.
const MAX_LENGTH: usize = 16 << 20;

/// Letters of an alphabet; a negative count gives none.
fn text(call: &mut Call<'_>, args: &[Value], alphabet: &[u8]) -> Result<Value, Error> {
    let count = length(usize::try_from(integer(args, 0)).unwrap_or(0))?;
    let mut random = Host::of(call)?.random.borrow_mut();
    Ok(Value::Str(letters(random.as_mut(), alphabet, count).into()))
}

fn bytes(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let count = usize::try_from(integer(args, 0))
        .map_err(|_| Error::new("runtime error: makeslice: len out of range"))?;
    let mut bytes = vec![0; length(count)?];
    Host::of(call)?.random.borrow_mut().fill(&mut bytes);
    Ok(Value::Str(pki::pem::base64(&bytes).into()))
}

fn int(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let (min, max) = (integer(args, 0), integer(args, 1));
    let width = max.wrapping_sub(min);
    if width <= 0 {
        return Err(Error::new("invalid argument to Intn"));
    }
    let mut random = Host::of(call)?.random.borrow_mut();
    let offset = below(random.as_mut(), width.unsigned_abs());
    Ok(Value::int(min.wrapping_add_unsigned(offset)))
}

fn uuid(call: &mut Call<'_>, _: &[Value]) -> Result<Value, Error> {
    let mut bytes = [0; 16];
    Host::of(call)?.random.borrow_mut().fill(&mut bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    Ok(Value::Str(text.into()))
}

/// Puts the characters of a text into another order.
fn shuffle(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Error> {
    let Some(Value::Str(text)) = args.first() else {
        return Ok(Value::str(""));
    };
    let mut letters: Vec<char> = text.to_text().chars().collect();
    let mut random = Host::of(call)?.random.borrow_mut();
    for last in (1..letters.len()).rev() {
        let other = usize::try_from(below(random.as_mut(), last as u64 + 1)).unwrap_or(0);
        letters.swap(last, other);
    }
    Ok(Value::Str(letters.into_iter().collect::<String>().into()))
}

fn length(count: usize) -> Result<usize, Error> {
    if count > MAX_LENGTH {
        return Err(Error::new(format!(
            "{count} random bytes are more than the {MAX_LENGTH} allowed"
        )));
    }
    Ok(count)
}

/// Each letter is as likely as the others: bytes above the last multiple of the alphabet's size are thrown away.
fn letters(random: &mut dyn Random, alphabet: &[u8], count: usize) -> Vec<u8> {
    let usable = 256 / alphabet.len() * alphabet.len();
    let mut text = Vec::with_capacity(count);
    let mut buffer = [0; 64];
    while text.len() < count {
        random.fill(&mut buffer);
        let left = count - text.len();
        let before = text.len();
        let bytes = || buffer.iter().map(|byte| usize::from(*byte));
        text.extend(
            bytes()
                .filter(|byte| *byte < usable)
                .take(left)
                .map(|byte| alphabet[byte % alphabet.len()]),
        );
        // Only a broken source has nothing fitting in 64 bytes; it must not hang the render.
        if text.len() == before {
            text.extend(bytes().take(left).map(|byte| alphabet[byte % alphabet.len()]));
        }
    }
    text
}

/// A number below another, without bias worth naming: 64 bits more than needed are reduced.
fn below(random: &mut dyn Random, bound: u64) -> u64 {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let number = u128::from_le_bytes(bytes) % u128::from(bound);
    u64::try_from(number).unwrap_or(0)
}

fn integer(args: &[Value], index: usize) -> i64 {
    match args.get(index) {
        Some(Value::Int(number, _)) => *number,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::called::{call_seeded, text};
    use super::*;

    fn check(name: &str, count: i64, alphabet: &str) {
        let got = text(name, &[Value::int(count)]);
        assert_eq!(got.len(), usize::try_from(count).unwrap_or(0), "{name}");
        assert!(
            got.chars().all(|letter| alphabet.contains(letter)),
            "{name}: {got}"
        );
    }

    #[test]
    fn random_texts_keep_to_their_alphabet_and_length() {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        check("randAlpha", 300, letters);
        check("randNumeric", 300, "0123456789");
        check("randAlphaNum", 300, &format!("0123456789{letters}"));
        check("randAscii", 300, std::str::from_utf8(&PRINTABLE).unwrap());
        check("randAlpha", 0, "");
        check("randAlpha", -3, "");
        assert_eq!(text("randBytes", &[Value::int(10)]).len(), 16);
    }

    #[test]
    fn the_same_bytes_give_the_same_text() {
        let draw = |seed| match call_seeded(seed, "randAlphaNum", &[Value::int(20)]) {
            Ok(Value::Str(text)) => text.to_text().into_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn impossible_requests_are_errors() {
        assert_eq!(
            text("randInt", &[Value::int(3), Value::int(3)]),
            "error: invalid argument to Intn"
        );
        assert!(text("randAlpha", &[Value::int(1 << 40)]).starts_with("error: "));
        assert_eq!(
            text("randBytes", &[Value::int(-1)]),
            "error: runtime error: makeslice: len out of range"
        );
    }

    #[test]
    fn numbers_and_shuffles_stay_in_range() {
        for seed in 0..100 {
            let got = call_seeded(seed, "randInt", &[Value::int(-2), Value::int(3)]).unwrap();
            assert!(matches!(got, Value::Int(-2..=2, _)), "{got:?}");
        }
        let mut letters: Vec<char> = text("shuffle", &[Value::str("aébc")]).chars().collect();
        letters.sort_unstable();
        assert_eq!(letters, ['a', 'b', 'c', 'é']);
        let uuid = text("uuidv4", &[]);
        assert!(
            uuid.len() == 36 && uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]),
            "{uuid}"
        );
    }
}
