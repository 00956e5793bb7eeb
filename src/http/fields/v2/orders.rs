//! Fields of orders in version 2 (`spec/v2.md`, Orders).

use serde_json::json;

use crate::app::orders::{Offer, OrderTicket, WholeOrder};
use crate::domain::customer::OrderCustomer;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderStatus, Origin, VendorData};
use crate::domain::ticket::TicketSeat;
use crate::http::fields::tickets::STATUSES as TICKET_STATUSES;
use crate::http::fields::write::{List, Made, MadeMap, Maybe, One};
use crate::http::fields::{Cell, Field, Key, Kind, Resource, Type};

/// The words of an order's status.
pub const STATUSES: &[&str] = &[
    OrderStatus::Executed.name_v2(),
    OrderStatus::InProgress.name_v2(),
    OrderStatus::Done.name_v2(),
    OrderStatus::Canceled.name_v2(),
    OrderStatus::Expired.name_v2(),
    OrderStatus::Refunded.name_v2(),
];
const ORIGINS: &[&str] =
    &[Origin::Api.as_str(), Origin::Salespoint.as_str(), Origin::Widget.as_str(), Origin::ControlPanel.as_str()];

impl Resource for WholeOrder {
    const NAME: &'static str = "OrderV2";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("code", "What the customer shows, once it is done", Type::OptText, |whole| {
            Cell::opt(whole.view.order.code.as_deref())
        })
        .read_only(),
        Field::<Self>::value("created_at", "Time of creation", Type::TimeV2, |whole| {
            Cell::time_v2(whole.view.order.created_at)
        })
        .read_only(),
        Field::<Self>::value("done_at", "When it was paid", Type::OptTimeV2, |whole| {
            whole.view.order.done_at.map_or(Cell::Null, Cell::time_v2)
        })
        .read_only(),
        Field::<Self>::reference("event", "The event; may be left out with tickets", Kind::Event, |whole| {
            Some(whole.view.order.event.into())
        }),
        Field::<Self>::value("expired_after", "Until when its tickets are held", Type::TimeV2, |whole| {
            Cell::time_v2(whole.view.order.reserved_till)
        })
        .read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |whole| Cell::text(whole.view.order.id)).read_only(),
        Field::<Self>::value("number", "What people call it", Type::Int(100_000_000, 9_999_999_999), |whole| {
            Cell::Int(whole.view.order.number)
        })
        .read_only(),
        Field::<Self>::reference("org", "The organizer of the event", Kind::Partner, |whole| {
            Some(whole.view.order.org.into())
        })
        .read_only(),
        Field::<Self>::value("origin", "What it was made through", Type::Word(ORIGINS), |whole| {
            Cell::str(whole.view.order.origin.as_str())
        })
        .read_only(),
        Field::<Self>::references(
            "promocodes",
            "Its promocodes; a request gives their codes",
            Kind::Promocode,
            |whole| whole.view.promocodes.iter().map(|id| Key::from(*id)).collect::<Vec<_>>().into(),
        )
        .input(Type::OptTexts),
        Field::<Self>::embedded(
            "settings",
            "Whom it is for, and what is done for them",
            &Made::<WholeOrder, Settings>(|whole| Settings::of(&whole.view.order)),
        ),
        Field::<Self>::value(
            "status",
            "Where it stands; a request sets done or cancelled",
            Type::Word(STATUSES),
            |whole| Cell::str(whole.view.order.status.name_v2()),
        )
        .input(Type::Word(&["done", "cancelled"])),
        Field::<Self>::embedded(
            "tickets",
            "Its tickets; a request gives the ids of all that are wished",
            &List::<WholeOrder, OrderTicket>(|whole| &whole.tickets),
        ),
        Field::<Self>::embedded("values", "What it costs", &Made::<WholeOrder, Sums>(Sums::of)).read_only(),
        Field::<Self>::reference("vendor", "Who sells it", Kind::Partner, |whole| Some(whole.view.order.vendor.into()))
            .read_only(),
        Field::<Self>::embedded(
            "vendor_data",
            "What its vendor keeps with it; null for the organizer",
            &Maybe::<WholeOrder, VendorData>(|whole| whole.vendor_data.as_ref()),
        ),
    ];
}

/// Whom an order is for, and what is done for them.
pub struct Settings {
    customer: OrderCustomer,
    send_tickets: bool,
}

impl Settings {
    pub(super) fn of(order: &Order) -> Self {
        Self { customer: order.customer.clone(), send_tickets: order.payment.send_tickets }
    }
}

impl Resource for Settings {
    const NAME: &'static str = "OrderSettings";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::embedded(
            "customer",
            "Whom it is for",
            &One::<Settings, OrderCustomer>(|settings| &settings.customer),
        ),
        Field::<Self>::value("invitation", "Always false", Type::Bool, |_| Cell::Bool(false)).read_only(),
        Field::<Self>::value(
            "send_tickets",
            "Whether the tickets are mailed to the customer once it is done",
            Type::Bool,
            |settings| Cell::Bool(settings.send_tickets),
        ),
        Field::<Self>::value("subscribe_agree", "Always false", Type::Bool, |_| Cell::Bool(false)).read_only(),
    ];
}

impl Resource for OrderCustomer {
    const NAME: &'static str = "OrderCustomerV2";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("email", "Email address", Type::OptText, |customer| Cell::opt(customer.email.as_deref())),
        Field::<Self>::value("lang", "Language, such as ru", Type::OptText, |customer| {
            Cell::opt(customer.lang.as_deref())
        }),
        Field::<Self>::value("name", "The whole name", Type::OptText, |customer| {
            customer.name().map_or(Cell::Null, Cell::text)
        }),
        Field::<Self>::value("phone", "Telephone number", Type::OptText, |customer| {
            Cell::opt(customer.mobile.as_deref())
        }),
    ];
}

