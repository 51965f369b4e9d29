//! Reads the structs that a Go program carries for its own reflection: fields, their types and their tags.
//!
//! ```text
//! ELF sections ─► .typelink (offsets of pointer, slice and map types) ─► every type they lead to ─► structs
//! ```
//!
//! The layout is that of `internal/abi` for 64-bit little-endian targets since Go 1.18. Only programs linked at a
//! fixed address are read, as those published for Linux are: in others the pointers are filled in when they start.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail, ensure};

/// A struct by the path of its package and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    pub package: String,
    pub name: String,
}

/// A field as declared.
#[derive(Clone, Debug)]
pub struct Field {
    pub tag: String,
    pub ty: Type,
}

/// What a field may be, as far as encodings tell types apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Integer,
    Double,
    Text,
    Bytes,
    Struct(Name),
    Pointer(Box<Type>),
    /// With the name of the type, or an empty one.
    List(String, Box<Type>),
    /// With keys that are text.
    Map(Box<Type>),
    Other,
}

/// All structs that can be reached from the linked types.
pub fn structs(program: &[u8]) -> Result<BTreeMap<Name, Vec<Field>>> {
    let image = Image::open(program)?;
    let mut todo = image.linked()?;
    let mut seen = HashMap::new();
    let mut structs = BTreeMap::new();
    // Bounded by the types of the program: each is taken once.
    while let Some(at) = todo.pop() {
        if seen.insert(at, ()).is_some() {
            continue;
        }
        let kind = image.kind(at)?;
        match kind {
            LIST | POINTER => todo.push(image.word(at + HEADER)?),
            MAP => todo.extend([image.word(at + HEADER)?, image.word(at + HEADER + 8)?]),
            STRUCT => {
                let (fields, types) = image.fields(at)?;
                todo.extend(types);
                structs.insert(image.name_of(at)?, fields);
            }
            _ => {}
        }
    }
    Ok(structs)
}

/// The size of `abi.Type`, after which what is special to a kind begins.
const HEADER: u64 = 48;

/// The size of `abi.StructType`, after which a named struct's package follows.
const STRUCT_HEADER: u64 = 80;

const BOOL: u8 = 1;
const INTEGERS: std::ops::RangeInclusive<u8> = 2..=11;
const BYTE: u8 = 8;
const DOUBLES: std::ops::RangeInclusive<u8> = 13..=14;
const MAP: u8 = 21;
const POINTER: u8 = 22;
const LIST: u8 = 23;
const TEXT: u8 = 24;
const STRUCT: u8 = 25;

/// `TFlag` of a type with a package and methods, and of one whose printed name has a star too many.
const FLAG_UNCOMMON: u8 = 1;
const FLAG_STAR: u8 = 2;

/// A name that is followed by a tag.
const FLAG_TAG: u8 = 2;

struct Section {
    name: String,
    address: u64,
    offset: usize,
    size: u64,
}

struct Image<'a> {
    bytes: &'a [u8],
    sections: Vec<Section>,
    /// The address that offsets of types and names count from.
    base: u64,
}

