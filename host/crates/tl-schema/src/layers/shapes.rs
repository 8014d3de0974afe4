//! Constructors and methods as bytes: the schema's, and those of other layers, from `table.txt`.
//!
//! Invariant: what the table says fits the schema, which a test holds.

use std::collections::HashMap;
use std::ops::{Index, RangeInclusive};
use std::sync::LazyLock;

use crate::schema::{self, Definition};

/// All there are.
pub(super) static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::load);

/// What other layers say otherwise. A line: first and last layer, name, number, and how its fields differ: `-name` is not there,
/// `name:type` is of that type, and comes last where there is none of the name; after a `=` come all fields. `absent` is followed by
/// names that those layers do not have, `name > field` stands there for that field of its.
pub(super) const TABLE: &str = include_str!("table.txt");

/// Where a type's name is among the types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Type(u16);

/// A constructor or method.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) id: u32,
    pub(super) name: &'static str,
    /// What it is an object of, or gives.
    pub(super) of: Kind,
    pub(super) is_method: bool,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) condition: Option<Condition>,
    pub(super) kind: Kind,
}

/// A bit of one of an object's words of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) word: usize,
    pub(super) bit: u32,
}

/// What a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word of flags, and which.
    Flags(usize),
    /// So many bytes.
    Bytes(usize),
    /// A string, or bytes.
    Text,
    /// Something that takes no room: that its flag is set says it.
    True,
    Vector(Box<Kind>),
    Object(Type),
    /// What no request or answer has: another query.
    Other,
}

/// A line of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) layers: RangeInclusive<i32>,
    /// Which constructor or method of this project's layer.
    pub(super) of: usize,
    pub(super) says: Says,
}

/// What other layers have in its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    Other(usize),
    Nothing,
    Field(usize),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    by_id: HashMap<u32, usize>,
    types: HashMap<&'static str, Type>,
    pub(super) rows: Vec<Row>,
    /// How many there are of this project's layer, which come first.
    of_schema: usize,
    /// What is pushed.
    pub(super) updates: Kind,
}

impl Index<usize> for Shapes {
    type Output = Shape;

    fn index(&self, index: usize) -> &Shape {
        &self.shapes[index]
    }
}

impl Shapes {
    fn load() -> Self {
        let (mut shapes, names) = Self::of_schema();
        for line in TABLE.lines().filter(|line| !line.is_empty()) {
            let fits = shapes.row(line, &names).is_some();
            debug_assert!(fits, "{line}");
        }
        shapes
    }

    /// Those of this project's layer, and by their names.
    pub(super) fn of_schema() -> (Self, HashMap<&'static str, usize>) {
        let (types, rows) = (HashMap::new(), Vec::new());
        let mut shapes =
            Self { shapes: Vec::new(), by_id: HashMap::new(), types, rows, of_schema: 0, updates: Kind::Other };
        let mut by_name = HashMap::new();
        for (definition, is_method) in
            schema::constructors().map(|one| (one, false)).chain(schema::methods().map(|one| (one, true)))
        {
            by_name.insert(definition.name, shapes.add(definition, is_method));
        }
        shapes.of_schema = shapes.len();
        shapes.updates = Kind::Object(shapes.type_of("Updates"));
        (shapes, by_name)
    }

    fn add(&mut self, definition: Definition, is_method: bool) -> usize {
        let fields = self.fields(definition.fields());
        let of = self.kind(schema::Kind::of(definition.result), 0);
        self.push(Shape { id: definition.id, name: definition.name, of, is_method, fields })
    }

    fn push(&mut self, shape: Shape) -> usize {
        self.by_id.entry(shape.id).or_insert(self.shapes.len());
        self.shapes.push(shape);
        self.shapes.len() - 1
    }

    fn fields(&mut self, fields: impl Iterator<Item = schema::Field>) -> Vec<Field> {
        let mut words = Vec::new();
        let fields = fields.map(|field| {
            let place = |name| words.iter().position(|word| *word == name).unwrap_or(usize::MAX);
            let condition = field.condition.map(|(word, bit)| Condition { word: place(word), bit });
            let kind = self.kind(field.kind, words.len());
            if let Kind::Flags(_) = kind {
                words.push(field.name);
            }
            Field { name: field.name, condition, kind }
        });
        fields.collect()
    }

