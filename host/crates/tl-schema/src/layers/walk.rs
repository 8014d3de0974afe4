//! Goes through bytes by the schema and writes what they become.
//!
//! Invariant: what is written is of the kind that was asked for, or nothing is; no byte is read twice but in an object that
//! becomes another, whose fields are found first and translated then.

use super::plan::{Becomes, Plan, Source};
use super::shapes::{Condition, Kind, Shape, Shapes, Type};
use super::{DEPTH_MAX, Wrong};

/// The number of a list, before its length.
const VECTOR_ID: u32 = 0x1cb5_c415;
/// What says nothing, of those types of which something does: boolFalse, buttonTypeDefault.
const NOTHING: [u32; 2] = [0xbc79_9737, 0xc9dd_90e9];
/// Words of flags in one object.
const WORDS_MAX: usize = 4;

/// See the module.
pub(super) struct Walk<'a> {
    shapes: &'a Shapes,
    plan: &'a Plan,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    pub(super) out: Vec<u8>,
}

/// An object's words of flags, and where they stand in what is written.
#[derive(Default)]
struct Words {
    values: [u32; WORDS_MAX],
    places: [usize; WORDS_MAX],
}

impl<'a> Walk<'a> {
    pub(super) fn new(shapes: &'a Shapes, plan: &'a Plan, bytes: &'a [u8]) -> Self {
        Self { shapes, plan, bytes, at: 0, depth: 0, out: Vec::with_capacity(bytes.len() + 64) }
    }

    /// Translates a call of this method, its number included. False where it cannot be said.
    pub(super) fn method(&mut self, method: usize) -> Result<bool, Wrong> {
        self.take(4)?;
        self.shape(method)
    }

    /// Translates a value. False where it cannot be said; then it has been read and nothing written.
    pub(super) fn value(&mut self, kind: &Kind) -> Result<bool, Wrong> {
        match kind {
            Kind::Object(of) => return self.object(*of),
            Kind::Vector(element) => return self.vector(element),
            _ => {
                let from = self.at;
                self.skip(kind)?;
                self.out.extend_from_slice(&self.bytes[from..self.at]);
            }
        }
        Ok(true)
    }

    fn object(&mut self, of: Type) -> Result<bool, Wrong> {
        let from = self.at;
        if !self.plan.touches_type(of) {
            self.skip_object(of)?;
            self.out.extend_from_slice(&self.bytes[from..self.at]);
            return Ok(true);
        }
        let index = self.constructor(of)?;
        self.deeper(|walk| walk.shape(index))
    }

    /// The constructor that begins here, its number read.
    fn constructor(&mut self, of: Type) -> Result<usize, Wrong> {
        let id = self.word()?;
        self.shapes.constructor(id, of).or_else(|| self.plan.meant(id, of)).ok_or(Wrong::Malformed)
    }

    /// Translates what stands behind a constructor's or method's number, and that.
    fn shape(&mut self, index: usize) -> Result<bool, Wrong> {
        let (shapes, plan) = (self.shapes, self.plan);
        let shape = &shapes[index];
        match plan.becomes(index) {
            Becomes::Same => self.same(shape),
            Becomes::Other { to, from } => self.other(shape, &shapes[*to], from),
            Becomes::Field(field) => {
                let place = self.places(shape)?[*field];
                let Some(place) = place else { return Ok(false) };
                let after = std::mem::replace(&mut self.at, place);
                let is_said = self.value(&shape.fields[*field].kind)?;
                self.at = after;
                Ok(is_said)
            }
            Becomes::Nothing { but } => {
                self.skip_fields(shape)?;
                if let Some(id) = but {
                    self.out.extend_from_slice(&id.to_le_bytes());
                }
                Ok(but.is_some())
            }
        }
    }

