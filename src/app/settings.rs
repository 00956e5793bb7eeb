//! A partner's settings.

use super::{Error, Installation};
use crate::domain::access::{self, Caller};
use crate::domain::id::PartnerId;
use crate::domain::partner::{RefundApproval, Settings};
use crate::domain::share::{Percent, Share};
use crate::store::{self, Tx};

/// Settings as they take effect.
#[derive(Clone, Debug)]
pub struct SettingsView {
    /// The partner's own.
    pub settings: Settings,
    /// The platform's commission: the partner's own, else the installation's.
    pub core: Share,
}

/// What a request sets. Outer `None`: not given; inner `None`: back to the default.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The least share that proposals are accepted automatically from.
    pub accept_org_min: Option<Option<Percent>>,
    /// Whether proposals are accepted automatically.
    pub auto_accept_deals: Option<Option<bool>>,
    /// The platform's commission; heeded from the platform alone.
    pub core: Option<Option<Share>>,
    /// The service fee on tickets the organizer sells itself.
    pub extra: Option<Option<Share>>,
    /// How long an order holds its tickets.
    pub hold_minutes: Option<Option<u8>>,
    /// Who may approve a refund.
    pub refund_approval: Option<Option<RefundApproval>>,
}

/// The settings of a partner.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the partner's owners and the platform.
pub fn get(
    tx: &mut Tx<'_>,
    caller: &Caller,
    installation: &Installation,
    partner: PartnerId,
) -> Result<SettingsView, Error> {
    if store::partners::find(tx, partner)?.is_none() {
        return Err(Error::NotFound("partner"));
    }
    if !access::administers(caller, partner) {
        return Err(Error::forbidden("only the partner's owners may see and change its settings"));
    }
    let settings = store::settings::find(tx, partner)?;
    Ok(view(settings, installation))
}

/// Changes the settings of a partner, all or nothing.
///
/// # Errors
/// Those of [`get`].
pub fn change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    installation: &Installation,
    partner: PartnerId,
    changes: &Changes,
) -> Result<SettingsView, Error> {
    store::partners::lock(tx, &[partner])?;
    let mut settings = get(tx, caller, installation, partner)?.settings;
    let default = Settings::default();
    if let Some(change) = changes.accept_org_min {
        settings.accept_org_min = change.unwrap_or(default.accept_org_min);
    }
    if let Some(change) = changes.auto_accept_deals {
        settings.auto_accept_deals = change.unwrap_or(default.auto_accept_deals);
    }
    if let Some(change) = changes.core
        && caller.is_platform()
    {
        settings.core = change;
    }
    if let Some(change) = changes.extra {
        settings.extra = change.unwrap_or(default.extra);
    }
    if let Some(change) = changes.hold_minutes {
        settings.hold_minutes = change.unwrap_or(default.hold_minutes);
    }
    if let Some(change) = changes.refund_approval {
        settings.refund_approval = change.unwrap_or(default.refund_approval);
    }
    let settings =
        settings.checked().map_err(|(field, invalid)| Error::Invalid(vec![super::Wrong::at(field, invalid)]))?;
    store::settings::put(tx, partner, &settings)?;
    Ok(view(settings, installation))
}

fn view(settings: Settings, installation: &Installation) -> SettingsView {
    let core = settings.core.unwrap_or(installation.core);
    SettingsView { settings, core }
}
