//! Fields of promocodes (`spec/v1.md`, Promocodes).

use std::borrow::Cow;

use super::write::{Maybe, One};
use super::{Cell, Field, Key, Kind, Resource, Type};
use crate::app::promocodes::PromocodeView;
use crate::domain::access::Sight;
use crate::domain::promocode::{Discount, Promocode, TicketsCount};

/// The largest number of tickets that a field takes.
pub const TICKETS_MAX: i64 = 1_000_000_000;
const TICKETS: Type = Type::OptInt(1, TICKETS_MAX);

impl Resource for PromocodeView {
    const NAME: &'static str = "Promocode";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("amount", "How many tickets it may be used for; null: any number", TICKETS, |view| {
            if seen_whole(view) { opt_int(view.promocode.amount) } else { Cell::Null }
        }),
        Field::<Self>::value("code", "What customers type, in any case", Type::Text, |view| {
            Cell::str(&view.promocode.code)
        }),
        Field::<Self>::embedded(
            "counter",
            "How often it is used",
            &Maybe::<PromocodeView, Promocode>(|view| seen_whole(view).then_some(&view.promocode)),
        )
        .read_only(),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |view| {
            Cell::time(Some(view.promocode.created_at))
        })
        .read_only(),
        Field::<Self>::value("desc", "Description", Type::OptText, |view| {
            if seen_whole(view) { Cell::opt(view.promocode.desc.as_deref()) } else { Cell::Null }
        }),
        Field::<Self>::embedded(
            "discount",
            "What it takes off each ticket: one of the two",
            &One::<PromocodeView, Discount>(|view| &view.promocode.discount),
        ),
        Field::<Self>::reference("event", "The event", Kind::Event, |view| Some(view.promocode.event.into()))
            .read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.promocode.id)).read_only(),
        Field::<Self>::value("lifetime", "When orders may be given it; null: always", Type::OptVevent, |view| {
            view.promocode.lifetime.map_or(Cell::Null, |lifetime| Cell::text(lifetime.to_vevent()))
        }),
        Field::<Self>::value("name", "Name", Type::OptText, |view| Cell::opt(view.promocode.name.as_deref())),
        Field::<Self>::references("sets", "The sets it is for; empty: all", Kind::Set, |view| {
            view.promocode.sets.iter().map(|set| Key::from(*set)).collect::<Vec<_>>().into()
        }),
        Field::<Self>::embedded(
            "tickets_count",
            "How many tickets in its sets an order has to have",
            &One::<PromocodeView, TicketsCount>(|view| &view.promocode.tickets_count),
        ),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(Some(view.promocode.updated_at))
        })
        .read_only(),
    ];
}

fn seen_whole(view: &PromocodeView) -> bool {
    view.sight == Sight::Full
}

fn opt_int(number: Option<i64>) -> Cell<'static> {
    number.map_or(Cell::Null, Cell::Int)
}

/// How often it is used.
impl Resource for Promocode {
    const NAME: &'static str = "PromocodeCounter";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("held", "Tickets of orders that are not paid yet", Type::Int(0, i64::MAX), |promocode| {
            Cell::Int(promocode.held)
        }),
        Field::<Self>::value("used", "Tickets that were paid", Type::Int(0, i64::MAX), |promocode| {
            Cell::Int(promocode.used)
        }),
    ];
}

impl Resource for Discount {
    const NAME: &'static str = "Discount";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("fix", "An amount", Type::Share, |discount| match discount {
            Discount::Fix(amount) => Cell::text(amount),
            Discount::Percentage(_) => Cell::Null,
        })
        .present_if(|discount| matches!(discount, Discount::Fix(_))),
        Field::<Self>::value("fixed", "The same as fix, in requests", Type::Share, |_| Cell::Null)
            .present_if(|_| false),
        Field::<Self>::value("percentage", "A part of the price", Type::Share, |discount| match discount {
            Discount::Percentage(percent) => Cell::Text(Cow::Owned(percent.display_min(0))),
            Discount::Fix(_) => Cell::Null,
        })
        .present_if(|discount| matches!(discount, Discount::Percentage(_))),
    ];
}

impl Resource for TicketsCount {
    const NAME: &'static str = "TicketsCount";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("max", "At most; null: any number", TICKETS, |count| opt_int(count.max)),
        Field::<Self>::value("min", "At least; null: any number", TICKETS, |count| opt_int(count.min)),
    ];
}