    fn same(&mut self, shape: &Shape) -> Result<bool, Wrong> {
        let start = self.begin(shape);
        let (mut words, mut is_said) = (Words::default(), true);
        for field in &shape.fields {
            if let Kind::Flags(word) = field.kind {
                words.places[word] = self.out.len();
                words.values[word] = self.word()?;
                self.out.extend_from_slice(&words.values[word].to_le_bytes());
            } else if words.is_there(field.condition) && !self.value(&field.kind)? {
                is_said &= words.leave_out(shape, field.condition, &mut self.out);
            }
        }
        Ok(self.end(start, is_said))
    }

    fn other(&mut self, shape: &Shape, to: &Shape, from: &[Source]) -> Result<bool, Wrong> {
        let places = self.places(shape)?;
        let after = self.at;
        let start = self.begin(to);
        let (mut words, mut missing, mut is_said) = (Words::default(), [0; WORDS_MAX], true);
        for (field, from) in to.fields.iter().zip(from) {
            if let Kind::Flags(word) = field.kind {
                words.places[word] = self.out.len();
                self.out.extend_from_slice(&[0; 4]);
                continue;
            }
            let place = if let Source::Field(own) = from { places[*own] } else { None };
            let is_there = match (place, from) {
                (Some(place), _) => {
                    self.at = place;
                    self.value(&field.kind)?
                }
                (None, Source::Unlike) => false,
                (None, _) => field.condition.is_none() && self.nothing(&field.kind),
            };
            match field.condition {
                Some(condition) if is_there => words.set(condition, &mut self.out),
                Some(condition) => missing[condition.word] |= 1 << condition.bit,
                None => is_said &= is_there,
            }
        }
        self.at = after;
        // Of fields that are there by the same bit, each is there or none.
        is_said &= words.values.iter().zip(missing).all(|(values, missing)| values & missing == 0);
        Ok(self.end(start, is_said))
    }

    fn begin(&mut self, shape: &Shape) -> usize {
        let start = self.out.len();
        self.out.extend_from_slice(&shape.id.to_le_bytes());
        start
    }

    fn end(&mut self, start: usize, is_said: bool) -> bool {
        if !is_said {
            self.out.truncate(start);
        }
        is_said
    }

    /// Writes a value of this kind that says nothing; false where there is none.
    fn nothing(&mut self, kind: &Kind) -> bool {
        match kind {
            Kind::Bytes(length) => self.out.resize(self.out.len() + length, 0),
            Kind::Text => self.out.extend_from_slice(&[0; 4]),
            Kind::Vector(_) => {
                self.out.extend_from_slice(&VECTOR_ID.to_le_bytes());
                self.out.extend_from_slice(&[0; 4]);
            }
            Kind::Object(of) => {
                let Some(id) = NOTHING.into_iter().find(|id| self.shapes.constructor(*id, *of).is_some()) else {
                    return false;
                };
                self.out.extend_from_slice(&id.to_le_bytes());
            }
            Kind::True | Kind::Flags(_) | Kind::Other => return false,
        }
        true
    }

    fn vector(&mut self, element: &Kind) -> Result<bool, Wrong> {
        let from = self.at;
        if !self.plan.touches_kind(element) {
            self.skip_vector(element)?;
            self.out.extend_from_slice(&self.bytes[from..self.at]);
            return Ok(true);
        }
        let count = self.count()?;
        self.out.extend_from_slice(&VECTOR_ID.to_le_bytes());
        let place = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        let mut said: u32 = 0;
        self.deeper(|walk| {
            for _ in 0..count {
                said += u32::from(walk.value(element)?);
            }
            Ok(())
        })?;
        self.out[place..place + 4].copy_from_slice(&said.to_le_bytes());
        Ok(true)
    }

    /// Where each field begins, of those that are there. Reads the object to its end.
    fn places(&mut self, shape: &Shape) -> Result<Vec<Option<usize>>, Wrong> {
        let mut words = Words::default();
        let mut places = Vec::with_capacity(shape.fields.len());
        for field in &shape.fields {
            let place = self.at;
            let is_there = words.is_there(field.condition);
            if let Kind::Flags(word) = field.kind {
                words.values[word] = self.word()?;
            } else if is_there {
                self.skip(&field.kind)?;
            }
            places.push(is_there.then_some(place));
        }
        Ok(places)
    }

