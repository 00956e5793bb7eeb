//! Deals: proposing, answering, and who may see them.

use super::callers::{acting, whose};
use super::{Error, Installation, Window, Wrong};
use crate::domain::access::{self, Caller, Sight};
use crate::domain::deal::{self, Change, Deal, DealRefusal, DealStatus, DealTitle};
use crate::domain::event::{Event, EventStatus};
use crate::domain::id::{DealId, EventId, PartnerId, SetId};
use crate::domain::invalid::Invalid;
use crate::domain::money::Currency;
use crate::domain::pricing;
use crate::domain::share::Share;
use crate::domain::terms::Terms;
use crate::store::{self, Tx};

pub use crate::store::deals::Filter;

/// A share as a request gives it: what an amount is worth is known once the event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenShare {
    /// A number: a percentage.
    Number(String),
    /// A string: a percentage where it ends in `%`, else an amount.
    Text(String),
}

impl GivenShare {
    /// The share, amounts in this currency.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(&self, currency: Currency) -> Result<Share, Invalid> {
        match self {
            Self::Number(text) => Share::parse_number(text),
            Self::Text(text) => Share::parse_string(text, currency),
        }
    }
}

/// A proposed deal.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The event whose tickets are to be sold.
    pub event: EventId,
    /// Whom it is made to; the proposer itself for a deal with the event's organizer.
    pub subj: PartnerId,
    /// Whom it is made by; heeded from the platform alone, so nobody else's is wrong.
    pub obj: Option<Result<PartnerId, Invalid>>,
    /// What the organizer gets.
    pub org: GivenShare,
    /// The agent's surcharge.
    pub extra: Option<GivenShare>,
    /// The platform's commission; heeded from the platform alone, so nobody else's is wrong.
    pub core: Option<Result<GivenShare, Invalid>>,
    /// Whether the customer pays the platform's commission.
    pub pfc: bool,
    /// A short message.
    pub message: Option<String>,
    /// Title and description.
    pub title: Option<DealTitle>,
}

/// What a request changes of a deal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// Hands an open proposal over to the other side.
    pub reversed: Option<bool>,
    /// Accepts, rejects, cancels or closes it.
    pub status: Option<DealStatus>,
}

/// One deal.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for its two sides and the platform.
pub fn get(tx: &mut Tx<'_>, caller: &Caller, id: DealId) -> Result<Deal, Error> {
    let now = tx.now();
    let deal = store::deals::find(tx, id)?.ok_or(Error::NotFound("deal"))?;
    if access::deal_sight(caller, &deal) != Sight::Full {
        return Err(Error::forbidden("only the two sides of a deal may see it"));
    }
    Ok(deal.at(now))
}

/// Those of the deals that the caller may read; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn readable(tx: &mut Tx<'_>, caller: &Caller, ids: &[DealId]) -> Result<Vec<Deal>, Error> {
    let now = tx.now();
    let deals = store::deals::find_all(tx, ids)?.into_iter();
    Ok(deals.filter(|deal| access::deal_sight(caller, deal) == Sight::Full).map(|deal| deal.at(now)).collect())
}

/// A part of the list of the caller's deals; of all for the platform.
///
/// # Errors
/// Those of the store.
pub fn list(tx: &mut Tx<'_>, caller: &Caller, filter: &Filter, window: Window<DealId>) -> Result<Vec<Deal>, Error> {
    let now = tx.now();
    let deals = store::deals::list(tx, whose(caller)?, filter, window)?;
    Ok(deals.into_iter().map(|deal| deal.at(now)).collect())
}

/// How many deals the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx<'_>, caller: &Caller, filter: &Filter) -> Result<i64, Error> {
    Ok(store::deals::count(tx, whose(caller)?, filter)?)
}

