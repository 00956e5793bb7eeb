//! What is made of random numbers and hashes for an order: ids, numbers, codes, barcodes.

use sha2::{Digest, Sha256};

use super::super::ledger::EntryIds;
use super::super::payments::Asking;
use super::super::{App, Error};
use crate::domain::id::{Bucket, CustomerId, MailId, OrderId, TicketId};
use crate::domain::ticket;
use crate::random;

/// What codes of orders are written with: no two look alike.
const CODE_LETTERS: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// How many characters a code has.
const CODE_LENGTH: usize = 8;

/// What is drawn for a change of an order before its transaction, which may be run again.
#[derive(Clone)]
pub struct Drawn {
    /// The id of a new order.
    pub order: OrderId,
    /// The id of a new customer.
    pub customer: CustomerId,
    /// The id of the letter with the tickets.
    pub mail: MailId,
    /// The ids of entries of the ledger.
    pub entries: EntryIds,
    /// What its payment is asked for with.
    pub(super) asking: Asking,
    /// What codes and barcodes are made of.
    seed: [u8; 32],
}

impl Drawn {
    /// Draws for an order in a bucket.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(app: &App, bucket: Bucket) -> Result<Self, Error> {
        let nonce = random::bytes::<32>().map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self {
            order: app.new_id_in(bucket),
            customer: app.new_id(),
            mail: app.new_id(),
            entries: app.entry_ids(bucket),
            asking: Asking::new(app, bucket),
            seed: app.secret.seed(&nonce),
        })
    }

    /// What the customer shows.
    pub(super) fn code(&self) -> String {
        let hash = digest(&[&self.seed, b"code"]);
        let letters = hash.iter().take(CODE_LENGTH).map(|byte| CODE_LETTERS[usize::from(*byte) % CODE_LETTERS.len()]);
        letters.map(char::from).collect()
    }

    /// A barcode, another one for each attempt.
    pub(super) fn barcode(&self, ticket: TicketId, attempt: u32) -> String {
        let [random @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            digest(&[&self.seed, b"barcode", ticket.as_bytes(), &attempt.to_be_bytes()]);
        ticket::barcode(random)
    }
}

/// A number of 9 or 10 digits that says nothing about how many orders there are; another one for each attempt.
pub(super) fn number(order: OrderId, attempt: u32) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = digest(&[b"number", order.as_bytes(), &attempt.to_be_bytes()]);
    let random = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    100_000_000 + i64::try_from(random % 9_900_000_000).unwrap_or_default()
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}