    fn skip(&mut self, kind: &Kind) -> Result<(), Wrong> {
        match kind {
            Kind::Flags(_) => self.take(4).map(drop),
            Kind::Bytes(length) => self.take(*length).map(drop),
            Kind::Text => self.skip_text(),
            Kind::True => Ok(()),
            Kind::Vector(element) => self.skip_vector(element),
            Kind::Object(of) => self.skip_object(*of),
            Kind::Other => Err(Wrong::Malformed),
        }
    }

    fn skip_object(&mut self, of: Type) -> Result<(), Wrong> {
        let index = self.constructor(of)?;
        let shapes = self.shapes;
        self.deeper(|walk| walk.skip_fields(&shapes[index]))
    }

    fn skip_fields(&mut self, shape: &Shape) -> Result<(), Wrong> {
        let mut words = Words::default();
        for field in &shape.fields {
            if let Kind::Flags(word) = field.kind {
                words.values[word] = self.word()?;
            } else if words.is_there(field.condition) {
                self.skip(&field.kind)?;
            }
        }
        Ok(())
    }

    fn skip_vector(&mut self, element: &Kind) -> Result<(), Wrong> {
        let count = self.count()?;
        if let Kind::Bytes(length) = element {
            return self.take(count * length).map(drop);
        }
        self.deeper(|walk| (0..count).try_for_each(|_| walk.skip(element)))
    }

    /// <https://core.telegram.org/type/string>
    fn skip_text(&mut self) -> Result<(), Wrong> {
        let first = *self.bytes.get(self.at).ok_or(Wrong::Malformed)?;
        let (header, length) = match first {
            254 => (4, (self.word()? >> 8) as usize),
            255 => return Err(Wrong::Malformed),
            short => (1, usize::from(short)),
        };
        let read = if header == 4 { 4 } else { 0 };
        self.take((header + length).next_multiple_of(4) - read).map(drop)
    }

    /// A list's number and how many elements it says to have, each of which takes at least four bytes.
    fn count(&mut self) -> Result<usize, Wrong> {
        let id = self.word()?;
        let count = self.word()? as usize;
        let fits = id == VECTOR_ID && count <= (self.bytes.len() - self.at) / 4;
        if fits { Ok(count) } else { Err(Wrong::Malformed) }
    }

    fn word(&mut self) -> Result<u32, Wrong> {
        self.take(4)?.first_chunk().map(|word| u32::from_le_bytes(*word)).ok_or(Wrong::Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Wrong> {
        let taken = self.bytes.get(self.at..self.at + length).ok_or(Wrong::Malformed)?;
        self.at += length;
        Ok(taken)
    }

    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        if self.depth == DEPTH_MAX {
            return Err(Wrong::TooLong);
        }
        self.depth += 1;
        let done = inside(self);
        self.depth -= 1;
        done
    }
}

impl Words {
    fn is_there(&self, condition: Option<Condition>) -> bool {
        condition.is_none_or(|Condition { word, bit }| self.values[word] >> bit & 1 == 1)
    }

    fn set(&mut self, Condition { word, bit }: Condition, out: &mut [u8]) {
        self.values[word] |= 1 << bit;
        self.write(word, out);
    }

    /// Says that a field is not there; false where it must be, or another is there by the same bit.
    fn leave_out(&mut self, shape: &Shape, condition: Option<Condition>, out: &mut [u8]) -> bool {
        let Some(condition) = condition.filter(|condition| shape.is_alone(*condition)) else { return false };
        self.values[condition.word] &= !(1 << condition.bit);
        self.write(condition.word, out);
        true
    }

    fn write(&self, word: usize, out: &mut [u8]) {
        let place = self.places[word];
        out[place..place + 4].copy_from_slice(&self.values[word].to_le_bytes());
    }
}
