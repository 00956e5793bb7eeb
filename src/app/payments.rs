//! Payments: asking a payment system for money, hearing from it what came, and having it sent back.

use serde::Deserialize;

use super::ledger::{self, EntryIds};
use super::orders::{self, Drawn};
use super::{App, Error, Wrong, refunds};
use crate::domain::id::{Bucket, PaymentId};
use crate::domain::invalid::Invalid;
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, OrderActor, OrderStatus};
use crate::domain::payment::{Notice, Payment, PaymentStatus, PaymentSystem, Received, Return};
use crate::domain::refund::Refund;
use crate::payments::signature::Signed;
use crate::payments::{self, SendBack, test};
use crate::store::{self, Tx};

/// How many returns of money are tried in one go.
const RETURNS: i64 = 20;
/// The longest name that a payment system may have for its money, in bytes.
const EXTERNAL_ID_MAX: usize = 200;

/// What a payment is asked for with, before its transaction.
#[derive(Clone, Debug)]
pub struct Asking {
    id: PaymentId,
    public_url: String,
    test_payments: bool,
}

impl Asking {
    /// For an order in a bucket.
    pub fn new(app: &App, bucket: Bucket) -> Self {
        Self {
            id: app.new_id_in(bucket),
            public_url: app.public_url().to_owned(),
            test_payments: app.installation.test_payments,
        }
    }

    /// Checks that this platform has a payment system.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the one for tests, where money is real.
    pub fn check_offered(&self, system: PaymentSystem) -> Result<(), Error> {
        if system == PaymentSystem::Test && !self.test_payments {
            return Err(Error::invalid("payment.system", "unknown", "there is no payment system with this id here"));
        }
        Ok(())
    }
}

/// The money that an order waits for, if a payment system collects it.
fn to_collect(order: &Order) -> Option<PaymentSystem> {
    let waits = order.status == OrderStatus::InProgress && order.values.full.minor > 0;
    order.payment.system.filter(|system| waits && system.collects())
}

/// Asks the payment system of an order that has just begun to wait for its payment, and notes where the customer pays.
///
/// # Errors
/// Those of the store.
pub fn start(tx: &mut Tx<'_>, asking: &Asking, order: &mut Order) -> Result<(), Error> {
    let Some(system) = to_collect(order) else { return Ok(()) };
    let now = tx.now();
    let payment = Payment {
        id: asking.id,
        order: order.id,
        system,
        external_id: None,
        status: PaymentStatus::Pending,
        amount: order.values.full,
        created_at: now,
        updated_at: now,
    };
    store::payments::insert(tx, &payment)?;
    order.payment.redirect_url = payments::start(tx, &asking.public_url, &payment, order)?;
    Ok(())
}

/// Asks for what an order costs now that tickets were taken away from it.
///
/// # Errors
/// [`Error::Conflict`] where the customer is paying already.
pub fn amend(tx: &mut Tx<'_>, order: &Order) -> Result<(), Error> {
    for mut payment in store::payments::of_order(tx, order.id)? {
        if payment.status != PaymentStatus::Pending || payment.amount == order.values.full {
            continue;
        }
        payment.amount = order.values.full;
        if !payments::amend(tx, &payment)? || !store::payments::set_amount(tx, payment.id, payment.amount)? {
            return Err(Error::conflict(
                "being_paid",
                "the order is being paid: its tickets can't be changed any more",
            ));
        }
    }
    Ok(())
}

/// Writes down that the payment system of an order is to send the customer the money of a refund request.
///
/// # Errors
/// [`Error::Internal`] where the order was not paid through a payment system.
pub fn refund(tx: &mut Tx<'_>, refund: &Refund) -> Result<(), Error> {
    let mut payments = store::payments::of_order(tx, refund.order)?;
    payments.retain(|payment| payment.status == PaymentStatus::Paid);
    let paid =
        payments.pop().ok_or_else(|| Error::Internal(format!("the order {} without its payment", refund.order)))?;
    Ok(store::payments::insert_return(tx, &Return::of_refund(refund, &paid))?)
}

/// The body of a callback.
#[derive(Deserialize)]
struct Body {
    payment: String,
    external_id: String,
    amount: String,
    currency: String,
    status: String,
}

