//! Telegram's schema: <https://core.telegram.org/schema>, <https://core.telegram.org/mtproto/TL>.
//!
//! Invariant: it is part of the program's text, which nobody has in memory who does not ask; the first who does makes an index
//! of its lines, and no more.

use std::collections::HashMap;
use std::sync::LazyLock;

static TEXT: &str = include_str!(env!("TL_SCHEMA"));
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::of(TEXT));

/// The line that comes before the methods.
const METHODS: &str = "---functions---";

/// The lines of the schema, to be found.
struct Schema {
    methods: HashMap<&'static str, &'static str>,
    constructors: HashMap<&'static str, &'static str>,
    by_id: HashMap<u32, &'static str>,
    /// The only constructor of a type; nothing where it has several.
    only: HashMap<&'static str, Option<&'static str>>,
}

/// A line of the schema: a constructor or a method.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Telegram's name of it.
    pub name: &'static str,
    /// Its number.
    pub id: u32,
    fields: &'static str,
    /// The type that it is of, or that the method's answer is of.
    pub result: &'static str,
}

/// A field of one.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// It is there only where this bit of that word of flags is set.
    pub condition: Option<(&'static str, u32)>,
    /// What it is.
    pub kind: Kind,
}

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word of flags.
    Flags,
    /// 4 bytes.
    Int,
    /// 8 bytes.
    Long,
    /// 8 bytes.
    Double,
    /// A string, or bytes.
    Text,
    /// Something that takes no room: that its flag is set says it.
    True,
    /// A list of elements of a type.
    Vector(&'static str),
    /// An object of a type.
    Object(&'static str),
    /// What has no text: another query, or numbers of 256 bits.
    Other,
}

/// The method of this name.
pub fn method(name: &str) -> Option<Definition> {
    SCHEMA.methods.get(name).copied().and_then(Definition::of)
}

/// The constructor of this name.
pub fn constructor(name: &str) -> Option<Definition> {
    SCHEMA.constructors.get(name).copied().and_then(Definition::of)
}

/// The constructor with this number.
pub fn constructor_by_id(id: u32) -> Option<Definition> {
    SCHEMA.by_id.get(&id).copied().and_then(Definition::of)
}

/// The only constructor of a type, where it has a single field: telegram-cli has written such an object as that field alone.
pub fn bare(object_type: &str) -> Option<Definition> {
    let only = SCHEMA.only.get(object_type).copied().flatten().and_then(Definition::of)?;
    (only.fields().count() == 1).then_some(only)
}

/// Every constructor.
pub(crate) fn constructors() -> impl Iterator<Item = Definition> {
    SCHEMA.constructors.values().copied().filter_map(Definition::of)
}

/// Every method.
pub fn methods() -> impl Iterator<Item = Definition> {
    SCHEMA.methods.values().copied().filter_map(Definition::of)
}

impl Schema {
    fn of(text: &'static str) -> Self {
        let (constructors, methods) = text.split_once(METHODS).unwrap_or((text, ""));
        let mut schema = Self {
            methods: lines(methods),
            constructors: lines(constructors),
            by_id: HashMap::new(),
            only: HashMap::new(),
        };
        for line in schema.constructors.values().copied() {
            let Some(definition) = Definition::of(line) else { continue };
            schema.by_id.insert(definition.id, line);
            schema.only.entry(definition.result).and_modify(|only| *only = None).or_insert(Some(line));
        }
        schema
    }
}

/// The definitions of a part of the schema, by their names.
fn lines(part: &'static str) -> HashMap<&'static str, &'static str> {
    part.lines()
        .filter_map(|line| Some((line.split_once('#')?.0, line)))
        .filter(|(name, _)| !name.contains('/'))
        .collect()
}

impl Definition {
    fn of(line: &'static str) -> Option<Self> {
        let (left, result) = line.split_once(" = ")?;
        let (head, fields) = left.split_once(' ').unwrap_or((left, ""));
        let (name, id) = head.split_once('#')?;
        Some(Self { name, id: u32::from_str_radix(id, 16).ok()?, fields, result: result.trim_end_matches(';') })
    }

    /// Its fields, in their order.
    pub fn fields(self) -> impl Iterator<Item = Field> {
        // Those in braces are types that the others name.
        self.fields.split(' ').filter(|word| !word.starts_with('{')).filter_map(Field::of)
    }
}

impl Field {
    pub(crate) fn of(word: &'static str) -> Option<Self> {
        let (name, rest) = word.split_once(':')?;
        let (condition, kind) = match rest.split_once('?') {
            Some((condition, kind)) => {
                let (flags, bit) = condition.split_once('.')?;
                (Some((flags, bit.parse().ok()?)), kind)
            }
            None => (None, rest),
        };
        Some(Self { name, condition, kind: Kind::of(kind) })
    }

    /// Whether it is there, with these words of flags before it.
    pub fn is_there(&self, flags: &[(&str, u32)]) -> bool {
        let Some((word, bit)) = self.condition else { return true };
        flags.iter().any(|(name, value)| *name == word && value.checked_shr(bit).unwrap_or_default() & 1 == 1)
    }
}

impl Kind {
    /// What is written so.
    pub fn of(name: &'static str) -> Self {
        match name {
            "#" => Self::Flags,
            "int" => Self::Int,
            "long" => Self::Long,
            "double" => Self::Double,
            "string" | "bytes" => Self::Text,
            "true" => Self::True,
            "int128" | "int256" => Self::Other,
            _ if name.starts_with('!') => Self::Other,
            _ => match name.strip_prefix("Vector<").and_then(|rest| rest.strip_suffix('>')) {
                Some(element) => Self::Vector(element),
                None => Self::Object(name),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use grammers_tl_types as tl;

    use super::*;

    #[test]
    fn every_line_is_understood_and_is_the_one_that_the_types_are_made_of() {
        let lines = TEXT.lines().filter(|line| line.contains(" = ") && !line.starts_with("//"));
        assert_eq!(lines.count(), SCHEMA.methods.len() + SCHEMA.constructors.len());
        for line in SCHEMA.methods.values().chain(SCHEMA.constructors.values()) {
            let definition = Definition::of(line).unwrap_or_else(|| panic!("{line}"));
            if !["vector", "true", "error", "null", "boolTrue", "boolFalse"].contains(&definition.name) {
                assert!(tl::name_for_id(definition.id).ends_with(definition.name), "{line}");
            }
            let is_known = |kind| match kind {
                Kind::Object(name) => SCHEMA.only.contains_key(name) || name == "X",
                Kind::Vector(name) => {
                    matches!(Kind::of(name), Kind::Int | Kind::Long | Kind::Text) || SCHEMA.only.contains_key(name)
                }
                _ => true,
            };
            let words = definition.fields.split(' ').filter(|word| word.contains(':') && !word.starts_with('{'));
            assert_eq!(definition.fields().count(), words.count(), "{line}");
            assert!(definition.fields().all(|field| is_known(field.kind)), "{line}");
        }
    }
}
