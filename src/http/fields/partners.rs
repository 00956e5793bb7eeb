//! Fields of partners (`spec/v1.md`, Partners). What only the partner itself, the platform and the other side of a deal
//! may see is null for everybody else.

use super::attachments::Pictures;
use super::write::{Maybe, One};
use super::{Cell, Field, Kind, Resource, Type};
use crate::app::partners::PartnerView;
use crate::domain::contact::{Bank, Contact, Detail, Legal, Who};

/// The words of a partner's roles.
pub const ROLES: &[&str] = &["org", "agent", "core"];

impl Resource for PartnerView {
    const NAME: &'static str = "Partner";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("channels", "Channels of distribution", Type::OptText, |view| {
            Cell::opt(view.partner.channels.as_deref())
        }),
        Field::<Self>::embedded(
            "contact",
            "How to reach the partner; only what was given",
            &One::<PartnerView, Contact>(|view| &view.partner.contact),
        ),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |view| Cell::time(view.partner.created_at))
            .read_only(),
        Field::<Self>::value("desc", "Description", Type::OptText, |view| {
            Cell::opt(view.partner.description.as_deref())
        }),
        Field::<Self>::value(
            "director",
            "Head of the organization; null for partners without a deal with it",
            Type::OptText,
            |view| {
                if view.is_full() { Cell::opt(view.partner.director.as_deref()) } else { Cell::Null }
            },
        ),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.partner.id)).read_only(),
        Field::<Self>::embedded(
            "legal",
            "The legal person; null for partners without a deal with it",
            &Maybe::<PartnerView, Legal>(|view| if view.is_full() { view.partner.legal.as_ref() } else { None }),
        ),
        Field::<Self>::embedded(
            "media",
            "Pictures shown with the partner, the first one as its logo",
            &Pictures(|view: &PartnerView| &view.partner.media),
        )
        .input(Type::AttachmentsInput),
        Field::<Self>::value("name", "Name", Type::Text, |view| Cell::text(&view.partner.name)),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |view| {
            Cell::Bool(view.partner.removed)
        }),
        Field::<Self>::value(
            "roles",
            "What it may do: organize events, sell as an agent, run the platform",
            Type::Words(ROLES),
            |view| Cell::texts(view.partner.roles.iter()),
        ),
        Field::<Self>::value("tags", "Tags", Type::Texts, |view| Cell::texts(&view.partner.tags)),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(view.partner.updated_at)
        })
        .read_only(),
        Field::<Self>::open_reference(
            "user",
            "An owner who stands for it; null for partners without a deal with it",
            Kind::User,
            |view| view.is_full().then(|| view.partner.user.into()),
        )
        .read_only(),
    ];
}

/// A field of a contact: left out where it was never given, null where null was.
fn given(value: &Option<Option<String>>) -> Cell<'_> {
    Cell::opt(value.as_ref().and_then(|value| value.as_deref()))
}

impl Resource for Contact {
    const NAME: &'static str = "Contact";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("address", "Postal address", Type::OptText, |contact| given(&contact.address))
            .present_if(|contact| contact.address.is_some()),
        Field::<Self>::value("email", "Email address", Type::OptText, |contact| given(&contact.email))
            .present_if(|contact| contact.email.is_some()),
        Field::<Self>::value("id", "The partner's own reference", Type::OptText, |contact| given(&contact.id))
            .present_if(|contact| contact.id.is_some()),
        Field::<Self>::value("phones", "Phone numbers", Type::OptTexts, |contact| match contact.phones.as_ref() {
            Some(Some(phones)) => Cell::texts(phones),
            _ => Cell::Null,
        })
        .present_if(|contact| contact.phones.is_some()),
        Field::<Self>::value("www", "Address on the web", Type::OptText, |contact| given(&contact.www))
            .present_if(|contact| contact.www.is_some()),
        Field::<Self>::value("name", "Whom to ask for", Type::OptText, |contact| given(&contact.name))
            .present_if(|contact| contact.name.is_some()),
    ];
}

impl Resource for Legal {
    const NAME: &'static str = "Legal";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("type", "Kind of legal person", Type::OptText, |legal| Cell::opt(legal.r#type.as_deref())),
        Field::<Self>::embedded("bank", "Bank account", &One::<Legal, Bank>(|legal| &legal.bank)),
        Field::<Self>::embedded("detail", "Registration", &One::<Legal, Detail>(|legal| &legal.detail)),
        Field::<Self>::embedded("who", "Who signs", &One::<Legal, Who>(|legal| &legal.who)),
    ];
}

impl Resource for Bank {
    const NAME: &'static str = "LegalBank";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("bik", "Bank identification code", Type::OptText, |bank| Cell::opt(bank.bik.as_deref())),
        Field::<Self>::value("ks", "Correspondent account", Type::OptText, |bank| Cell::opt(bank.ks.as_deref())),
        Field::<Self>::value("name", "Name of the bank", Type::OptText, |bank| Cell::opt(bank.name.as_deref())),
        Field::<Self>::value("rs", "Settlement account", Type::OptText, |bank| Cell::opt(bank.rs.as_deref())),
    ];
}

impl Resource for Detail {
    const NAME: &'static str = "LegalDetail";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("address", "Registered address", Type::OptText, |detail| {
            Cell::opt(detail.address.as_deref())
        }),
        Field::<Self>::value("inn", "Taxpayer's number", Type::OptText, |detail| Cell::opt(detail.inn.as_deref())),
        Field::<Self>::value("kpp", "Tax registration reason code", Type::OptText, |detail| {
            Cell::opt(detail.kpp.as_deref())
        }),
        Field::<Self>::value("ogrn", "Registration number of a company", Type::OptText, |detail| {
            Cell::opt(detail.ogrn.as_deref())
        }),
        Field::<Self>::value("ogrnip", "Registration number of an entrepreneur", Type::OptText, |detail| {
            Cell::opt(detail.ogrnip.as_deref())
        }),
        Field::<Self>::value("name", "Full name", Type::OptText, |detail| Cell::opt(detail.name.as_deref())),
        Field::<Self>::value("nds", "Whether it pays value added tax", Type::BoolOrNull, |detail| {
            detail.nds.map_or(Cell::Null, Cell::Bool)
        }),
        Field::<Self>::value("taxes", "System of taxation", Type::OptText, |detail| Cell::opt(detail.taxes.as_deref())),
        Field::<Self>::value("type", "Kind of legal person", Type::OptText, |detail| {
            Cell::opt(detail.r#type.as_deref())
        }),
    ];
}

impl Resource for Who {
    const NAME: &'static str = "LegalWho";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("name", "Name", Type::OptText, |who| Cell::opt(who.name.as_deref())),
        Field::<Self>::value("position", "Position", Type::OptText, |who| Cell::opt(who.position.as_deref())),
        Field::<Self>::value("reason", "What entitles to sign", Type::OptText, |who| Cell::opt(who.reason.as_deref())),
    ];
}
