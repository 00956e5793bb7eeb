//! Fields of orders (`spec/v1.md`, Orders).

use std::collections::BTreeMap;

use super::write::{Made, MadeList};
use super::{Cell, Field, Key, Kind, Resource, Type};
use crate::app::orders::OrderView;
use crate::domain::customer::OrderCustomer;
use crate::domain::id::{CustomerId, PromocodeId, SetId};
use crate::domain::money::Money;
use crate::domain::order::{OrderPayment, OrderStatus};
use crate::domain::pricing::{Line, Values};

/// The words of an order's status.
pub const STATUSES: &[&str] = &[
    OrderStatus::Executed.as_str(),
    OrderStatus::InProgress.as_str(),
    OrderStatus::Done.as_str(),
    OrderStatus::Canceled.as_str(),
    OrderStatus::Expired.as_str(),
    OrderStatus::Refunded.as_str(),
];

impl Resource for OrderView {
    const NAME: &'static str = "Order";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |view| {
            Cell::time(Some(view.order.created_at))
        })
        .read_only(),
        Field::<Self>::embedded("customer", "Whom it is for", &Made::<OrderView, Person>(Person::of)),
        Field::<Self>::reference(
            "deal",
            "The deal it is sold under, which is fixed; the caller's accepted one unless given; null where the organizer \
             sells",
            Kind::Deal,
            |view| view.order.sale.deal().map(Key::from),
        ),
        Field::<Self>::reference("event", "The event; may be left out with tickets", Kind::Event, |view| {
            Some(view.order.event.into())
        }),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.order.id)).read_only(),
        Field::<Self>::value("number", "What people call it", Type::Int(100_000_000, 9_999_999_999), |view| {
            Cell::Int(view.order.number)
        })
        .read_only(),
        Field::<Self>::reference("org", "The organizer of the event", Kind::Partner, |view| {
            Some(view.order.org.into())
        })
        .read_only(),
        Field::<Self>::embedded(
            "payment",
            "How it is paid",
            &Made::<OrderView, OrderPayment>(|view| view.order.payment.clone()),
        ),
        Field::<Self>::references(
            "promocodes",
            "Its promocodes; a request gives their codes",
            Kind::Promocode,
            |view| view.promocodes.iter().map(|id| Key::from(*id)).collect::<Vec<_>>().into(),
        )
        .input(Type::OptTexts),
        Field::<Self>::value("reserved_till", "Until when its tickets are held", Type::Time, |view| {
            Cell::time(Some(view.order.reserved_till))
        })
        .read_only(),
        Field::<Self>::value("rules", "The rule of each set that it has a ticket of", Type::IdMap, |view| {
            let rules = view.order.rules.iter().map(|(set, rule)| format!("\"{set}\":\"{rule}\""));
            Cell::Json(format!("{{{}}}", rules.collect::<Vec<_>>().join(",")).into())
        })
        .read_only(),
        Field::<Self>::value("status", "Where it stands", Type::Word(STATUSES), |view| {
            Cell::str(view.order.status.as_str())
        }),
        Field::<Self>::references("tickets", "Its tickets; a request gives the whole wish", Kind::Ticket, |view| {
            view.lines.iter().map(|line| Key::from(line.ticket)).collect::<Vec<_>>().into()
        }),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(Some(view.order.updated_at))
        })
        .read_only(),
        Field::<Self>::value("value", "The sum of the prices after discount", Type::Money, |view| {
            Cell::text(view.order.values.nominal)
        })
        .read_only(),
        Field::<Self>::value("value_extra", "The sum of the surcharges", Type::Money, |view| {
            Cell::text(view.order.values.extra)
        })
        .read_only(),
        Field::<Self>::embedded("values", "What it costs", &Made::<OrderView, Costs>(Costs::of)).read_only(),
        Field::<Self>::reference("vendor", "Who sells it", Kind::Partner, |view| Some(view.order.vendor.into()))
            .read_only(),
    ];
}

/// The customer of an order, with the vendor's record of it.
pub struct Person {
    given: OrderCustomer,
    user: Option<CustomerId>,
}

impl Person {
    fn of(view: &OrderView) -> Self {
        Self { given: view.order.customer.clone(), user: view.order.customer_id }
    }
}

