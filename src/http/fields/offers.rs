//! Fields of events for sale (`spec/v1.md`, Events for sale, in one request).

use super::attachments::{Picture, Pictures};
use super::events::{AGE_RATINGS, Cover, STATUSES};
use super::sets::ranges;
use super::write::{List, Maybe, One};
use super::{Cell, Field, Kind, Resource, Type};
use crate::app::offers::{Card, Drawing, Facets, MapCard, Offer};
use crate::app::partners::PartnerView;
use crate::app::sets::{RuleView, SetView};
use crate::domain::attachment::Size;
use crate::domain::contact::{Contact, Detail};
use crate::domain::event::Title;
use crate::domain::id::AttachmentId;
use crate::domain::map::Sector;
use crate::domain::place::{Point, Venue};
use crate::domain::set::{AMOUNT_MAX, POS_MAX};
use crate::domain::share::{Percent, Share};
use crate::domain::terms::Terms;
use crate::places::{self, City, Country};

const COUNT: Type = Type::Int(0, AMOUNT_MAX);

impl Resource for Offer {
    const NAME: &'static str = "Offer";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("age_rating", "The age it is rated for", Type::IntOf(AGE_RATINGS), |offer| {
            Cell::Int(offer.event.age_rating.years().into())
        }),
        Field::<Self>::value("allow_other_ps", "Always false", Type::Bool, |_| Cell::Bool(false)),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |offer| Cell::time(offer.event.created_at)),
        Field::<Self>::embedded(
            "deal",
            "The terms under which the caller sells it; null for the caller's own events",
            &Maybe::<Offer, Card<Terms>>(|offer| offer.terms.as_ref()),
        ),
        Field::<Self>::value("id", "Id", Type::Id, |offer| Cell::text(offer.event.id)),
        Field::<Self>::embedded(
            "legal_detail",
            "The legal person that organizes it",
            &Maybe::<Offer, Card<Detail>>(|offer| offer.legal_detail.as_deref()),
        ),
        Field::<Self>::value("lifetime", "From its start to its end", Type::Vevent, |offer| {
            Cell::text(offer.event.lifetime.to_vevent())
        }),
        Field::<Self>::embedded("map", "The plan of the place", &Maybe::<Offer, MapCard>(|offer| offer.map.as_deref())),
        Field::<Self>::embedded("media", "Pictures", &One::<Offer, Cover>(|offer| &offer.event.cover)),
        Field::<Self>::embedded(
            "org",
            "The organizer",
            &Maybe::<Offer, Card<PartnerView>>(|offer| offer.org.as_deref()),
        ),
        Field::<Self>::embedded(
            "partner",
            "Who sells it: the caller",
            &Maybe::<Offer, Card<PartnerView>>(|offer| offer.partner.as_deref()),
        ),
        Field::<Self>::embedded(
            "sets",
            "The categories of tickets, by their place",
            &List::<Offer, Card<SetView>>(|offer| &offer.sets),
        ),
        Field::<Self>::value("status", "Where the event stands", Type::Word(STATUSES), |offer| {
            Cell::str(offer.event.status.as_str())
        }),
        Field::<Self>::value("tags", "Tags", Type::Texts, |offer| Cell::texts(&offer.event.tags)),
        Field::<Self>::embedded(
            "ticket_template",
            "What its tickets look like; there is no choice yet",
            &One::<Offer, TicketTemplate>(|_| &TicketTemplate),
        ),
        Field::<Self>::value("tickets_amount", "Tickets of its sets", Type::Int(0, i64::MAX), |offer| {
            Cell::Int(offer.tickets())
        }),
        Field::<Self>::value("tickets_amount_vacant", "Those that can be had", Type::Int(0, i64::MAX), |offer| {
            Cell::Int(offer.vacant())
        }),
        Field::<Self>::embedded("title", "Title and description", &One::<Offer, Title>(|offer| &offer.event.title)),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |offer| {
            Cell::time(offer.event.updated_at)
        }),
        Field::<Self>::embedded(
            "venue",
            "Where it takes place",
            &Maybe::<Offer, Card<Venue>>(|offer| offer.venue.as_deref()),
        ),
    ];
}

impl Resource for Facets {
    const NAME: &'static str = "OfferFilters";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::embedded("cities", "Cities", &List::<Facets, City>(|facets| &facets.cities)),
        Field::<Self>::embedded("countries", "Countries", &List::<Facets, Country>(|facets| &facets.countries)),
        Field::<Self>::embedded("venues", "Places", &List::<Facets, Card<Venue>>(|facets| &facets.venues)),
        Field::<Self>::embedded("orgs", "Organizers", &List::<Facets, Card<PartnerView>>(|facets| &facets.orgs)),
        Field::<Self>::value("tags", "Tags", Type::Texts, |facets| Cell::texts(&facets.tags)),
    ];
}

