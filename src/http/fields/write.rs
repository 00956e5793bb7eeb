//! Values to JSON, by the table of their resource.

use std::io::Write;

use serde_json::Serializer;

use super::load::Wants;
use super::parse::{Item, Selection};
use super::shape::{self, ShapeKind};
use super::{Cell, Field, Is, Key, Loaded, Resource};

/// Writes a resource: the fields of the selection, or all of them.
pub fn object<T: Resource>(value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
    out.push(b'{');
    let start = out.len();
    let put = |field: &Field<T>, inner: Option<&Selection>, named: bool, out: &mut Vec<u8>| {
        if field.present.is_some_and(|present| !present(value)) {
            return;
        }
        if out.len() > start {
            out.push(b',');
        }
        // A name of a field holds nothing to escape.
        out.push(b'"');
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"\":");
        field_value(field, value, inner, named, loaded, out);
    };
    match selection {
        None => T::FIELDS.iter().for_each(|field| put(field, None, false, out)),
        Some(selection) => {
            for Item { place, inner } in &selection.items {
                if let Some(field) = T::FIELDS.get(*place) {
                    put(field, inner.as_ref(), true, out);
                }
            }
        }
    }
    out.push(b'}');
}

fn field_value<T>(
    field: &Field<T>,
    value: &T,
    inner: Option<&Selection>,
    named: bool,
    loaded: &Loaded,
    out: &mut Vec<u8>,
) {
    match &field.is {
        Is::Value(_, get) => cell(&get(value), out),
        Is::Embedded(object) => object.write(value, inner, loaded, out),
        Is::Ref(kind, get) => match (get(value), inner) {
            (None, _) => null(out),
            (Some(id), None) => key_json(id, out),
            (Some(id), Some(inner)) => loaded.write(*kind, id, Some(inner), out).unwrap_or_else(|| null(out)),
        },
        Is::OpenRef(kind, get) => match get(value) {
            None => null(out),
            Some(id) if named && inner.is_none() => key_json(id, out),
            Some(id) => loaded.write(*kind, id, inner, out).unwrap_or_else(|| null(out)),
        },
        Is::Refs(kind, get) => {
            out.push(b'[');
            let start = out.len();
            for id in get(value).iter() {
                let before = out.len();
                if before > start {
                    out.push(b',');
                }
                match inner {
                    None => key_json(*id, out),
                    // What the caller may not read is left out of a list.
                    Some(inner) => {
                        if loaded.write(*kind, *id, Some(inner), out).is_none() {
                            out.truncate(before);
                        }
                    }
                }
            }
            out.push(b']');
        }
    }
}

pub(super) fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

fn key_json(key: Key, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = match key {
        Key::Id(id) => write!(out, "\"{id}\""),
        Key::City(city) => write!(out, "{city}"),
        Key::Country(country) => write!(out, "\"{country}\""),
    };
}

fn text(value: &str, out: &mut Vec<u8>) {
    use serde::Serializer as _;
    // Writing a string to memory cannot fail.
    let _ = Serializer::new(out).serialize_str(value);
}

fn cell(value: &Cell<'_>, out: &mut Vec<u8>) {
    match value {
        Cell::Null => null(out),
        Cell::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Cell::Int(value) => {
            // Writing to memory cannot fail.
            let _ = write!(out, "{value}");
        }
        Cell::Text(value) => text(value, out),
        Cell::Texts(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                text(value, out);
            }
            out.push(b']');
        }
        Cell::Json(value) => out.extend_from_slice(value.as_bytes()),
    }
}

/// An object, or a list of objects, that is part of a resource of type `T`.
pub trait Embedded<T> {
    /// Its fields.
    fn shape(&self) -> ShapeKind;
    /// What has to be loaded to write it.
    fn wants<'s>(&self, value: &T, selection: Option<&'s Selection>, wants: &mut Wants<'s>);
    /// Writes it, narrowed where the selection says so.
    fn write(&self, value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>);
}

/// An embedded object that is always there.
pub struct One<T: 'static, U: 'static>(pub fn(&T) -> &U);

/// An embedded object that may be missing.
pub struct Maybe<T: 'static, U: 'static>(pub fn(&T) -> Option<&U>);

/// A list of embedded objects.
pub struct List<T: 'static, U: 'static>(pub fn(&T) -> &[U]);

/// An embedded object that is made of several fields of its resource.
pub struct Made<T: 'static, U: 'static>(pub fn(&T) -> U);

/// A list of such objects.
pub struct MadeList<T: 'static, U: 'static>(pub fn(&T) -> Vec<U>);

/// Such objects by the keys of what they are about.
pub struct MadeMap<T: 'static, U: 'static>(pub fn(&T) -> Vec<(Key, U)>);

fn objects<U: Resource>(values: &[U], selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        object(value, selection, loaded, out);
    }
    out.push(b']');
}

impl<T, U: Resource> Embedded<T> for One<T, U> {
    fn shape(&self) -> ShapeKind {
        ShapeKind::Object { fields: shape::of::<U>(), nullable: false }
    }

    fn wants<'s>(&self, value: &T, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        wants.of((self.0)(value), selection);
    }

    fn write(&self, value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
        object((self.0)(value), selection, loaded, out);
    }
}

impl<T, U: Resource> Embedded<T> for Maybe<T, U> {
    fn shape(&self) -> ShapeKind {
        ShapeKind::Object { fields: shape::of::<U>(), nullable: true }
    }

    fn wants<'s>(&self, value: &T, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        if let Some(inner) = (self.0)(value) {
            wants.of(inner, selection);
        }
    }

    fn write(&self, value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
        match (self.0)(value) {
            None => null(out),
            Some(inner) => object(inner, selection, loaded, out),
        }
    }
}

impl<T, U: Resource> Embedded<T> for List<T, U> {
    fn shape(&self) -> ShapeKind {
        ShapeKind::List(shape::of::<U>())
    }

    fn wants<'s>(&self, value: &T, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        (self.0)(value).iter().for_each(|inner| wants.of(inner, selection));
    }

    fn write(&self, value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
        objects((self.0)(value), selection, loaded, out);
    }
}

impl<T, U: Resource> Embedded<T> for Made<T, U> {
    fn shape(&self) -> ShapeKind {
        ShapeKind::Object { fields: shape::of::<U>(), nullable: false }
    }

    fn wants<'s>(&self, value: &T, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        wants.of(&(self.0)(value), selection);
    }

    fn write(&self, value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
        object(&(self.0)(value), selection, loaded, out);
    }
}

impl<T, U: Resource> Embedded<T> for MadeList<T, U> {
    fn shape(&self) -> ShapeKind {
        ShapeKind::List(shape::of::<U>())
    }

    fn wants<'s>(&self, value: &T, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        (self.0)(value).iter().for_each(|inner| wants.of(inner, selection));
    }

    fn write(&self, value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
        objects(&(self.0)(value), selection, loaded, out);
    }
}

impl<T, U: Resource> Embedded<T> for MadeMap<T, U> {
    fn shape(&self) -> ShapeKind {
        ShapeKind::Map(shape::of::<U>())
    }

    fn wants<'s>(&self, value: &T, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        (self.0)(value).iter().for_each(|(_, inner)| wants.of(inner, selection));
    }

    fn write(&self, value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (key, inner)) in (self.0)(value).iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match key {
                Key::City(number) => text(&number.to_string(), out),
                key => key_json(*key, out),
            }
            out.push(b':');
            object(inner, selection, loaded, out);
        }
        out.push(b'}');
    }
}
