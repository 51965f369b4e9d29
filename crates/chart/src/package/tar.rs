//! Writing tar: regular files only, with the same owner, mode and time each.

const BLOCK: usize = 512;

/// A name field's length; longer names go into a PAX header before the entry.
const MAX_NAME: usize = 100;

/// An archive under construction.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(super) fn file(&mut self, name: &str, data: &[u8]) {
        if name.len() > MAX_NAME || !name.is_ascii() {
            let record = pax_record("path", name);
            self.entry("././@PaxHeader", b'x', record.as_bytes());
            let end = (0..=MAX_NAME)
                .rev()
                .find(|at| name.is_char_boundary(*at))
                .unwrap_or(0);
            self.entry(&name[..end], b'0', data);
        } else {
            self.entry(name, b'0', data);
        }
    }

    /// Two empty blocks end an archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.resize(self.out.len() + 2 * BLOCK, 0);
        self.out
    }

    fn entry(&mut self, name: &str, kind: u8, data: &[u8]) {
        let mut header = [0; BLOCK];
        put(&mut header, 0, name.as_bytes());
        put(&mut header, 100, b"0000644\0");
        put(&mut header, 108, b"0000000\0");
        put(&mut header, 116, b"0000000\0");
        put(&mut header, 124, format!("{:011o}\0", data.len()).as_bytes());
        put(&mut header, 136, b"00000000000\0");
        header[156] = kind;
        put(&mut header, 257, b"ustar\x0000");
        // The checksum is taken with blanks in its own place.
        put(&mut header, 148, b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        put(&mut header, 148, format!("{sum:06o}\0 ").as_bytes());
        self.out.extend_from_slice(&header);
        self.out.extend_from_slice(data);
        self.out.resize(self.out.len().next_multiple_of(BLOCK), 0);
    }
}

fn put(header: &mut [u8; BLOCK], at: usize, field: &[u8]) {
    header[at..at + field.len()].copy_from_slice(field);
}

/// `LENGTH key=value\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}