impl<'a> Image<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        ensure!(
            bytes.starts_with(b"\x7fELF\x02\x01"),
            "it is no 64-bit little-endian ELF program"
        );
        let number = |at: usize, size: usize| little(bytes, at, size);
        ensure!(number(16, 2)? == 2, "it is not linked at a fixed address");
        let (table, size) = (
            usize::try_from(number(0x28, 8)?)?,
            usize::try_from(number(0x3a, 2)?)?,
        );
        let (count, names) = (
            usize::try_from(number(0x3c, 2)?)?,
            usize::try_from(number(0x3e, 2)?)?,
        );
        let names = usize::try_from(number(table + names * size + 24, 8)?)?;
        let mut sections = Vec::new();
        for at in (0..count).map(|index| table + index * size) {
            let name = names + usize::try_from(number(at, 4)?)?;
            let name = bytes
                .get(name..)
                .and_then(|rest| rest.split(|byte| *byte == 0).next());
            sections.push(Section {
                name: String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
                address: number(at + 16, 8)?,
                offset: usize::try_from(number(at + 24, 8)?)?,
                size: number(at + 32, 8)?,
            });
        }
        let base = sections.iter().find(|section| section.name == ".rodata");
        let base = base.context("it has no read-only data")?.address;
        Ok(Self {
            bytes,
            sections,
            base,
        })
    }

    fn linked(&self) -> Result<Vec<u64>> {
        let links = self.sections.iter().find(|section| section.name == ".typelink");
        let links =
            links.context("it has no type links: not a Go program, or one that keeps them elsewhere")?;
        let count = usize::try_from(links.size / 4)?;
        (0..count)
            .map(|at| Ok(self.base + little(self.bytes, links.offset + at * 4, 4)?))
            .collect()
    }

    fn at(&self, address: u64) -> Result<usize> {
        let found = self.sections.iter().find(|section| {
            section.address > 0 && (section.address..section.address + section.size).contains(&address)
        });
        let section = found.with_context(|| format!("{address:#x} is in no section"))?;
        Ok(section.offset + usize::try_from(address - section.address)?)
    }

    fn word(&self, address: u64) -> Result<u64> {
        little(self.bytes, self.at(address)?, 8)
    }

    fn byte(&self, address: u64) -> Result<u8> {
        let byte = self.bytes.get(self.at(address)?);
        byte.copied().context("the program ends early")
    }

    fn kind(&self, ty: u64) -> Result<u8> {
        Ok(self.byte(ty + 23)? & 31)
    }

    /// A name and its tag.
    fn name(&self, address: u64) -> Result<(String, String)> {
        let flags = self.byte(address)?;
        let (name, end) = self.text(address + 1)?;
        let tag = if flags & FLAG_TAG == 0 {
            String::new()
        } else {
            self.text(end)?.0
        };
        Ok((name, tag))
    }

    fn text(&self, mut address: u64) -> Result<(String, u64)> {
        let mut length = 0_usize;
        for shift in (0..28).step_by(7) {
            let byte = self.byte(address)?;
            address += 1;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let start = self.at(address)?;
                let bytes = self
                    .bytes
                    .get(start..start + length)
                    .context("a name ends early")?;
                let end = address + u64::try_from(length)?;
                return Ok((String::from_utf8_lossy(bytes).into_owned(), end));
            }
        }
        bail!("a name of more than 256 MiB at {address:#x}")
    }

    /// A type as Go prints it: `v1.Pod`, `[]string`.
    fn printed(&self, ty: u64) -> Result<String> {
        let (printed, _) = self.name(self.base + little(self.bytes, self.at(ty + 40)?, 4)?)?;
        let has_star = self.byte(ty + 20)? & FLAG_STAR != 0;
        let without = printed.strip_prefix('*').filter(|_| has_star);
        Ok(without.unwrap_or(&printed).to_owned())
    }

    fn name_of(&self, ty: u64) -> Result<Name> {
        let printed = self.printed(ty)?;
        if self.byte(ty + 20)? & FLAG_UNCOMMON == 0 {
            return Ok(Name {
                package: String::new(),
                name: printed,
            });
        }
        let package = little(self.bytes, self.at(ty + STRUCT_HEADER)?, 4)?;
        Ok(Name {
            package: self.name(self.base + package)?.0,
            name: printed.rsplit('.').next().unwrap_or_default().to_owned(),
        })
    }

    /// The fields of a struct, and the addresses of their types.
    fn fields(&self, ty: u64) -> Result<(Vec<Field>, Vec<u64>)> {
        let (start, count) = (self.word(ty + HEADER + 8)?, self.word(ty + HEADER + 16)?);
        let (mut fields, mut types) = (Vec::new(), Vec::new());
        for field in (0..count).map(|index| start + index * 24) {
            let (_, tag) = self.name(self.word(field)?)?;
            let at = self.word(field + 8)?;
            types.push(at);
            fields.push(Field {
                tag,
                ty: self.ty(at, 0)?,
            });
        }
        Ok((fields, types))
    }

    /// A type as written in a field. Four levels are a pointer to a list of maps of lists; none is deeper.
    fn ty(&self, at: u64, depth: usize) -> Result<Type> {
        if depth > 4 {
            return Ok(Type::Other);
        }
        let inner = |at: u64| Ok::<_, anyhow::Error>(Box::new(self.ty(self.word(at)?, depth + 1)?));
        Ok(match self.kind(at)? {
            BOOL => Type::Bool,
            kind if INTEGERS.contains(&kind) => Type::Integer,
            kind if DOUBLES.contains(&kind) => Type::Double,
            TEXT => Type::Text,
            LIST if self.kind(self.word(at + HEADER)?)? == BYTE => Type::Bytes,
            LIST => {
                let printed = self.printed(at)?;
                let name = if printed.starts_with('[') { "" } else { &printed };
                Type::List(name.to_owned(), inner(at + HEADER)?)
            }
            POINTER => Type::Pointer(inner(at + HEADER)?),
            MAP if self.kind(self.word(at + HEADER)?)? == TEXT => Type::Map(inner(at + HEADER + 8)?),
            STRUCT => Type::Struct(self.name_of(at)?),
            _ => Type::Other,
        })
    }
}

fn little(bytes: &[u8], at: usize, size: usize) -> Result<u64> {
    let found = bytes.get(at..at + size).context("the program ends early")?;
    Ok(found
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
