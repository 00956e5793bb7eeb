//! Fields of events (`spec/v1.md`, Events).

use super::attachments::Picture;
use super::write::{List, One};
use super::{Cell, Field, Kind, Resource, Type};
use crate::app::events::EventView;
use crate::app::sets::SetView;
use crate::domain::attachment::Size;
use crate::domain::event::{EventStatus, Title};
use crate::domain::id::AttachmentId;

/// The words of an event's status.
pub const STATUSES: &[&str] = &[
    EventStatus::Draft.as_str(),
    EventStatus::StandBy.as_str(),
    EventStatus::Public.as_str(),
    EventStatus::Cancelled.as_str(),
];
/// The ages that an event may be rated for.
pub const AGE_RATINGS: &[i64] = &[0, 6, 12, 16, 18];

impl Resource for EventView {
    const NAME: &'static str = "Event";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("age_rating", "The age it is rated for", Type::IntOf(AGE_RATINGS), |view| {
            Cell::Int(view.event.age_rating.years().into())
        }),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |view| Cell::time(view.event.created_at))
            .read_only(),
        Field::<Self>::value("currency", "Currency of its prices (ISO 4217)", Type::Text, |view| {
            Cell::text(view.event.currency)
        }),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.event.id)).read_only(),
        Field::<Self>::value("lifetime", "From its start to its end", Type::Vevent, |view| {
            Cell::text(view.event.lifetime.to_vevent())
        }),
        Field::<Self>::reference("map", "The plan of the place", Kind::Map, |view| view.event.map.map(Into::into)),
        Field::<Self>::embedded("media", "Pictures", &One::<EventView, Cover>(|view| &view.event.cover)),
        Field::<Self>::reference("org", "The organizer", Kind::Partner, |view| Some(view.event.org.into())).read_only(),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |view| {
            Cell::Bool(view.event.removed)
        })
        .read_only(),
        Field::<Self>::embedded(
            "sets",
            "The categories of tickets, by their place",
            &List::<EventView, SetView>(|view| view.sets.as_deref().unwrap_or_default()),
        )
        .read_only(),
        Field::<Self>::value("status", "Where the event stands", Type::Word(STATUSES), |view| {
            Cell::str(view.event.status.as_str())
        }),
        Field::<Self>::value("tags", "Tags", Type::Texts, |view| Cell::texts(&view.event.tags)),
        Field::<Self>::value("timezone", "IANA time zone of the place", Type::Text, |view| {
            Cell::text(&view.event.timezone)
        }),
        Field::<Self>::embedded("title", "Title and description", &One::<EventView, Title>(|view| &view.event.title)),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(view.event.updated_at)
        })
        .read_only(),
        Field::<Self>::reference("venue", "The place", Kind::Venue, |view| view.event.venue.map(Into::into)),
    ];
}

impl Resource for Title {
    const NAME: &'static str = "EventTitle";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("text", "Title", Type::Text, |title| Cell::str(&title.text)),
        Field::<Self>::value("desc", "Description", Type::OptText, |title| Cell::opt(title.desc.as_deref())),
    ];
}

/// The pictures of an event are one picture in three sizes.
pub type Cover = Option<AttachmentId>;

impl Resource for Cover {
    const NAME: &'static str = "EventMedia";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::embedded(
            "cover_original",
            "The picture as it was uploaded",
            &Picture(|cover: &Cover| *cover, None),
        )
        .input(Type::AttachmentInput),
        Field::<Self>::embedded(
            "cover",
            "The picture for pages, at most 1200 pixels wide and high",
            &Picture(|cover: &Cover| *cover, Some(Size::Large)),
        )
        .input(Type::AttachmentInput),
        Field::<Self>::embedded(
            "cover_small",
            "The picture for lists, at most 400 pixels wide and high",
            &Picture(|cover: &Cover| *cover, Some(Size::Small)),
        )
        .input(Type::AttachmentInput),
    ];
}
