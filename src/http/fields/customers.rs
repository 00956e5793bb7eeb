//! Fields of customers: records of a vendor in the shape of users (`spec/v1.md`, Users and sessions).

use std::borrow::Cow;

use super::write::One;
use super::{Cell, Field, Kind, Resource, Type};
use crate::app::customers::{Crm, CrmCounters, CrmValues, CustomerView};

impl Resource for CustomerView {
    const NAME: &'static str = "Customer";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("created_at", "Time of the first order", Type::Time, |view| {
            Cell::time(Some(view.customer.created_at))
        })
        .read_only(),
        Field::<Self>::value("email", "Address", Type::Text, |view| Cell::text(&view.customer.email)).read_only(),
        Field::<Self>::value("first_name", "Given name", Type::OptText, |view| {
            Cell::opt(view.customer.first_name.as_deref())
        })
        .read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.customer.id)).read_only(),
        Field::<Self>::value("last_name", "Family name", Type::OptText, |view| {
            Cell::opt(view.customer.last_name.as_deref())
        })
        .read_only(),
        Field::<Self>::references("partners", "Always empty: a customer is no user", Kind::Partner, |_| {
            Cow::Borrowed(&[])
        })
        .read_only(),
        Field::<Self>::value("tags", "Always empty", Type::Texts, |_| Cell::Texts(Vec::new())).read_only(),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(Some(view.customer.updated_at))
        })
        .read_only(),
        Field::<Self>::embedded("crm", "What its done orders come to", &One::<CustomerView, Crm>(|view| &view.crm))
            .read_only(),
    ];
}

impl Resource for Crm {
    const NAME: &'static str = "Crm";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::embedded("values", "What was paid", &One::<Crm, CrmValues>(|crm| &crm.values)),
        Field::<Self>::embedded("counters", "How much was sold", &One::<Crm, CrmCounters>(|crm| &crm.counters)),
    ];
}

impl Resource for CrmValues {
    const NAME: &'static str = "CrmValues";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("avg", "For one order on the average", Type::Text, |values| Cell::text(values.avg)),
        Field::<Self>::value("sum", "In all", Type::Text, |values| Cell::text(values.sum)),
    ];
}

impl Resource for CrmCounters {
    const NAME: &'static str = "CrmCounters";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("orders", "Done orders", Type::Int(0, i64::MAX), |counters| Cell::Int(counters.orders)),
        Field::<Self>::value("tickets", "Their tickets", Type::Int(0, i64::MAX), |counters| {
            Cell::Int(counters.tickets)
        }),
    ];
}