impl Resource for Card<Terms> {
    const NAME: &'static str = "OfferDeal";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("org", "What the organizer gets", Type::Share, |card| {
            Cell::Text(card.0.org.text(1).into())
        }),
        Field::<Self>::value(
            "agent",
            "What is left of the nominal: 100% less org; null where org is an amount",
            Type::OptText,
            |card| match card.0.org {
                Share::Percent(org) => Percent::from_units(Percent::HUNDRED.units() - org.units())
                    .map_or(Cell::Null, |rest| Cell::Text(rest.display_min(1).into())),
                Share::Amount(_) => Cell::Null,
            },
        ),
        Field::<Self>::value("extra", "The surcharge that the agent puts on top", Type::Share, |card| {
            Cell::Text(card.0.extra.text(1).into())
        }),
        Field::<Self>::embedded("media", "Always empty", &Pictures(|_: &Card<Terms>| &[])),
        Field::<Self>::value("pfc", "Whether the customer pays the platform's commission on top", Type::Bool, |card| {
            Cell::Bool(card.0.pfc)
        }),
    ];
}

impl Resource for Card<Detail> {
    const NAME: &'static str = "OfferLegalDetail";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("name", "Full name", Type::OptText, |card| Cell::opt(card.0.name.as_deref())),
        Field::<Self>::value("inn", "Taxpayer's number", Type::OptText, |card| Cell::opt(card.0.inn.as_deref())),
        Field::<Self>::value("ogrn", "Registration number of a company", Type::OptText, |card| {
            Cell::opt(card.0.ogrn.as_deref())
        }),
        Field::<Self>::value("ogrnip", "Registration number of an entrepreneur", Type::OptText, |card| {
            Cell::opt(card.0.ogrnip.as_deref())
        }),
        Field::<Self>::value("address", "Registered address", Type::OptText, |card| {
            Cell::opt(card.0.address.as_deref())
        }),
    ];
}

impl Resource for MapCard {
    const NAME: &'static str = "OfferMap";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id", Type::Id, |card| Cell::text(card.map.id)),
        Field::<Self>::value("name", "Name", Type::Text, |card| Cell::str(&card.map.name)),
        Field::<Self>::value("desc", "Description", Type::OptText, |card| Cell::opt(card.map.desc.as_deref())),
        Field::<Self>::embedded(
            "sectors",
            "Its parts, from the stage on",
            &List::<MapCard, Sector>(|card| &card.map.sectors),
        ),
        Field::<Self>::embedded("svg", "Its drawing", &One::<MapCard, Card<Drawing>>(|card| &card.drawing)),
    ];
}

impl Resource for Sector {
    const NAME: &'static str = "OfferSector";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id", Type::Id, |sector| Cell::text(sector.id)),
        Field::<Self>::value("name", "Name", Type::Text, |sector| Cell::str(&sector.name)),
        Field::<Self>::value("desc", "Description", Type::OptText, |sector| Cell::opt(sector.desc.as_deref())),
    ];
}

impl Resource for Card<Drawing> {
    const NAME: &'static str = "OfferDrawings";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::embedded("map", "The drawing", &One::<Card<Drawing>, Drawing>(|card| &card.0)),
        Field::<Self>::embedded(
            "mapz",
            "Always null: the drawing is compressed for whoever accepts gzip",
            &Maybe::<Card<Drawing>, Drawing>(|_| None),
        ),
        Field::<Self>::embedded("source", "The same as map", &One::<Card<Drawing>, Drawing>(|card| &card.0)),
    ];
}

impl Resource for Drawing {
    const NAME: &'static str = "OfferDrawing";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::reference("author", "The organizer whose map it is", Kind::Partner, |drawing| {
            Some(drawing.org.into())
        }),
        Field::<Self>::value("content_type", "Media type", Type::Text, |_| Cell::str("image/svg+xml")),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |drawing| {
            Cell::time(Some(drawing.created_at))
        }),
        Field::<Self>::value("id", "The map's id", Type::Id, |drawing| Cell::text(drawing.map)),
        Field::<Self>::value("length", "Null: it is drawn when it is asked for", Type::OptInt(0, i64::MAX), |_| {
            Cell::Null
        }),
        Field::<Self>::value("md5", "Null: it is drawn when it is asked for", Type::OptText, |_| Cell::Null),
        Field::<Self>::value("md5hash", "The same as md5", Type::OptText, |_| Cell::Null),
        Field::<Self>::value("removed", "Whether the map has been removed", Type::Bool, |drawing| {
            Cell::Bool(drawing.removed)
        }),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |drawing| {
            Cell::time(Some(drawing.updated_at))
        }),
        Field::<Self>::value("url", "Where it is served, to every partner", Type::Text, |drawing| {
            Cell::str(&drawing.url)
        }),
    ];
}

