//! The table `partner_settings`.

use super::db::{params, statements};
use super::values::share_text;
use super::{Error, Tx};
use crate::domain::id::PartnerId;
use crate::domain::partner::Settings;
use crate::domain::share::Percent;

statements! {
    ONE =
        "select accept_org_min, auto_accept_deals, core, extra, hold_minutes, refund_approval from partner_settings \
         where partner_id = $1";
    PUT =
        "insert into partner_settings \
         (partner_id, accept_org_min, auto_accept_deals, core, extra, hold_minutes, refund_approval) \
         values ($1, $2, $3, $4, $5, $6, $7) \
         on conflict (partner_id) do update set accept_org_min = excluded.accept_org_min, \
         auto_accept_deals = excluded.auto_accept_deals, core = excluded.core, extra = excluded.extra, \
         hold_minutes = excluded.hold_minutes, refund_approval = excluded.refund_approval";
}

/// The settings of a partner: the domain's defaults where it never changed one.
pub fn find(tx: &mut Tx<'_>, partner: PartnerId) -> Result<Settings, Error> {
    let Some(row) = tx.query_opt(ONE, params![partner])? else { return Ok(Settings::default()) };
    let mut row = row.read("partner_settings");
    let accept_org_min = row.next_as(Percent::from_units)?;
    let auto_accept_deals = row.next()?;
    let core = row.next_share_opt()?;
    let extra = row.next_share()?;
    Ok(Settings {
        accept_org_min,
        auto_accept_deals,
        core,
        extra,
        hold_minutes: row.next()?,
        refund_approval: row.next_parsed()?,
    })
}

/// Writes the settings of a partner.
pub fn put(tx: &mut Tx<'_>, partner: PartnerId, settings: &Settings) -> Result<(), Error> {
    tx.execute(
        PUT,
        params![
            partner,
            settings.accept_org_min.units(),
            settings.auto_accept_deals,
            settings.core.as_ref().map(share_text),
            share_text(&settings.extra),
            i64::from(settings.hold_minutes),
            settings.refund_approval.as_str()
        ],
    )?;
    Ok(())
}