impl Resource for OrderTicket {
    const NAME: &'static str = "OrderTicket";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("barcode", "What opens the gate; null until the order is done", Type::OptText, |ticket| {
            Cell::opt(ticket.barcode.as_deref())
        }),
        Field::<Self>::value("discount", "What a promocode took off", Type::Money, |ticket| {
            Cell::text(ticket.line.discount)
        }),
        Field::<Self>::value("extra", "The surcharge", Type::Money, |ticket| Cell::text(ticket.line.split.extra)),
        Field::<Self>::value("full", "What the customer pays", Type::Money, |ticket| {
            Cell::text(ticket.line.split.full)
        }),
        Field::<Self>::value("id", "Id", Type::Id, |ticket| Cell::text(ticket.ticket.id)),
        Field::<Self>::value("nominal", "The price after discount", Type::Money, |ticket| {
            Cell::text(ticket.line.split.nominal)
        }),
        Field::<Self>::value("number", "Its number in the event", Type::Int(1, 999_999_999), |ticket| {
            Cell::Int(ticket.ticket.number)
        }),
        Field::<Self>::value("price", "The price before discount", Type::Money, |ticket| Cell::text(ticket.line.price)),
        Field::<Self>::embedded(
            "seat",
            "Its seat; null in a set without seats",
            &Maybe::<OrderTicket, TicketSeat>(|ticket| ticket.ticket.seat.as_ref()),
        ),
        Field::<Self>::value("serial", "Three capital letters, the same for its set", Type::Text, |ticket| {
            Cell::str(&ticket.ticket.serial)
        }),
        Field::<Self>::reference("set", "Its set", Kind::Set, |ticket| Some(ticket.line.set.into())),
        Field::<Self>::value("status", "Whether it can be had", Type::Word(TICKET_STATUSES), |ticket| {
            Cell::str(ticket.ticket.status.as_str())
        }),
    ];
}

impl Resource for TicketSeat {
    const NAME: &'static str = "SeatV2";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("number", "Its name in the row", Type::Text, |seat| Cell::str(&seat.number)),
        Field::<Self>::value("row", "The name of its row", Type::Text, |seat| Cell::str(&seat.row)),
        Field::<Self>::value("sector", "The part of the map", Type::Id, |seat| Cell::text(seat.sector)),
    ];
}

/// The sums of an order, and what each set that is for sale costs in it.
pub struct Sums {
    discount: Money,
    extra: Money,
    full: Money,
    nominal: Money,
    offers: Vec<Offer>,
}

impl Sums {
    fn of(whole: &WholeOrder) -> Self {
        let values = whole.view.order.values;
        Self {
            discount: values.discount,
            extra: values.extra,
            full: values.full,
            nominal: values.nominal,
            offers: whole.offers.clone(),
        }
    }
}

impl Resource for Sums {
    const NAME: &'static str = "OrderSums";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("discount", "The sum of the discounts", Type::Money, |sums| Cell::text(sums.discount)),
        Field::<Self>::value("extra", "The sum of the surcharges", Type::Money, |sums| Cell::text(sums.extra)),
        Field::<Self>::value("full", "What the customer pays", Type::Money, |sums| Cell::text(sums.full)),
        Field::<Self>::value("nominal", "The sum of the prices after discount", Type::Money, |sums| {
            Cell::text(sums.nominal)
        }),
        Field::<Self>::value("price", "The sum of the prices before discount", Type::Money, |sums| {
            let minor = sums.nominal.minor.saturating_add(sums.discount.minor);
            Cell::text(Money { minor, ..sums.nominal })
        }),
        Field::<Self>::embedded(
            "sets_values",
            "What a ticket of each set that is for sale now costs in this order",
            &MadeMap::<Sums, Offer>(|sums| sums.offers.iter().map(|offer| (offer.set.into(), *offer)).collect()),
        ),
        Field::<Self>::value("viral_promocodes", "Always empty", Type::Ids, |_| Cell::Texts(Vec::new())),
    ];
}

impl Resource for Offer {
    const NAME: &'static str = "OrderOffer";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("discount", "What a promocode takes off", Type::Money, |offer| Cell::text(offer.discount)),
        Field::<Self>::reference("id", "The set", Kind::Set, |offer| Some(offer.set.into())),
        Field::<Self>::value("nominal", "The price after discount", Type::Money, |offer| Cell::text(offer.nominal)),
        Field::<Self>::value("price", "The price before discount", Type::Money, |offer| Cell::text(offer.price)),
        Field::<Self>::reference("promocode", "The promocode that gives the discount", Kind::Promocode, |offer| {
            offer.promocode.map(Key::from)
        }),
    ];
}

impl Resource for VendorData {
    const NAME: &'static str = "VendorData";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("order_id", "The vendor's own name of the order", Type::OptText, |data| {
            Cell::opt(data.order_id.as_deref())
        }),
        Field::<Self>::value(
            "raw",
            "Anything else: at most 20 keys of at most 40 characters, whose values are no objects or lists and have at \
             most 128 characters",
            Type::Scalars,
            |data| {
                // The values are JSON already.
                let pairs = data.raw.iter().map(|(key, value)| format!("{}:{value}", json!(key)));
                Cell::Json(format!("{{{}}}", pairs.collect::<Vec<_>>().join(",")).into())
            },
        ),
    ];
}