/// Proposes a deal. It is accepted at once where the other side's settings say so.
///
/// # Errors
/// [`Error::Invalid`] naming the field; [`Error::Forbidden`] for a draft of another organizer; [`Error::Conflict`] where a
/// proposal between the two for this event is still open.
pub fn propose(
    tx: &mut Tx<'_>,
    caller: &Caller,
    installation: &Installation,
    id: DealId,
    proposal: &Proposal,
) -> Result<Deal, Error> {
    let by_platform = caller.is_platform();
    let maker = match &proposal.obj {
        Some(obj) if by_platform => obj.clone().map_err(at("obj"))?,
        _ => acting(caller)?.id,
    };
    let event = store::events::find_locked(tx, proposal.event)?
        .ok_or_else(|| Error::invalid("event", "unknown", "there is no event with this id"))?;
    if event.status == EventStatus::Draft && maker != event.org && !by_platform {
        return Err(Error::forbidden("event: only its organizer may propose a deal for a draft"));
    }
    // Whom the deal may bind at once must not drop its role, or be removed, meanwhile.
    let involved = [maker, proposal.subj, event.org];
    store::partners::lock(tx, &involved)?;
    let found = store::partners::find_all(tx, &involved)?;
    let partner = |id: PartnerId, field: &'static str| {
        found
            .iter()
            .find(|partner| partner.id == id)
            .ok_or_else(|| Error::invalid(field, "unknown", "there is no partner with this id"))
    };
    partner(maker, "obj")?;
    partner(proposal.subj, "subj")?;
    let parties = deal::parties(event.org, maker, proposal.subj).map_err(at("subj"))?;
    let (org, agent) = (partner(parties.org, "obj")?, partner(parties.agent, "subj")?);
    let field_of = |partner: PartnerId| if partner == proposal.subj { "subj" } else { "obj" };
    parties.check_agent(agent.roles).map_err(at(field_of(agent.id)))?;
    for partner in [org, agent] {
        if partner.removed {
            let message = format!("the partner {} has been removed", partner.id);
            return Err(Error::invalid(field_of(partner.id), "removed", message));
        }
    }
    open_for_deals(&event, tx.now())?;
    let org_settings = store::settings::find(tx, org.id)?;
    let own_core = org_settings.core.filter(|core| core.currency().is_none_or(|own| own == event.currency));
    let term = terms(proposal, event.currency, by_platform, own_core.unwrap_or(installation.core))?;

    let other_side_is_org = parties.reversed || parties.subj == parties.org;
    let other_settings = if other_side_is_org { org_settings } else { store::settings::find(tx, agent.id)? };
    let accepted_exists = store::deals::accepted_exists(tx, event.id, agent.id)?;
    let accepted = deal::accepts_automatically(&other_settings, other_side_is_org, &term, accepted_exists);
    let now = Some(tx.now());
    let deal = Deal {
        id,
        event: event.id,
        org: parties.org,
        agent: parties.agent,
        obj: parties.obj,
        subj: parties.subj,
        reversed: parties.reversed,
        status: if accepted { DealStatus::Accepted } else { DealStatus::New },
        term,
        message: proposal.message.clone(),
        title: proposal.title.clone(),
        event_ends_at: event.lifetime.end,
        created_at: now,
        updated_at: now,
    };
    store::deals::insert(tx, &deal).map_err(|error| match error {
        error if error.violates(store::deals::OPEN_KEY) => {
            Error::conflict("open_proposal", "a proposal between the two for this event is still open: answer it first")
        }
        error => contested(error),
    })?;
    Ok(deal)
}

/// The sets that an open or accepted deal's terms cannot sell: whoever agrees on them is told so. None of an event that the
/// caller may not read, for terms would be a way to ask for its prices.
///
/// # Errors
/// Those of the store.
pub fn unsellable(tx: &mut Tx<'_>, caller: &Caller, deal: &Deal) -> Result<Vec<SetId>, Error> {
    if !matches!(deal.status, DealStatus::New | DealStatus::Accepted) {
        return Ok(Vec::new());
    }
    let readable: Vec<_> = super::events::readable(tx, caller, &[deal.event])?.iter().map(|event| event.id).collect();
    let sets = store::sets::of_events(tx, &readable, false)?;
    Ok(pricing::unsellable(&sets, &deal.term, tx.now()))
}

