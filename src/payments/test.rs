//! The payment system for tests. It is to the platform what any provider is: it knows what it was asked for, has a page of
//! its own, tells what came of it by signed callbacks until somebody hears it, and sends money back.

use crate::domain::id::PaymentId;
use crate::domain::order::Order;
use crate::domain::payment::Payment;
use crate::domain::test_payment::{Charge, ChargeStatus, Choice, Signing, Telling, again_at};
use crate::random;
use crate::secret::Secret;
use crate::store::test_payments::{self as stored, Callback};
use crate::store::{self, Store, Tx};

use super::signature::{Signed, TOLERANCE};
use super::{Error, SendBack};

/// How many callbacks are sent in one go.
const CALLBACKS: i64 = 20;

/// The address of a charge's page.
fn page(public_url: &str, id: PaymentId) -> String {
    format!("{public_url}/payments/test/{id}")
}

pub(super) fn start(
    tx: &mut Tx<'_>,
    public_url: &str,
    payment: &Payment,
    order: &Order,
) -> Result<String, store::Error> {
    let charge = Charge {
        id: payment.id,
        number: order.number,
        amount: payment.amount,
        success_url: order.payment.success_url.clone(),
        failure_url: order.payment.failure_url.clone(),
        expires_at: order.reserved_till,
        status: ChargeStatus::Open,
        external_id: None,
        returned: 0,
    };
    stored::insert(tx, &charge)?;
    Ok(page(public_url, payment.id))
}

pub(super) fn amend(tx: &mut Tx<'_>, payment: &Payment) -> Result<bool, store::Error> {
    let Some(mut charge) = stored::find_locked(tx, payment.id)? else { return Ok(false) };
    let amended = charge.amend(payment.amount);
    if amended {
        stored::update(tx, &charge)?;
    }
    Ok(amended)
}

pub(super) async fn send_back(store: &Store, back: SendBack) -> Result<(), Error> {
    store
        .write(move |tx| {
            let charge = stored::find_paid_locked(tx, back.id.bucket(), &back.external_id)?;
            let mut charge = charge.ok_or_else(|| Error::Refused("there is no such payment".into()))?;
            if stored::insert_return(tx, back.id, charge.id, back.amount.minor)? {
                charge.give_back(back.amount).map_err(|refusal| Error::Refused(refusal.to_string()))?;
                stored::update(tx, &charge)?;
            }
            Ok(())
        })
        .await
}

/// What a charge's page shows, and whether the charge can be paid now.
///
/// # Errors
/// Those of the store.
pub async fn charge(store: &Store, id: PaymentId) -> Result<Option<(Charge, bool)>, store::Error> {
    store
        .read(move |tx| {
            let now = tx.now();
            Ok(stored::find(tx, id)?.map(|charge| (charge.is_open(now), charge)).map(|(open, charge)| (charge, open)))
        })
        .await
}

/// Does what a customer chose on the page; answers the charge as it is then. What is to be told is written down, and told
/// by whoever [`claim`]s it.
///
/// # Errors
/// Those of the store; where the system has no random numbers.
pub async fn choose(store: &Store, id: PaymentId, choice: Choice) -> Result<Option<Charge>, Error> {
    let external_id =
        format!("test-{}", random::hex_token::<12>().map_err(|error| store::Error::Other(error.to_string()))?);
    store
        .write(move |tx| {
            let now = tx.now();
            let Some(mut charge) = stored::find_locked(tx, id)? else { return Ok(None) };
            let told = charge.choose(choice, &external_id, now);
            if !told.is_empty() {
                stored::update(tx, &charge)?;
            }
            for telling in told {
                let body = body(id, &external_id, &telling);
                stored::insert_callback(tx, id, telling.signing, &body, telling.due_at)?;
            }
            Ok(Some(charge))
        })
        .await
}

fn body(id: PaymentId, external_id: &str, telling: &Telling) -> String {
    let Telling { status, amount, .. } = telling;
    serde_json::json!({
        "payment": id.to_string(),
        "external_id": external_id,
        "amount": amount.to_string(),
        "currency": amount.currency.code(),
        "status": status.as_str(),
    })
    .to_string()
}

/// Takes on callbacks that are due, of one charge or of all: nobody else sends them meanwhile. Each is sent, and its end
/// told by [`heard`].
///
/// # Errors
/// Those of the store.
pub async fn claim(store: &Store, of: Option<PaymentId>) -> Result<Vec<Callback>, store::Error> {
    store.write(move |tx| stored::claim_callbacks(tx, of, CALLBACKS)).await
}

/// A callback as it is sent now.
pub fn signed(secret: &Secret, callback: &Callback, now: jiff::Timestamp) -> Signed {
    let body = callback.body.as_str();
    match callback.signing {
        Signing::Right => Signed::new(secret, body, now),
        Signing::Stale => Signed::new(secret, body, now.checked_sub(TOLERANCE * 12).unwrap_or(now)),
        Signing::Forged => Signed { signature: "0".repeat(64), ..Signed::new(secret, body, now) },
    }
}

/// Notes whether a callback was heard; where it was not, it is sent again later, and in the end given up.
///
/// # Errors
/// Those of the store.
pub async fn heard(store: &Store, callback: Callback, heard: bool) -> Result<(), store::Error> {
    store
        .write(move |tx| {
            let again = if heard { None } else { again_at(callback.attempts, tx.now()) };
            stored::put_callback(tx, &callback, again)
        })
        .await
}
