//! The table `members`.

use super::db::{params, statements};
use super::{Error, Row, Tx};
use crate::domain::access::Acting;
use crate::domain::id::{PartnerId, UserId};
use crate::domain::member::{Member, MemberRole};
use crate::domain::partner::Roles;

macro_rules! columns {
    () => {
        "partner_id, user_id, role, created_at"
    };
}

statements! {
    OF_USERS = concat!("select ", columns!(), " from members where user_id = any($1) order by user_id, partner_id");
    OF_PARTNER = concat!("select ", columns!(), " from members where partner_id = $1 order by user_id");
    ONE = concat!("select ", columns!(), " from members where partner_id = $1 and user_id = $2");
    INSERT = concat!("insert into members (", columns!(), ") values ($1, $2, $3, $4)");
    SET_ROLE = "update members set role = $1 where partner_id = $2 and user_id = $3";
    ACTING =
        "select partner_id, is_org, is_agent, is_core, role from members join partners on partners.id = partner_id \
         where members.user_id = $1 order by partners.removed, coalesce(members.created_at, 0), partner_id";
    DELETE = "delete from members where partner_id = $1 and user_id = $2";
}

/// All memberships of these users, in the order of user and partner.
pub fn of_users(tx: &mut Tx<'_>, users: &[UserId]) -> Result<Vec<Member>, Error> {
    tx.query(OF_USERS, params![users])?.into_iter().map(member).collect()
}

/// The members of a partner.
pub fn of_partner(tx: &mut Tx<'_>, partner: PartnerId) -> Result<Vec<Member>, Error> {
    tx.query(OF_PARTNER, params![partner])?.into_iter().map(member).collect()
}

/// The partners that a user acts for: those it has been a member of longest first, so that nobody changes which one is the
/// first by making it a member of another; removed ones last.
pub fn acting(tx: &mut Tx<'_>, user: UserId) -> Result<Vec<Acting>, Error> {
    let one = |row: Row| {
        let mut row = row.read("members");
        Ok(Acting {
            id: row.next()?,
            roles: Roles { org: row.next()?, agent: row.next()?, core: row.next()? },
            role: row.next_parsed()?,
        })
    };
    tx.query(ACTING, params![user])?.into_iter().map(one).collect()
}

/// One member.
pub fn find(tx: &mut Tx<'_>, partner: PartnerId, user: UserId) -> Result<Option<Member>, Error> {
    tx.query_opt(ONE, params![partner, user])?.map(member).transpose()
}

/// Writes a new member.
pub fn insert(tx: &mut Tx<'_>, member: &Member) -> Result<(), Error> {
    tx.execute(INSERT, params![member.partner, member.user, member.role.as_str(), member.created_at])?;
    Ok(())
}

/// Gives a member another role.
pub fn set_role(tx: &mut Tx<'_>, partner: PartnerId, user: UserId, role: MemberRole) -> Result<(), Error> {
    tx.execute(SET_ROLE, params![role.as_str(), partner, user])?;
    Ok(())
}

/// Takes a member out of a partner.
pub fn delete(tx: &mut Tx<'_>, partner: PartnerId, user: UserId) -> Result<(), Error> {
    tx.execute(DELETE, params![partner, user])?;
    Ok(())
}

fn member(row: Row) -> Result<Member, Error> {
    let mut row = row.read("members");
    Ok(Member { partner: row.next()?, user: row.next()?, role: row.next_parsed()?, created_at: row.next()? })
}