    fn kind(&mut self, kind: schema::Kind, words_before: usize) -> Kind {
        match kind {
            schema::Kind::Flags => Kind::Flags(words_before),
            schema::Kind::Int => Kind::Bytes(4),
            schema::Kind::Long | schema::Kind::Double => Kind::Bytes(8),
            schema::Kind::Text => Kind::Text,
            schema::Kind::True => Kind::True,
            schema::Kind::Vector(element) => Kind::Vector(Box::new(self.kind(schema::Kind::of(element), 0))),
            schema::Kind::Object(name) => Kind::Object(self.type_of(name)),
            schema::Kind::Other => Kind::Other,
        }
    }

    /// A type, by its name.
    pub(super) fn type_of(&mut self, name: &'static str) -> Type {
        let next = Type(u16::try_from(self.types.len()).unwrap_or(u16::MAX));
        *self.types.entry(name).or_insert(next)
    }

    /// Takes in a line of the table; nothing where it does not fit.
    pub(super) fn row(&mut self, line: &'static str, by_name: &HashMap<&str, usize>) -> Option<()> {
        let mut words = line.split(' ');
        let layers = words.next()?.parse().ok()?..=words.next()?.parse().ok()?;
        let name = words.next()?;
        if name == "absent" {
            for name in words {
                self.rows.push(Row { layers: layers.clone(), of: *by_name.get(name)?, says: Says::Nothing });
            }
            return Some(());
        }
        let of = *by_name.get(name)?;
        let number = words.next()?;
        let says = if number == ">" {
            let wanted = words.next()?;
            Says::Field(self.shapes[of].fields.iter().position(|field| field.name == wanted)?)
        } else {
            let fields = self.other_fields(of, words)?;
            let (name, is_method) = (self.shapes[of].name, self.shapes[of].is_method);
            let (id, kind) = (u32::from_str_radix(number, 16).ok()?, self.shapes[of].of.clone());
            Says::Other(self.push(Shape { id, name, of: kind, is_method, fields }))
        };
        self.rows.push(Row { layers, of, says });
        Some(())
    }

    /// A constructor's fields with these differences.
    fn other_fields(&mut self, of: usize, differences: std::str::Split<'static, char>) -> Option<Vec<Field>> {
        let name = self.shapes[of].name;
        let now = schema::constructor(name).or_else(|| schema::method(name))?;
        let mut fields: Vec<schema::Field> = now.fields().collect();
        for word in differences {
            if word == "=" {
                fields.clear();
            } else if let Some(gone) = word.strip_prefix('-') {
                fields.remove(fields.iter().position(|field| field.name == gone)?);
            } else {
                let field = schema::Field::of(word)?;
                match fields.iter_mut().find(|other| other.name == field.name) {
                    Some(other) => *other = field,
                    None => fields.push(field),
                }
            }
        }
        Some(self.fields(fields.into_iter()))
    }

    /// The constructor of this type with this number.
    pub(super) fn constructor(&self, id: u32, of: Type) -> Option<usize> {
        let index = *self.by_id.get(&id)?;
        (!self[index].is_method && self[index].of == Kind::Object(of)).then_some(index)
    }

    /// The method with this number.
    pub(super) fn method(&self, id: u32) -> Option<usize> {
        self.by_id.get(&id).copied().filter(|index| self[*index].is_method)
    }

    /// The constructor or method of this project's layer with this name.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        let definition = schema::constructor(name).or_else(|| schema::method(name))?;
        self.by_id.get(&definition.id).copied()
    }

    /// Whether it is one of this project's layer.
    pub(super) fn is_of_schema(&self, index: usize) -> bool {
        index < self.of_schema
    }

    pub(super) fn len(&self) -> usize {
        self.shapes.len()
    }

    pub(super) fn types_len(&self) -> usize {
        self.types.len()
    }
}

impl Type {
    pub(super) fn place(self) -> usize {
        usize::from(self.0)
    }
}

impl Kind {
    /// The type of the objects in it.
    pub(super) fn object(&self) -> Option<Type> {
        match self {
            Self::Object(of) => Some(*of),
            Self::Vector(element) => element.object(),
            _ => None,
        }
    }
}

impl Shape {
    /// Whether no other field is there by this bit.
    pub(super) fn is_alone(&self, condition: Condition) -> bool {
        self.fields.iter().filter(|field| field.condition == Some(condition)).count() == 1
    }
}
