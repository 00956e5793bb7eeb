//! An order while it is being changed, and writing down what changed of it.

use super::super::Error;
use super::OrderView;
use crate::domain::id::{PromocodeId, TicketId};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::pricing::Line;
use crate::store::stock::Counts;
use crate::store::{self, Tx};

/// An order that is being changed.
pub(super) struct Work {
    pub order: Order,
    pub lines: Vec<Line>,
    /// Its promocodes, with how many uses of each it holds.
    pub codes: Vec<(PromocodeId, i64)>,
    pub counts: Counts,
}

impl Work {
    pub fn load(tx: &mut Tx<'_>, order: Order) -> Result<Self, Error> {
        let lines = store::orders::lines(tx, std::slice::from_ref(&order))?.remove(&order.id).unwrap_or_default();
        let codes = store::orders::promocodes(tx, &[order.id])?.remove(&order.id).unwrap_or_default();
        Ok(Self { order, lines, codes, counts: Counts::default() })
    }

    pub fn tickets(&self) -> Vec<TicketId> {
        self.lines.iter().map(|line| line.ticket).collect()
    }

    pub fn into_view(self) -> OrderView {
        let promocodes = self.codes.into_iter().map(|(id, _)| id).collect();
        OrderView { order: self.order, lines: self.lines, promocodes }
    }

    /// Writes an order that was loaded and has been changed since.
    pub fn save(mut self, tx: &mut Tx<'_>, was: &Was) -> Result<Self, Error> {
        if self.order == was.order && self.lines == was.lines && self.codes == was.codes {
            return Ok(self);
        }
        if !store::orders::update(tx, &mut self.order)? {
            return Err(lost());
        }
        self.save_parts(tx, was)
    }

    pub fn save_parts(mut self, tx: &mut Tx<'_>, was: &Was) -> Result<Self, Error> {
        if self.lines != was.lines {
            store::orders::put_lines(tx, self.order.id, &self.lines)?;
        }
        if self.codes != was.codes {
            store::orders::put_promocodes(tx, self.order.id, &self.codes)?;
        }
        if self.order.status == OrderStatus::Done && was.order.status != OrderStatus::Done {
            store::orders::keep_barcodes(tx, self.order.id)?;
        }
        std::mem::take(&mut self.counts).write(tx, self.order.id)?;
        Ok(self)
    }
}

/// An order as it was before a change.
pub(super) struct Was {
    pub order: Order,
    pub lines: Vec<Line>,
    pub codes: Vec<(PromocodeId, i64)>,
}

impl Was {
    pub fn of(work: &Work) -> Self {
        Self { order: work.order.clone(), lines: work.lines.clone(), codes: work.codes.clone() }
    }
}

pub(super) fn lost() -> Error {
    Error::conflict("changed_meanwhile", "the order was changed at the same time: read it again")
}