impl Body {
    fn read(bytes: &[u8]) -> Result<Notice, Error> {
        let body: Body = serde_json::from_slice(bytes)
            .map_err(|error| Error::invalid("body", "malformed", format!("must be a callback: {error}")))?;
        let at = |field: &'static str| move |invalid: Invalid| Error::Invalid(vec![Wrong::at(field, invalid)]);
        if body.external_id.is_empty() || body.external_id.len() > EXTERNAL_ID_MAX || body.external_id.contains('\0') {
            let message = format!("must have 1 to {EXTERNAL_ID_MAX} bytes");
            return Err(Error::invalid("external_id", "out_of_range", message));
        }
        let currency: Currency = body.currency.parse().map_err(at("currency"))?;
        Ok(Notice {
            payment: body.payment.parse().map_err(at("payment"))?,
            external_id: body.external_id,
            amount: Money::parse(&body.amount, currency).map_err(at("amount"))?,
            status: body.status.parse().map_err(at("status"))?,
        })
    }
}

/// What is drawn for a callback before its transaction.
struct Draw {
    order: Drawn,
    /// The id of the payment, where it turns out to be a further one.
    further: PaymentId,
}

/// Hears a payment system's callback, and answers where the payment stands after it. Heard again, it changes nothing.
///
/// # Errors
/// [`Error::Forbidden`] for a signature that is not the system's, or is not of now; [`Error::Invalid`] for what is not
/// believed: it is noted with the payment, and the order stays as it is.
pub async fn receive(app: &App, system: PaymentSystem, signed: &Signed) -> Result<PaymentStatus, Error> {
    if !signed.is_right(&app.secret, app.store.now()) {
        return Err(Error::forbidden("the signature is not right, or its time is not about now"));
    }
    let notice = Body::read(&signed.body)?;
    let bucket = notice.payment.bucket();
    let draw = Draw { order: Drawn::new(app, bucket)?, further: app.new_id_in(bucket) };
    let told = notice.clone();
    // A refusal is written down, so it is no error of the transaction.
    let heard = app.store.write(move |tx| hear(tx, &draw, system, &notice)).await?;
    heard.inspect_err(|error| {
        tracing::error!(payment = %told.payment, external_id = %told.external_id, "A payment system's callback is not believed: {error}.");
    })
}

type Heard = Result<PaymentStatus, Error>;

fn hear(tx: &mut Tx<'_>, draw: &Draw, system: PaymentSystem, notice: &Notice) -> Result<Heard, Error> {
    let now = tx.now();
    let find = |tx: &mut Tx<'_>| store::payments::find(tx, notice.payment);
    let unknown = || Error::invalid("payment", "unknown", "there is no payment with this id");
    let Some(order) = find(tx)?.filter(|payment| payment.system == system).map(|payment| payment.order) else {
        return Ok(Err(unknown()));
    };
    // Who changes the order or a payment of it waits here; what was read before may be old.
    let missing = || Error::Internal(format!("the payment {} without its order", notice.payment));
    let order = store::orders::find_locked(tx, order)?.ok_or_else(missing)?.at(now);
    let Some(asked) = find(tx)? else { return Ok(Err(unknown())) };
    let payment = match store::payments::find_external(tx, asked.id, system, &notice.external_id)? {
        Some(other) if other.order != order.id => {
            store::payments::refuse(tx, asked.id, "external_id: is that of another order's payment")?;
            return Ok(Err(Error::invalid("external_id", "conflict", "is that of another order's payment")));
        }
        known => known.unwrap_or(asked),
    };
    let received = match payment.receive(notice, &order) {
        Ok(received) => received,
        Err(refusal) => {
            store::payments::refuse(tx, payment.id, &format!("{}: amount: {refusal}", notice.external_id))?;
            return Ok(Err(Error::invalid("amount", "conflict", refusal.to_string())));
        }
    };
    Ok(Ok(match received {
        Received::Nothing => payment.status,
        Received::Paid => match tx.savepoint(|tx| pay(tx, draw, &payment, notice)) {
            Ok(()) => PaymentStatus::Paid,
            // Whatever the order lacks, the money is there.
            Err(Error::Invalid(_) | Error::Conflict(_)) => owe(tx, draw, &order, payment, notice)?,
            Err(error) => return Err(error),
        },
        Received::Owed => owe(tx, draw, &order, payment, notice)?,
        Received::OwedAgain => owe_again(tx, draw, &order, &payment, notice)?,
    }))
}

fn pay(tx: &mut Tx<'_>, draw: &Draw, payment: &Payment, notice: &Notice) -> Result<(), Error> {
    orders::finish(tx, &draw.order, payment.order, OrderActor::PaymentSystem)?;
    take(tx, payment, notice, PaymentStatus::Paid)
}

/// Notes that money came that has to go back.
fn owe(tx: &mut Tx<'_>, draw: &Draw, order: &Order, payment: Payment, notice: &Notice) -> Result<PaymentStatus, Error> {
    take(tx, &payment, notice, PaymentStatus::Owed)?;
    write_owed(tx, draw, order, &payment)
}

