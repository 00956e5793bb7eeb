//! Orders, a verb or two a file.
//!
//! | to find | look in |
//! | --- | --- |
//! | who may read which orders; their lists | `reading` |
//! | orders with all that shows with them | `whole` |
//! | how one is made; what is drawn at random for it | `creating`, `drawn` |
//! | how one is changed, in which sequence, and written down | `changing`, `work` |
//! | whether tickets are for sale, and which ones it gets | `choosing` |
//! | what it costs, with which promocodes | `prices` |
//! | how it comes to wait for its payment, to be done, cancelled, expired | `status` |
//! | the letter with its tickets; the list of orders as a file | `mailed`, `export` |

mod changing;
mod choosing;
mod creating;
mod drawn;
mod export;
mod mailed;
mod prices;
mod reading;
mod status;
mod whole;
mod work;

use super::Error;
use crate::domain::access::{self, Caller};
use crate::domain::order::{Order, OrderActor};

pub use changing::{Changed, Changes, CodeRefusal, CodeRefused, PaymentPatch, Wanted, change};
pub use creating::{NewOrder, create};
pub use drawn::Drawn;
pub use export::{Export, Sheet, export};
pub use reading::{
    Filter, OrderView, count, count_of_customer, count_tickets, get, list, list_of_customer, readable, tickets, views,
};
pub use status::{cancel, cancel_all_of, expire, finish};
pub use whole::{Offer, OrderTicket, WholeOrder, get_whole, list_whole, whole};

/// How often a number, a barcode or a use of a promocode that somebody else has taken is tried anew.
const ATTEMPTS: u32 = 5;

/// Through which half of the API an order is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// An order waits for its payment before it is done; a promocode that can't be applied refuses the request.
    V1,
    /// An order may be done at once; a promocode that can't be applied is told of.
    V2,
}

/// As whom the caller changes an order.
fn actor(caller: &Caller, order: &Order, through: Through) -> Result<OrderActor, Error> {
    match access::order_actor(caller, order.vendor, order.org) {
        Some(OrderActor::Vendor) if through == Through::V2 => Ok(OrderActor::VendorAtOnce),
        Some(actor) => Ok(actor),
        None => Err(Error::forbidden("only an order's vendor and the organizer of its event may see it")),
    }
}
