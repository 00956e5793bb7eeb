//! `fields-schema`: `item *("," item)`, an item being `name ["{" schema "}"]`, spaces ignored (`spec/http.md`).

use super::shape::{self, Shape, ShapeKind};
use super::{Kind, Resource};
use crate::domain::invalid::Invalid;

/// How deep braces may nest.
const DEPTH_MAX: usize = 6;
/// How many names one schema may hold.
const NAMES_MAX: usize = 200;

/// The fields a request asked for, as places in the resource's table and in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Sorted by place, each place once.
    pub(super) items: Vec<Item>,
}

/// One field asked for, and what of it where it was opened with braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) place: usize,
    pub(super) inner: Option<Selection>,
}

impl Selection {
    /// Checks a schema against the table of a resource.
    ///
    /// # Errors
    /// What is wrong and the offset, in characters, of the place.
    pub fn parse<T: Resource>(text: &str) -> Result<Self, Invalid> {
        let mut parser = Parser { text: text.chars().collect(), at: 0, names: 0 };
        let selection = parser.schema(&shape::of::<T>(), 0)?;
        match parser.peek() {
            None => Ok(selection),
            Some('}') => Err(parser.wrong("unbalanced", "this } closes nothing")),
            Some(other) => Err(parser.wrong("malformed", &format!("expected a comma, found {other:?}"))),
        }
    }

    /// Adds a field; named twice, it is what both ask for.
    fn add(&mut self, place: usize, inner: Option<Selection>) {
        match self.items.binary_search_by_key(&place, |item| item.place) {
            Err(at) => self.items.insert(at, Item { place, inner }),
            Ok(at) => match (&mut self.items[at].inner, inner) {
                (Some(held), Some(more)) => more.items.into_iter().for_each(|item| held.add(item.place, item.inner)),
                (held @ None, more) => *held = more,
                (Some(_), None) => {}
            },
        }
    }
}

struct Parser {
    text: Vec<char>,
    at: usize,
    names: usize,
}

impl Parser {
    fn schema(&mut self, fields: &[Shape], depth: usize) -> Result<Selection, Invalid> {
        let mut selection = Selection::default();
        loop {
            let (place, shape) = self.name(fields)?;
            let inner = match self.peek() {
                Some('{') => Some(self.braces(shape, depth + 1)?),
                _ => None,
            };
            selection.add(place, inner);
            if self.peek() != Some(',') {
                return Ok(selection);
            }
            self.at += 1;
        }
    }

    fn name<'s>(&mut self, fields: &'s [Shape]) -> Result<(usize, &'s Shape), Invalid> {
        self.peek();
        let start = self.at;
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let name: String = self.text[start..].iter().take_while(|c| is_name(**c)).collect();
        if name.is_empty() {
            let found = self.peek().map_or("the end".to_owned(), |c| format!("{c:?}"));
            return Err(self.wrong("malformed", &format!("expected the name of a field, found {found}")));
        }
        self.names += 1;
        if self.names > NAMES_MAX {
            return Err(self.wrong("out_of_range", &format!("more than {NAMES_MAX} names")));
        }
        let Some(place) = fields.iter().position(|field| field.name == name) else {
            return Err(self.wrong("unknown", &format!("there is no field {name:?}")));
        };
        self.at += name.chars().count();
        Ok((place, &fields[place]))
    }

    fn braces(&mut self, shape: &Shape, depth: usize) -> Result<Selection, Invalid> {
        if depth > DEPTH_MAX {
            return Err(self.wrong("out_of_range", &format!("nested deeper than {DEPTH_MAX}")));
        }
        let fields = match &shape.kind {
            ShapeKind::Value(_) => {
                return Err(self.wrong("malformed", &format!("{:?} is a plain value without fields", shape.name)));
            }
            ShapeKind::Object { fields, .. } | ShapeKind::List(fields) | ShapeKind::Map(fields) => fields.clone(),
            ShapeKind::Ref { kind, .. } | ShapeKind::Refs(kind) => Kind::fields(*kind),
        };
        let opened = self.at;
        self.at += 1;
        if self.peek() == Some('}') {
            return Err(self.wrong("malformed", "empty braces: name at least one field"));
        }
        let selection = self.schema(&fields, depth)?;
        match self.peek() {
            Some('}') => self.at += 1,
            Some(other) => {
                return Err(self.wrong("malformed", &format!("expected a comma or }}, found {other:?}")));
            }
            None => {
                self.at = opened;
                return Err(self.wrong("unbalanced", "this { is never closed"));
            }
        }
        Ok(selection)
    }

    /// The next character that is not a space.
    fn peek(&mut self) -> Option<char> {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn wrong(&self, code: &'static str, what: &str) -> Invalid {
        Invalid { code, message: format!("{what} (at offset {})", self.at) }
    }
}
