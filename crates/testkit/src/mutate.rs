//! Makes hostile inputs out of honest ones, reproducibly.
//!
//! No coverage feedback: that needs a nightly compiler or a C++ one. Seeds from the project's own corpus, pieces
//! that mean something to the readers, and many inputs a second stand in for it.

/// Inputs are cut at this length: what breaks a reader breaks it small, and small inputs run fast.
const MAX_BYTES: usize = 64 << 10;

/// Pieces that are special to one of the readers.
const PIECES: &[&[u8]] = &[
    b"{{",
    b"}}",
    b"{{-",
    b"-}}",
    b"{{end}}",
    b"{{if .}}",
    b"{{range $i, $e := .}}",
    b"{{define \"x\"}}",
    b"{{template \"x\" .}}",
    b"{{include \"x\" .}}",
    b"{{tpl . .}}",
    b"|",
    b"$x := ",
    b"(",
    b")",
    b"`",
    b"\"",
    b"'",
    b"\\",
    b"\n",
    b"\r\n",
    b"\t",
    b"  ",
    b"- ",
    b": ",
    b"? ",
    b"&a ",
    b"*a",
    b"<<: *a",
    b"!!binary ",
    b"!<x> ",
    b"---\n",
    b"...\n",
    b"%YAML 1.1\n",
    b"|2-\n",
    b">+\n",
    b"# ",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b"~",
    b"null",
    b"0x",
    b"1e999",
    b".inf",
    b"-9223372036854775809",
    b"[0]",
    b"[65536]",
    b"[-1]",
    b"=",
    b"a.b.c=",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x92\xa9",
    b"../",
    b"/etc/x",
    b"C:\\x",
    b"\x1f\x8b\x08",
    b"ustar",
];

/// A reproducible stream of inputs.
#[derive(Debug)]
pub struct Mutator {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

impl Mutator {
    /// A stream that begins at `seed` and varies `seeds`.
    pub fn new(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        Self {
            seeds,
            state: seed | 1,
        }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = match self.seeds.len() {
            0 => Vec::new(),
            count => {
                let at = self.below(count);
                self.seeds[at].clone()
            }
        };
        for _ in 0..=self.below(6) {
            self.change(&mut input);
        }
        input.truncate(MAX_BYTES);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(7) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => {
                let end = at + self.below(input.len() - at + 1);
                drop(input.drain(at..end));
            }
            2 => self.splice(input, at),
            3 if at < input.len() => {
                let end = (at + 1 + self.below(64)).min(input.len());
                let copy = input[at..end].repeat(1 + self.below(40));
                input.splice(at..at, copy);
            }
            4 => input.truncate(at),
            _ => {
                let piece = PIECES[self.below(PIECES.len())];
                let copies = if self.below(20) == 0 { 1000 } else { 1 };
                input.splice(at..at, piece.repeat(copies));
            }
        }
    }

    /// Puts a part of another seed in.
    fn splice(&mut self, input: &mut Vec<u8>, at: usize) {
        let Some(count) = self.seeds.len().checked_sub(1) else {
            return;
        };
        let other = self.below(count + 1);
        let from = self.below(self.seeds[other].len() + 1);
        let length = self.below(self.seeds[other].len() - from + 1);
        let part = self.seeds[other][from..from + length].to_vec();
        input.splice(at..at, part);
    }

    /// A number below `bound`, or 0. Xorshift64*: fast, and good enough to vary inputs.
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let random = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        (random as usize).checked_rem(bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_inputs() {
        let inputs = |seed| {
            let mut mutator = Mutator::new(vec![b"a: 1\n".to_vec(), b"{{ .x }}".to_vec()], seed);
            (0..50).map(|_| mutator.next_input()).collect::<Vec<_>>()
        };
        assert_eq!(inputs(7), inputs(7));
        assert_ne!(inputs(7), inputs(9));
    }

    #[test]
    fn inputs_are_bounded() {
        let mut mutator = Mutator::new(vec![vec![b'x'; MAX_BYTES]], 3);
        assert!((0..200).all(|_| mutator.next_input().len() <= MAX_BYTES));
    }
}
