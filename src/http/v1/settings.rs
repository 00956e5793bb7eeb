//! `/v1/resources/partners/{idpartner}/settings`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use crate::app::settings::{self, Changes, SettingsView};
use crate::domain::id::PartnerId;
use crate::domain::invalid::Invalid;
use crate::domain::share::{Percent, Share};
use crate::http::call::Member;
use crate::http::error::Error;
use crate::http::fields::shapes;
use crate::http::input::{BodyDoc, JsonBody, boolean, integer, parsed, share};
use crate::http::path::PathId;
use crate::http::reading::Reading;
use crate::http::writing::Writing;

/// The body of a change.
pub const PATCH: BodyDoc = BodyDoc { shapes: shapes::<SettingsView>, extra: &[], required: &[] };

/// GET.
pub async fn get(call: Reading<Member>, id: PathId<PartnerId>) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    call.one(move |tx, caller| settings::get(tx, caller, &app.installation, id.get()?)).await
}

/// PATCH: changes them, all or nothing.
pub async fn change(call: Writing<Member>, id: PathId<PartnerId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    let currency = app.installation.currency;
    let by_platform = call.caller().is_platform();
    let any_share = |value: &Value| share(value)?.parse(currency);
    let changes = call.body(&body, &PATCH, |input| {
        Some(Changes {
            accept_org_min: input.nullable("accept_org_min", |value| percent(any_share(value)?)),
            auto_accept_deals: input.nullable("auto_accept_deals", boolean),
            // Read-only for anybody else, so nothing in it is wrong.
            core: if by_platform { input.nullable("core", any_share) } else { None },
            extra: input.nullable("extra", any_share),
            hold_minutes: input.nullable("hold_minutes", |value| {
                u8::try_from(integer(value)?).map_err(|_| Invalid::out_of_range("must be between 1 and 60 minutes"))
            }),
            refund_approval: input.nullable("refund_approval", parsed),
        })
    });
    call.one(StatusCode::OK, &body, changes, move |tx, caller, changes| {
        settings::change(tx, caller, &app.installation, id.get()?, changes)
    })
    .await
}

fn percent(share: Share) -> Result<Percent, Invalid> {
    match share {
        Share::Percent(percent) => Ok(percent),
        Share::Amount(_) => Err(Invalid::wrong_type("must be a percentage such as 10 or \"10%\"")),
    }
}
