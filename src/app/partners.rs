//! Partners: finding, creating, changing and removing them.

use super::attachments::{self, Named};
use super::callers::acting;
use super::{Error, Window, Wrong};
use crate::domain::access::{self, Caller, Sight};
use crate::domain::contact::{Contact, LegalPatch};
use crate::domain::id::{AttachmentId, PartnerId, UserId};
use crate::domain::member::{Member, MemberRole};
use crate::domain::partner::{Partner, PartnerName, Roles, Tag};
use crate::domain::user::Email;
use crate::store::{self, Tx};

pub use crate::store::partners::Filter;

/// A partner as one caller sees it.
#[derive(Clone, Debug)]
pub struct PartnerView {
    /// The partner.
    pub partner: Partner,
    /// How much of it the caller may see.
    pub sight: Sight,
}

impl PartnerView {
    /// Whether the caller may also see its director, its legal person and its user.
    pub fn is_full(&self) -> bool {
        self.sight == Sight::Full
    }
}

/// What a request sets of a partner. Outer `None`: not given; inner `None`: cleared.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Name.
    pub name: Option<PartnerName>,
    /// Roles, all of them.
    pub roles: Option<Roles>,
    /// Description.
    pub description: Option<Option<String>>,
    /// Channels of distribution.
    pub channels: Option<Option<String>>,
    /// Head of the organization.
    pub director: Option<Option<String>>,
    /// Contact, merged into what is there.
    pub contact: Option<Option<Contact>>,
    /// Legal person, merged into what is there.
    pub legal: Option<Option<LegalPatch>>,
    /// Tags, all of them.
    pub tags: Option<Vec<Tag>>,
    /// Pictures shown with it, all of them.
    pub media: Option<Vec<Named>>,
    /// Whether it is removed.
    pub removed: Option<bool>,
}

/// Partners by their ids as the caller sees them; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn views(tx: &mut Tx<'_>, caller: &Caller, ids: &[PartnerId]) -> Result<Vec<PartnerView>, Error> {
    let partners = store::partners::find_all(tx, ids)?;
    seen(tx, caller, partners)
}

/// One partner.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(tx: &mut Tx<'_>, caller: &Caller, id: PartnerId) -> Result<PartnerView, Error> {
    views(tx, caller, &[id])?.pop().ok_or(Error::NotFound("partner"))
}

/// A part of the list of partners.
///
/// # Errors
/// Those of the store.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    filter: &Filter,
    window: Window<PartnerId>,
) -> Result<Vec<PartnerView>, Error> {
    acting(caller)?;
    let partners = store::partners::list(tx, filter, window)?;
    seen(tx, caller, partners)
}

/// How many partners the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx<'_>, _: &Caller, filter: &Filter) -> Result<i64, Error> {
    Ok(store::partners::count(tx, filter)?)
}

/// Creates a partner. Its owner is the caller's user; with an API key, the user of the key's partner.
///
/// # Errors
/// [`Error::Forbidden`] for the role `core`, which only the platform gives.
pub fn create(tx: &mut Tx<'_>, caller: &Caller, id: PartnerId, changes: &Changes) -> Result<PartnerView, Error> {
    let owner = match (caller.user, &caller.partner) {
        (Some(user), _) => user,
        (None, Some(acting)) => store::partners::find(tx, acting.id)?.ok_or(Error::Unauthenticated)?.user,
        (None, None) => return Err(Error::Unauthenticated),
    };
    let media = shown(tx, caller, &[], changes)?.unwrap_or_default();
    let partner = insert(tx, id, owner, media, changes, caller.is_platform())?;
    Ok(PartnerView { partner, sight: Sight::Full })
}

/// Creates a partner for the operator of the server: any role, any owner.
///
/// # Errors
/// [`Error::Invalid`] where no user has the owner's address.
pub fn create_by_operator(
    tx: &mut Tx<'_>,
    id: PartnerId,
    owner: &Email,
    name: PartnerName,
    roles: Roles,
) -> Result<Partner, Error> {
    let owner = store::users::find_by_email(tx, owner)?
        .ok_or_else(|| Error::invalid("owner", "unknown", "no user has this address: create the user first"))?;
    let changes = Changes { name: Some(name), roles: Some(roles), ..Changes::default() };
    insert(tx, id, owner.id, Vec::new(), &changes, true)
}

fn insert(
    tx: &mut Tx<'_>,
    id: PartnerId,
    owner: UserId,
    media: Vec<AttachmentId>,
    changes: &Changes,
    by_platform: bool,
) -> Result<Partner, Error> {
    let now = Some(tx.now());
    let name = changes.name.clone().ok_or_else(|| Error::invalid("name", "required", "is required"))?;
    let mut partner = Partner {
        id,
        name,
        roles: Roles::default(),
        description: None,
        channels: None,
        director: None,
        contact: changes.contact.clone().flatten().unwrap_or_default(),
        legal: None,
        tags: Vec::new(),
        media,
        user: owner,
        removed: false,
        created_at: now,
        updated_at: now,
    };
    let rest = Changes { contact: None, removed: None, ..changes.clone() };
    apply(&mut partner, &rest, by_platform)?;
    store::partners::insert(tx, &partner)?;
    store::members::insert(tx, &Member { partner: id, user: owner, role: MemberRole::Owner, created_at: now })?;
    Ok(partner)
}

