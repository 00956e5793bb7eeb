//! Fields of a partner's settings (`spec/v1.md`, Partners).

use super::{Cell, Field, Resource, Type};
use crate::app::settings::SettingsView;
use crate::domain::partner::RefundApproval;

/// Who may approve a refund.
pub const APPROVERS: &[&str] = &[RefundApproval::Vendor.as_str(), RefundApproval::Organizer.as_str()];

impl Resource for SettingsView {
    const NAME: &'static str = "Settings";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value(
            "accept_org_min",
            "The least share of an organizer that its proposals are accepted automatically from",
            Type::Share,
            |view| Cell::text(view.settings.accept_org_min),
        )
        .input(Type::ShareInput),
        Field::<Self>::value("auto_accept_deals", "Whether proposals are accepted automatically", Type::Bool, |view| {
            Cell::Bool(view.settings.auto_accept_deals)
        }),
        Field::<Self>::value(
            "core",
            "The platform's commission in new deals; set by the platform alone",
            Type::Share,
            |view| Cell::text(view.core.text(2)),
        )
        .input(Type::ShareInput),
        Field::<Self>::value("extra", "The service fee on tickets the organizer sells itself", Type::Share, |view| {
            Cell::text(view.settings.extra.text(1))
        })
        .input(Type::ShareInput),
        Field::<Self>::value("hold_minutes", "How long an order holds its tickets", Type::Int(1, 60), |view| {
            Cell::Int(view.settings.hold_minutes.into())
        }),
        Field::<Self>::value("refund_approval", "Who may approve a refund", Type::Word(APPROVERS), |view| {
            Cell::str(view.settings.refund_approval.as_str())
        }),
    ];
}
