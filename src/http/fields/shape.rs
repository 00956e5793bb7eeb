//! The tables without their types: what the parser and the OpenAPI document need to know of a field.

use super::{Field, Is, Kind, Resource, Type};
use crate::app::attachments::AttachmentView;
use crate::app::events::EventView;
use crate::app::maps::{MapView, SectorView};
use crate::app::orders::OrderView;
use crate::app::partners::PartnerView;
use crate::app::promocodes::PromocodeView;
use crate::app::sets::SetView;
use crate::app::tickets::TicketView;
use crate::app::users::UserView;
use crate::domain::deal::Deal;
use crate::domain::place::Venue;
use crate::places::{City, Country};

/// One field, without the type it is read from.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Whether a request may set it.
    pub writable: bool,
    /// The type in requests, where it differs.
    pub input: Option<Type>,
    /// Whether an answer may lack it although it was not narrowed.
    pub optional: bool,
    /// What it holds.
    pub kind: ShapeKind,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum ShapeKind {
    /// A plain value.
    Value(Type),
    /// An object that is part of the resource.
    Object {
        /// Its fields.
        fields: Vec<Shape>,
        /// Whether it may be null.
        nullable: bool,
    },
    /// A list of such objects.
    List(Vec<Shape>),
    /// Such objects by the ids of what they are about.
    Map(Vec<Shape>),
    /// Another resource.
    Ref {
        /// Which.
        kind: Kind,
        /// Whether it is an object by default.
        open: bool,
    },
    /// Several others.
    Refs(Kind),
}

/// The fields of a resource.
pub fn of<T: Resource>() -> Vec<Shape> {
    T::FIELDS.iter().map(Field::shape).collect()
}

/// The fields of a resource where a request may not set these: they are ignored like what is read-only.
pub fn without<T: Resource>(ignored: &[&str]) -> Vec<Shape> {
    let mut shapes = of::<T>();
    for shape in shapes.iter_mut().filter(|shape| ignored.contains(&shape.name)) {
        shape.writable = false;
    }
    shapes
}

impl<T: 'static> Field<T> {
    fn shape(&self) -> Shape {
        let kind = match &self.is {
            Is::Value(of, _) => ShapeKind::Value(*of),
            Is::Embedded(object) => object.shape(),
            Is::Ref(kind, _) => ShapeKind::Ref { kind: *kind, open: false },
            Is::OpenRef(kind, _) => ShapeKind::Ref { kind: *kind, open: true },
            Is::Refs(kind, _) => ShapeKind::Refs(*kind),
        };
        Shape {
            name: self.name,
            doc: self.doc,
            writable: self.writable,
            input: self.input,
            optional: self.present.is_some(),
            kind,
        }
    }
}

impl Kind {
    /// Its name in the OpenAPI document.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Partner => PartnerView::NAME,
            Kind::User => UserView::NAME,
            Kind::Promocode => PromocodeView::NAME,
            Kind::Deal => Deal::NAME,
            Kind::Order => OrderView::NAME,
            Kind::Event => EventView::NAME,
            Kind::Set => SetView::NAME,
            Kind::Ticket => TicketView::NAME,
            Kind::Venue => Venue::NAME,
            Kind::Map => MapView::NAME,
            Kind::Sector => SectorView::NAME,
            Kind::City => City::NAME,
            Kind::Country => Country::NAME,
            Kind::Attachment => AttachmentView::NAME,
        }
    }

    /// What a reference of this kind holds: in requests it may be null.
    pub fn key(self) -> Type {
        match self {
            Kind::City => Type::City,
            Kind::Country => Type::Country,
            _ => Type::OptId,
        }
    }

    /// The fields that a `fields-schema` may name below a reference of this kind.
    pub fn fields(self) -> Vec<Shape> {
        match self {
            Kind::Partner => of::<PartnerView>(),
            Kind::User => of::<UserView>(),
            Kind::Promocode => of::<PromocodeView>(),
            Kind::Deal => of::<Deal>(),
            Kind::Order => of::<OrderView>(),
            Kind::Event => of::<EventView>(),
            Kind::Set => of::<SetView>(),
            Kind::Ticket => of::<TicketView>(),
            Kind::Venue => of::<Venue>(),
            Kind::Map => of::<MapView>(),
            Kind::Sector => of::<SectorView>(),
            Kind::City => of::<City>(),
            Kind::Country => of::<Country>(),
            Kind::Attachment => of::<AttachmentView>(),
        }
    }
}
