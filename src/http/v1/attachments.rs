//! `/v1/resources/attachments`

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};

use crate::app::attachments::{self, AttachmentView};
use crate::domain::id::AttachmentId;
use crate::http::call::{Manager, Member};
use crate::http::error::Error;
use crate::http::path::PathId;
use crate::http::reading::{Reading, Source};
use crate::http::upload::FileBody;
use crate::http::writing::Writing;

/// GET of the list.
pub async fn list(call: Reading<Member>) -> Result<Response<Body>, Error> {
    let wish = call.query(&[], |_| ());
    let source = Source {
        rows: |app, tx, caller, (), window| attachments::list(app, tx, caller, window),
        count: |tx, caller, ()| attachments::count(tx, caller),
        id: |view: &AttachmentView| view.attachment.id,
    };
    call.list(wish, source).await
}

/// GET of one.
pub async fn get(call: Reading<Member>, id: PathId<AttachmentId>) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    call.one(move |tx, caller| attachments::get(&app, tx, caller, id.get()?)).await
}

/// POST: uploads a file.
pub async fn upload(call: Writing<Manager>, request: Request) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    let admitted = attachments::admit(&app, call.caller())?;
    let file = FileBody::read(request).await?;
    let wish = match call.no_fields().and_then(|()| file.content()) {
        Ok((declared, content)) => {
            let uploaded = attachments::upload(&app, call.caller(), &admitted, file.field, declared, content).await;
            uploaded.map_err(Error::from)
        }
        Err(error) => Err(error),
    };
    call.one(StatusCode::OK, &file, wish, move |tx, caller, uploaded| attachments::publish(&app, tx, caller, uploaded))
        .await
}

/// DELETE: removes it.
pub async fn remove(call: Writing<Manager>, id: PathId<AttachmentId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| attachments::remove(tx, caller, id.get()?)).await
}
