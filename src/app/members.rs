//! Members: the users who act for a partner.

use super::{Error, Window};
use crate::domain::access::{self, Caller};
use crate::domain::id::{PartnerId, UserId};
use crate::domain::member::{Member, MemberRole};
use crate::domain::partner::Partner;
use crate::domain::user::Email;
use crate::store::{self, Tx};

/// A part of the list of a partner's members, in the order of the users' ids.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the partner's owners and the platform.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    partner: PartnerId,
    window: Window<UserId>,
) -> Result<Vec<Member>, Error> {
    administered(tx, caller, partner)?;
    let members = store::members::of_partner(tx, partner)?.into_iter();
    let after = members.filter(|member| window.after.is_none_or(|after| member.user > after));
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(after.skip(count(window.skip)).take(count(window.limit)).collect())
}

/// How many members a partner has.
///
/// # Errors
/// Those of [`list`].
pub fn count(tx: &mut Tx<'_>, caller: &Caller, partner: PartnerId) -> Result<i64, Error> {
    administered(tx, caller, partner)?;
    Ok(i64::try_from(store::members::of_partner(tx, partner)?.len()).unwrap_or(i64::MAX))
}

/// Makes a user a member.
///
/// # Errors
/// [`Error::Invalid`] where no user has the address; [`Error::Conflict`] where it is a member already.
pub fn add(
    tx: &mut Tx<'_>,
    caller: &Caller,
    partner: PartnerId,
    email: &Email,
    role: MemberRole,
) -> Result<Member, Error> {
    store::partners::lock(tx, &[partner])?;
    administered(tx, caller, partner)?;
    let user = store::users::find_by_email(tx, email)?
        .ok_or_else(|| Error::invalid("email", "unknown", "no user has this address: let them register first"))?;
    if store::members::find(tx, partner, user.id)?.is_some() {
        return Err(Error::conflict("already_member", "this user is a member already: change the role instead"));
    }
    let member = Member { partner, user: user.id, role, created_at: Some(tx.now()) };
    store::members::insert(tx, &member)?;
    Ok(member)
}

/// Gives a member another role.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] where the partner would be left without an owner.
pub fn change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    partner: PartnerId,
    user: UserId,
    role: Option<MemberRole>,
) -> Result<Member, Error> {
    store::partners::lock(tx, &[partner])?;
    let of = administered(tx, caller, partner)?;
    let member = store::members::find(tx, partner, user)?.ok_or(Error::NotFound("member"))?;
    let Some(role) = role.filter(|role| *role != member.role) else { return Ok(member) };
    if member.role == MemberRole::Owner {
        before_owner_goes(tx, of, user)?;
    }
    store::members::set_role(tx, partner, user, role)?;
    Ok(Member { role, ..member })
}

/// Takes a member out; a member may also leave by itself.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for the last owner.
pub fn remove(tx: &mut Tx<'_>, caller: &Caller, partner: PartnerId, user: UserId) -> Result<(), Error> {
    store::partners::lock(tx, &[partner])?;
    let of = if caller.user == Some(user) {
        store::partners::find(tx, partner)?.ok_or(Error::NotFound("partner"))?
    } else {
        administered(tx, caller, partner)?
    };
    let member = store::members::find(tx, partner, user)?.ok_or(Error::NotFound("member"))?;
    if member.role == MemberRole::Owner {
        before_owner_goes(tx, of, user)?;
    }
    Ok(store::members::delete(tx, partner, user)?)
}

/// The partner, where the caller may administer it.
fn administered(tx: &mut Tx<'_>, caller: &Caller, partner: PartnerId) -> Result<Partner, Error> {
    let found = store::partners::find(tx, partner)?.ok_or(Error::NotFound("partner"))?;
    if !access::administers(caller, partner) {
        return Err(Error::forbidden("only the partner's owners may see and change its members"));
    }
    Ok(found)
}

/// Refuses for the last owner; else sees to it that the partner's `user` is an owner who stays.
fn before_owner_goes(tx: &mut Tx<'_>, partner: Partner, user: UserId) -> Result<(), Error> {
    let mut others = store::members::of_partner(tx, partner.id)?
        .into_iter()
        .filter(|member| member.role == MemberRole::Owner && member.user != user);
    let Some(heir) = others.next() else {
        return Err(Error::conflict("last_owner", "a partner needs an owner: make another member one first"));
    };
    if partner.user == user {
        store::partners::update(tx, &Partner { user: heir.user, updated_at: Some(tx.now()), ..partner })?;
    }
    Ok(())
}