impl Resource for Card<PartnerView> {
    const NAME: &'static str = "OfferPartner";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id", Type::Id, |card| Cell::text(card.0.partner.id)),
        Field::<Self>::embedded(
            "contact",
            "How to reach the partner; only what was given",
            &One::<Card<PartnerView>, Contact>(|card| &card.0.partner.contact),
        ),
        Field::<Self>::value("desc", "Description", Type::OptText, |card| {
            Cell::opt(card.0.partner.description.as_deref())
        }),
        Field::<Self>::embedded("media", "The logo", &One::<Card<PartnerView>, Logos>(|card| &card.0.partner.media)),
        Field::<Self>::value("name", "Name", Type::Text, |card| Cell::text(&card.0.partner.name)),
        Field::<Self>::value("tags", "Tags", Type::Texts, |card| Cell::texts(&card.0.partner.tags)),
    ];
}

/// The logo of a partner: its first picture.
type Logos = Vec<AttachmentId>;

impl Resource for Logos {
    const NAME: &'static str = "OfferLogo";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::embedded("logo_original", "As it was uploaded", &Picture::<Logos>(first, None)),
        Field::<Self>::embedded("logo", "For pages", &Picture::<Logos>(first, Some(Size::Large))),
        Field::<Self>::embedded("logo_small", "For lists", &Picture::<Logos>(first, Some(Size::Small))),
    ];
}

fn first(media: &Logos) -> Option<AttachmentId> {
    media.first().copied()
}

impl Resource for Card<SetView> {
    const NAME: &'static str = "OfferSet";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("amount", "Tickets in all", COUNT, |card| Cell::Int(card.0.set.amount)),
        Field::<Self>::value("amount_vacant", "Tickets that can be had", COUNT, |card| Cell::Int(card.0.vacant)),
        Field::<Self>::value("desc", "Description", Type::OptText, |card| Cell::opt(card.0.set.description.as_deref())),
        Field::<Self>::value("id", "Id", Type::Id, |card| Cell::text(card.0.set.id)),
        Field::<Self>::value("name", "Name", Type::Text, |card| Cell::str(&card.0.set.name)),
        Field::<Self>::value("pos", "Place among the sets of the event", Type::Int(0, POS_MAX), |card| {
            Cell::Int(card.0.set.pos)
        }),
        Field::<Self>::value("price", "Nominal and surcharge", Type::Money, |card| Cell::text(card.0.price.full)),
        Field::<Self>::value("price_extra", "The surcharge on the caller's terms", Type::Money, |card| {
            Cell::text(card.0.price.extra)
        }),
        Field::<Self>::value("price_org", "The nominal", Type::Money, |card| Cell::text(card.0.price.nominal)),
        Field::<Self>::embedded(
            "rules",
            "The steps of its price, by their start",
            &List::<Card<SetView>, RuleView>(|card| &card.0.rules),
        ),
        Field::<Self>::value("seats", "Its seats: by row, ranges by their first and last", Type::Seats, |card| {
            card.0.set.seats.as_ref().map_or(Cell::Null, |seats| Cell::Json(ranges(seats).into()))
        }),
        Field::<Self>::reference("sector", "The part of the map where its seats are", Kind::Sector, |card| {
            card.0.set.seats.as_ref().map(|seats| seats.sector.into())
        }),
        Field::<Self>::value("with_seats", "Whether its tickets have seats", Type::Bool, |card| {
            Cell::Bool(card.0.set.with_seats())
        }),
    ];
}

/// What the tickets of an event look like.
pub struct TicketTemplate;

impl Resource for TicketTemplate {
    const NAME: &'static str = "OfferTicketTemplate";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("fan_cover_url", "Always null", Type::OptText, |_| Cell::Null),
        Field::<Self>::value("name", "Always null", Type::OptText, |_| Cell::Null),
        Field::<Self>::value("text_color", "Always null", Type::OptText, |_| Cell::Null),
    ];
}

impl Resource for Card<Venue> {
    const NAME: &'static str = "OfferVenue";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("address", "Postal address", Type::OptText, |card| Cell::opt(card.0.address.as_deref())),
        Field::<Self>::embedded("city", "The city", &Maybe::<Card<Venue>, City>(|card| places::city(card.0.city?))),
        Field::<Self>::embedded(
            "country",
            "The country",
            &Maybe::<Card<Venue>, Country>(|card| places::country(card.0.country?)),
        ),
        Field::<Self>::value("desc", "Description", Type::OptText, |card| Cell::opt(card.0.desc.as_deref())),
        Field::<Self>::value("id", "Id", Type::Id, |card| Cell::text(card.0.id)),
        Field::<Self>::value("name", "Name", Type::Text, |card| Cell::str(&card.0.name)),
        Field::<Self>::embedded("point", "Where it is", &Maybe::<Card<Venue>, Point>(|card| card.0.point.as_ref())),
    ];
}