/// Answers a deal, withdraws it, closes it, or hands it over.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for the wrong side; [`Error::Invalid`] naming both statuses for a change that
/// cannot follow; [`Error::Conflict`] where the deal was changed at the same time.
pub fn change(tx: &mut Tx<'_>, caller: &Caller, id: DealId, changes: Changes) -> Result<Deal, Error> {
    let mut deal = get(tx, caller, id)?;
    let actor = access::deal_actor(caller, &deal)
        .ok_or_else(|| Error::forbidden("only owners and managers may change a deal"))?;
    if let Some(reversed) = changes.reversed
        && let Change::To(reversed) = deal.hand_over(reversed, actor).map_err(refused("reversed_deal"))?
    {
        if !store::deals::hand_over(tx, &deal, reversed)? {
            return Err(lost());
        }
        deal.reversed = reversed;
        deal.updated_at = Some(tx.now());
    }
    if let Some(to) = changes.status
        && let Change::To(to) = deal.change_status(to, actor).map_err(refused("status"))?
    {
        if to == DealStatus::Accepted {
            sides_still_stand(tx, &deal)?;
            store::deals::close_former(tx, &deal)?;
        }
        if !store::deals::set_status(tx, &deal, to).map_err(contested)? {
            return Err(lost());
        }
        deal.status = to;
        deal.updated_at = Some(tx.now());
    }
    Ok(deal)
}

fn open_for_deals(event: &Event, now: jiff::Timestamp) -> Result<(), Error> {
    let why = if event.removed {
        "has been removed"
    } else if event.status == EventStatus::Cancelled {
        "has been cancelled"
    } else if event.lifetime.end <= now {
        "has ended"
    } else {
        return Ok(());
    };
    Err(Error::invalid("event", "closed", format!("the event {why}: nothing can be proposed for it")))
}

fn terms(proposal: &Proposal, currency: Currency, by_platform: bool, core: Share) -> Result<Terms, Error> {
    let org = proposal.org.parse(currency).map_err(at("term.org"))?;
    let extra = match &proposal.extra {
        Some(extra) => extra.parse(currency).map_err(at("term.extra"))?,
        None => Share::ZERO,
    };
    let core = match &proposal.core {
        Some(given) if by_platform => given.clone().and_then(|given| given.parse(currency)).map_err(at("term.core"))?,
        _ => core,
    };
    Terms::new(org, extra, core, proposal.pfc)
        .map_err(|(field, invalid)| Error::Invalid(vec![Wrong::at(format!("term.{field}"), invalid)]))
}

fn at(field: &'static str) -> impl Fn(Invalid) -> Error {
    move |invalid| Error::Invalid(vec![Wrong::at(field, invalid)])
}

fn refused(field: &'static str) -> impl Fn(DealRefusal) -> Error {
    move |refusal| match refusal {
        DealRefusal::WrongSide => Error::forbidden(refusal.to_string()),
        DealRefusal::NotAllowed { .. } | DealRefusal::NotOpen { .. } => {
            Error::invalid(field, "conflict", refusal.to_string())
        }
    }
}

/// Since the proposal the agent's role may have gone, or one of the two altogether.
fn sides_still_stand(tx: &mut Tx<'_>, deal: &Deal) -> Result<(), Error> {
    let sides = [deal.org, deal.agent];
    store::partners::lock(tx, &sides)?;
    for partner in store::partners::find_all(tx, &sides)? {
        if partner.removed {
            return Err(Error::conflict("removed", format!("the partner {} has been removed", partner.id)));
        }
        if partner.id == deal.agent && !partner.roles.agent {
            let message = format!("the partner {} does not hold the role agent any more", partner.id);
            return Err(Error::conflict("no_agent", message));
        }
    }
    Ok(())
}

/// Of two acceptances for one event and agent at once, the constraint lets one through.
fn contested(error: store::Error) -> Error {
    if error.violates(store::deals::ACCEPTED_KEY) { lost() } else { error.into() }
}

fn lost() -> Error {
    Error::conflict("changed_meanwhile", "the deal was changed at the same time: read it again")
}