/// Changes a partner, all or nothing.
///
/// # Errors
/// [`Error::Forbidden`] for another partner's; [`Error::Conflict`] where an accepted deal keeps the role `agent`, or the
/// partner itself, from going.
pub fn change(tx: &mut Tx<'_>, caller: &Caller, id: PartnerId, changes: &Changes) -> Result<PartnerView, Error> {
    let mut partner = managed(tx, caller, id)?;
    let was = partner.clone();
    apply(&mut partner, changes, caller.is_platform())?;
    if let Some(media) = shown(tx, caller, &was.media, changes)? {
        partner.media = media;
    }
    if partner != was {
        if was.roles.agent && !partner.roles.agent {
            no_accepted_deals(tx, id, "the role agent cannot be dropped")?;
        }
        if partner.removed && !was.removed {
            before_removal(tx, id)?;
        }
        partner.updated_at = Some(tx.now());
        store::partners::update(tx, &partner)?;
    }
    Ok(PartnerView { partner, sight: Sight::Full })
}

/// Removes a partner. It stays readable; its open proposals are cancelled.
///
/// # Errors
/// [`Error::Conflict`] where it has accepted deals or live orders.
pub fn remove(tx: &mut Tx<'_>, caller: &Caller, id: PartnerId) -> Result<(), Error> {
    change(tx, caller, id, &Changes { removed: Some(true), ..Changes::default() }).map(drop)
}

/// The partner, where the caller may change it.
fn managed(tx: &mut Tx<'_>, caller: &Caller, id: PartnerId) -> Result<Partner, Error> {
    store::partners::lock(tx, &[id])?;
    let partner = store::partners::find(tx, id)?.ok_or(Error::NotFound("partner"))?;
    if !access::manages(caller, id) {
        return Err(Error::forbidden("only the partner's owners and managers may change it"));
    }
    Ok(partner)
}

fn apply(partner: &mut Partner, changes: &Changes, by_platform: bool) -> Result<(), Error> {
    if let Some(roles) = changes.roles {
        if roles.core != partner.roles.core && !by_platform {
            return Err(Error::forbidden("only the platform gives or takes the role core"));
        }
        partner.roles = roles;
    }
    if let Some(name) = &changes.name {
        partner.name = name.clone();
    }
    for (field, change) in [
        (&mut partner.description, &changes.description),
        (&mut partner.channels, &changes.channels),
        (&mut partner.director, &changes.director),
    ] {
        if let Some(change) = change {
            field.clone_from(change);
        }
    }
    match &changes.contact {
        None => {}
        Some(None) => partner.contact = Contact::default(),
        Some(Some(patch)) => partner.contact = std::mem::take(&mut partner.contact).merge(patch.clone()),
    }
    match &changes.legal {
        None => {}
        Some(None) => partner.legal = None,
        Some(Some(patch)) => {
            let legal = partner.legal.take().unwrap_or_default().merge(patch.clone()).checked();
            let wrong = |(path, invalid)| Error::Invalid(vec![Wrong::at(format!("legal.{path}"), invalid)]);
            partner.legal = Some(legal.map_err(wrong)?);
        }
    }
    if let Some(tags) = &changes.tags {
        partner.tags.clone_from(tags);
    }
    if let Some(removed) = changes.removed {
        partner.removed = removed;
    }
    Ok(())
}

/// The pictures that a request shows the partner with, where it says so.
fn shown(
    tx: &mut Tx<'_>,
    caller: &Caller,
    held: &[AttachmentId],
    changes: &Changes,
) -> Result<Option<Vec<AttachmentId>>, Error> {
    changes.media.as_ref().map(|media| attachments::named(tx, caller, held, media)).transpose()
}

fn before_removal(tx: &mut Tx<'_>, id: PartnerId) -> Result<(), Error> {
    no_accepted_deals(tx, id, "the partner cannot be removed")?;
    no_live_orders(tx, id)?;
    Ok(store::deals::cancel_proposals_of(tx, id)?)
}

fn no_accepted_deals(tx: &mut Tx<'_>, id: PartnerId, what: &str) -> Result<(), Error> {
    let deals = store::deals::accepted_of(tx, id)?;
    if deals.is_empty() {
        return Ok(());
    }
    let names = deals.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Error::conflict("accepted_deals", format!("{what}: close its accepted deals first: {names}")))
}

fn no_live_orders(tx: &mut Tx<'_>, id: PartnerId) -> Result<(), Error> {
    let orders = store::orders::live_of(tx, id)?;
    if orders.is_empty() {
        return Ok(());
    }
    let names = orders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Error::conflict(
        "live_orders",
        format!("the partner cannot be removed: its live orders have to end first: {names}"),
    ))
}

fn seen(tx: &mut Tx<'_>, caller: &Caller, partners: Vec<Partner>) -> Result<Vec<PartnerView>, Error> {
    let strangers: Vec<PartnerId> = partners
        .iter()
        .map(|partner| partner.id)
        .filter(|id| access::partner_sight(caller, *id, false) != Sight::Full)
        .collect();
    let opened = match &caller.partner {
        Some(acting) if !strangers.is_empty() => store::deals::partners_opened_to(tx, acting.id, &strangers)?,
        _ => Vec::new(),
    };
    let view = |partner: Partner| {
        let sight = access::partner_sight(caller, partner.id, opened.contains(&partner.id));
        PartnerView { partner, sight }
    };
    Ok(partners.into_iter().map(view).filter(|view| view.sight != Sight::Hidden).collect())
}