impl Resource for Person {
    const NAME: &'static str = "OrderCustomer";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("email", "Email address", Type::OptText, |person| {
            Cell::opt(person.given.email.as_deref())
        }),
        Field::<Self>::value("first_name", "Given name", Type::OptText, |person| {
            Cell::opt(person.given.first_name.as_deref())
        }),
        Field::<Self>::value("lang", "Language, such as ru", Type::OptText, |person| {
            Cell::opt(person.given.lang.as_deref())
        }),
        Field::<Self>::value("last_name", "Family name", Type::OptText, |person| {
            Cell::opt(person.given.last_name.as_deref())
        }),
        Field::<Self>::value("mobile", "Telephone number", Type::OptText, |person| {
            Cell::opt(person.given.mobile.as_deref())
        }),
        Field::<Self>::value("user", "The vendor's record of the customer; never an account", Type::OptId, |person| {
            person.user.map_or(Cell::Null, Cell::text)
        })
        .read_only(),
    ];
}

impl Resource for OrderPayment {
    const NAME: &'static str = "OrderPayment";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value(
            "failure_url",
            "Where the customer is sent when paying failed",
            Type::OptText,
            |payment| Cell::opt(payment.failure_url.as_deref()),
        ),
        Field::<Self>::value("success_url", "Where the customer is sent after paying", Type::OptText, |payment| {
            Cell::opt(payment.success_url.as_deref())
        }),
        Field::<Self>::value("redirect_url", "Where the customer pays", Type::OptText, |payment| {
            Cell::opt(payment.redirect_url.as_deref())
        })
        .read_only(),
        Field::<Self>::value("system", "The payment system; a request may also say api/BASE", Type::OptId, |payment| {
            payment.system.map_or(Cell::Null, |system| Cell::text(system.id()))
        })
        .input(Type::OptText),
        Field::<Self>::value(
            "send_tickets",
            "In requests: whether the tickets are mailed to the customer once it is done",
            Type::Bool,
            |payment| Cell::Bool(payment.send_tickets),
        )
        .present_if(|_| false),
    ];
}

/// The sums of an order, and what each of its sets costs.
pub struct Costs {
    values: Values,
    sets: Vec<CostOfSet>,
}

impl Costs {
    fn of(view: &OrderView) -> Self {
        let mut sets: Vec<CostOfSet> = Vec::new();
        let mut known: BTreeMap<SetId, usize> = BTreeMap::new();
        for line in &view.lines {
            known.entry(line.set).or_insert_with(|| {
                sets.push(CostOfSet::of(line));
                sets.len()
            });
        }
        Self { values: view.order.values, sets }
    }
}

impl Resource for Costs {
    const NAME: &'static str = "OrderValues";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("discount", "The sum of the discounts", Type::Money, |costs| {
            Cell::text(costs.values.discount)
        }),
        Field::<Self>::value("extra", "The sum of the surcharges", Type::Money, |costs| Cell::text(costs.values.extra)),
        Field::<Self>::value("full", "What the customer pays", Type::Money, |costs| Cell::text(costs.values.full)),
        Field::<Self>::value("nominal", "The sum of the prices after discount", Type::Money, |costs| {
            Cell::text(costs.values.nominal)
        }),
        Field::<Self>::embedded(
            "sets",
            "What a ticket of each set costs",
            &MadeList::<Costs, CostOfSet>(|costs| costs.sets.clone()),
        ),
    ];
}

/// What a ticket of a set costs in an order.
#[derive(Clone)]
pub struct CostOfSet {
    set: SetId,
    price: Money,
    discount: Money,
    promocode: Option<PromocodeId>,
}

impl CostOfSet {
    fn of(line: &Line) -> Self {
        Self { set: line.set, price: line.split.nominal, discount: line.discount, promocode: line.promocode }
    }
}

impl Resource for CostOfSet {
    const NAME: &'static str = "OrderSet";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "The set", Type::Id, |cost| Cell::text(cost.set)),
        Field::<Self>::value("p", "Its price after discount", Type::Money, |cost| Cell::text(cost.price)),
        Field::<Self>::value("d", "The discount", Type::Money, |cost| Cell::text(cost.discount)),
        Field::<Self>::value("ps", "The promocodes that gave it", Type::Ids, |cost| Cell::texts(cost.promocode)),
    ];
}