/// Notes that a payment was paid once more.
fn owe_again(
    tx: &mut Tx<'_>,
    draw: &Draw,
    order: &Order,
    former: &Payment,
    notice: &Notice,
) -> Result<PaymentStatus, Error> {
    let now = tx.now();
    let payment = Payment {
        id: draw.further,
        external_id: Some(notice.external_id.clone()),
        status: PaymentStatus::Owed,
        created_at: now,
        updated_at: now,
        ..former.clone()
    };
    store::payments::insert(tx, &payment)?;
    write_owed(tx, draw, order, &payment)
}

fn write_owed(tx: &mut Tx<'_>, draw: &Draw, order: &Order, payment: &Payment) -> Result<PaymentStatus, Error> {
    ledger::late_payment(tx, &draw.order.entries, order, payment)?;
    store::payments::insert_return(tx, &Return::of_payment(payment))?;
    Ok(PaymentStatus::Owed)
}

fn take(tx: &mut Tx<'_>, payment: &Payment, notice: &Notice, status: PaymentStatus) -> Result<(), Error> {
    if store::payments::receive(tx, payment.id, &notice.external_id, status)? {
        return Ok(());
    }
    // The order is locked, so nobody else can have noted it meanwhile.
    Err(Error::Internal(format!("the payment {} is not pending any more", payment.id)))
}

/// What came of callbacks that were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Whether there were any.
    pub any: bool,
    /// What the last one that was heard was answered.
    pub last: Option<PaymentStatus>,
}

/// Sends callbacks of the payment system for tests that are due, of one payment or of all.
///
/// # Errors
/// Those of the store; a callback that is not heard is sent again later.
pub async fn deliver(app: &App, of: Option<PaymentId>) -> Result<Delivered, Error> {
    let due = test::claim(&app.store, of).await?;
    let mut delivered = Delivered { any: !due.is_empty(), last: None };
    for callback in due {
        let signed = test::signed(&app.secret, &callback, app.store.now());
        let heard = receive(app, PaymentSystem::Test, &signed).await;
        if let Err(error) = &heard {
            tracing::warn!(payment = %callback.charge, attempt = callback.attempts, "A callback was not heard: {error}.");
        }
        test::heard(&app.store, callback, heard.is_ok()).await?;
        delivered.last = heard.ok().or(delivered.last);
    }
    Ok(delivered)
}

/// Has the payment systems send back what is due. True where there was something.
///
/// # Errors
/// Those of the store; what a payment system does not do is tried again later.
pub async fn send_back(app: &App) -> Result<bool, Error> {
    let due = app.store.write(|tx| store::payments::claim_returns(tx, RETURNS)).await?;
    let any = !due.is_empty();
    for back in due {
        if let Err(error) = send_one_back(app, back.clone()).await {
            tracing::error!(payment = %back.payment, attempts = back.attempts, "Money was not sent back: {error}; it is tried again.");
        }
    }
    Ok(any)
}

async fn send_one_back(app: &App, back: Return) -> Result<(), Error> {
    let id = back.payment;
    let missing = || Error::Internal(format!("a return of the payment {id}, which has no money"));
    let payment = app.store.read(move |tx| store::payments::find(tx, id)).await?.ok_or_else(missing)?;
    let external_id = payment.external_id.clone().ok_or_else(missing)?;
    let asked = SendBack { id: back.id, external_id, amount: back.amount };
    payments::send_back(&app.store, payment.system, asked).await.map_err(|error| match error {
        payments::Error::Refused(_) => Error::Internal(error.to_string()),
        payments::Error::Store(error) => error.into(),
    })?;
    let ids = app.entry_ids(id.bucket());
    app.store
        .write(move |tx| {
            // A second server, or a second try, finds it noted.
            if !store::payments::set_sent(tx, back.id)? {
                return Ok(());
            }
            match back.refund {
                Some(refund) => refunds::sent_back(tx, &ids, refund).map(|_| ()),
                None => returned(tx, &ids, &payment),
            }
        })
        .await
}

fn returned(tx: &mut Tx<'_>, ids: &EntryIds, payment: &Payment) -> Result<(), Error> {
    let missing = || Error::Internal(format!("the payment {} without its order", payment.id));
    let order = store::orders::find(tx, payment.order)?.ok_or_else(missing)?;
    if !store::payments::set_returned(tx, payment.id)? {
        return Err(Error::Internal(format!("the payment {} was not owed", payment.id)));
    }
    ledger::payment_returned(tx, ids, &order, payment)
}
