//! Payments: money for an order through a payment system.

use jiff::{SignedDuration, Timestamp};

use crate::id::{ObjectId, OrderId, PaymentId, RefundId, ReturnId};
use crate::money::Money;
use crate::order::{Order, OrderStatus};
use crate::refund::Refund;
use crate::wire::wire_names;

/// The payment systems of this platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentSystem {
    /// The vendor takes the money, and says so.
    Base,
    /// Behaves like a provider of payments, without money: for the demo and for tests.
    Test,
}

wire_names!(PaymentSystem { Base = "api/BASE", Test = "test" });

impl PaymentSystem {
    /// The id that answers name it by.
    pub const fn id(self) -> ObjectId {
        match self {
            Self::Base => ObjectId::from_bytes(*b"\x50\x00\x00\x00pay-base"),
            Self::Test => ObjectId::from_bytes(*b"\x50\x00\x00\x00pay-test"),
        }
    }

    /// The system with this id.
    pub fn by_id(id: ObjectId) -> Option<Self> {
        Self::ALL.iter().copied().find(|system| system.id() == id)
    }

    /// How long an order may wait for money through it.
    pub const fn hold(self) -> SignedDuration {
        match self {
            Self::Base => SignedDuration::from_hours(12),
            Self::Test => SignedDuration::from_mins(20),
        }
    }

    /// Whether the platform collects the customer's money, not the vendor.
    pub const fn collects(self) -> bool {
        !matches!(self, Self::Base)
    }
}

/// Money for an order through a payment system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The order.
    pub order: OrderId,
    /// The payment system.
    pub system: PaymentSystem,
    /// The system's own name of it: it counts once.
    pub external_id: Option<String>,
    /// Where it stands.
    pub status: PaymentStatus,
    /// How much.
    pub amount: Money,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// The customer has been sent to pay.
    Pending,
    /// It came in time and paid for the order.
    Paid,
    /// It came when there was nothing to pay for any more: owed to the customer, and sent back by a job.
    Owed,
    /// It has been sent back.
    Returned,
}

wire_names!(PaymentStatus { Pending = "pending", Paid = "paid", Owed = "owed", Returned = "returned" });

/// What a payment system says by its callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The payment that the system was asked for.
    pub payment: PaymentId,
    /// The system's own name of the money.
    pub external_id: String,
    /// How much.
    pub amount: Money,
    /// What became of it.
    pub status: NoticeStatus,
}

/// What became of a payment, as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeStatus {
    /// The system has the money.
    Paid,
    /// The customer did not pay, or could not; it may try again.
    Declined,
}

wire_names!(NoticeStatus { Paid = "paid", Declined = "declined" });

/// What has to follow a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Nothing: it was counted before, or no money came.
    Nothing,
    /// The order is paid.
    Paid,
    /// The money is owed to the customer: there is nothing to pay for any more.
    Owed,
    /// The same payment was paid a second time: that money is a payment of its own, and owed to the customer.
    OwedAgain,
}

/// Why a callback is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeRefusal {
    /// It is about another sum.
    #[error("must be {expected} {}, as asked for, not {given} {}", expected.currency, given.currency)]
    OtherAmount {
        /// What was asked for.
        expected: Money,
        /// What it says.
        given: Money,
    },
}

impl Payment {
    /// What a callback means. `order` is the order of the payment as it is at the time ([`Order::at`]); a callback whose
    /// `external_id` is known is about the payment that has it.
    ///
    /// Money that has come is never refused because of where the order stands: it pays, or it is owed.
    ///
    /// # Errors
    /// [`NoticeRefusal`], which says why.
    pub fn receive(&self, notice: &Notice, order: &Order) -> Result<Received, NoticeRefusal> {
        if notice.amount != self.amount {
            return Err(NoticeRefusal::OtherAmount { expected: self.amount, given: notice.amount });
        }
        let counted = self.external_id.as_ref() == Some(&notice.external_id);
        Ok(match (notice.status, self.status) {
            (NoticeStatus::Declined, _) => Received::Nothing,
            (NoticeStatus::Paid, _) if counted => Received::Nothing,
            (NoticeStatus::Paid, PaymentStatus::Pending) if self.pays(order) => Received::Paid,
            (NoticeStatus::Paid, PaymentStatus::Pending) => Received::Owed,
            (NoticeStatus::Paid, PaymentStatus::Paid | PaymentStatus::Owed | PaymentStatus::Returned) => {
                Received::OwedAgain
            }
        })
    }

    /// Whether the order waits for just this money.
    fn pays(&self, order: &Order) -> bool {
        order.status == OrderStatus::InProgress
            && order.payment.system == Some(self.system)
            && order.values.full == self.amount
    }
}

/// Money that a payment system is to send back to the customer: all of a payment that is owed, or what a refund request
/// says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// Its id: that of the refund request, else of the payment. By it the system knows a second try from a second return.
    pub id: ReturnId,
    /// The payment that it is a part of.
    pub payment: PaymentId,
    /// The refund request that waits for it.
    pub refund: Option<RefundId>,
    /// How much.
    pub amount: Money,
    /// How often it was tried.
    pub attempts: i32,
}

impl Return {
    /// All of a payment that is owed.
    pub fn of_payment(payment: &Payment) -> Self {
        let id = ObjectId::from(payment.id).into();
        Self { id, payment: payment.id, refund: None, amount: payment.amount, attempts: 0 }
    }

    /// What a refund request says.
    pub fn of_refund(refund: &Refund, payment: &Payment) -> Self {
        let id = ObjectId::from(refund.id).into();
        Self { id, payment: payment.id, refund: Some(refund.id), amount: refund.customer_money, attempts: 0 }
    }

    /// How long a try may take before another server tries as well, and how long to wait after one that failed: longer each
    /// time, an hour at most.
    pub fn patience(&self) -> SignedDuration {
        let doublings = u32::try_from(self.attempts).unwrap_or_default().min(6);
        SignedDuration::from_mins(1_i64 << doublings).min(SignedDuration::from_hours(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{self, OrderPayment};
    use crate::wire::check_wire_names;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn rub(minor: i64) -> Money {
        Money { minor, currency: "RUB".parse().unwrap() }
    }

    fn payment(status: PaymentStatus) -> Payment {
        let external_id = (status != PaymentStatus::Pending).then(|| "first".to_owned());
        Payment {
            id: PaymentId::from_bytes([1; 12]),
            order: OrderId::from_bytes([2; 12]),
            system: PaymentSystem::Test,
            external_id,
            status,
            amount: rub(1_000),
            created_at: second(0),
            updated_at: second(0),
        }
    }

    fn order(status: OrderStatus) -> Order {
        let payment = OrderPayment { system: Some(PaymentSystem::Test), ..OrderPayment::default() };
        Order { payment, ..order::tests::order(status) }
    }

    fn notice(external_id: &str, status: NoticeStatus) -> Notice {
        Notice { payment: PaymentId::from_bytes([1; 12]), external_id: external_id.into(), amount: rub(1_000), status }
    }

    #[test]
    fn names() {
        check_wire_names(PaymentSystem::ALL, &["api/BASE", "test"]);
        check_wire_names(PaymentStatus::ALL, &["pending", "paid", "owed", "returned"]);
        check_wire_names(NoticeStatus::ALL, &["paid", "declined"]);
        for system in PaymentSystem::ALL {
            assert_eq!(PaymentSystem::by_id(system.id()), Some(*system));
        }
    }

    /// Every status of a payment and of its order: what follows when the first money is told, when it is told again, and
    /// when other money is told.
    #[test]
    fn what_follows_from_money_that_came() {
        const TABLE: &str = "
            order        pending  paid                owed                returned
            executed     owed     nothing/owed-again  nothing/owed-again  nothing/owed-again
            in_progress  paid     nothing/owed-again  nothing/owed-again  nothing/owed-again
            done         owed     nothing/owed-again  nothing/owed-again  nothing/owed-again
            canceled     owed     nothing/owed-again  nothing/owed-again  nothing/owed-again
            expired      owed     nothing/owed-again  nothing/owed-again  nothing/owed-again
            refunded     owed     nothing/owed-again  nothing/owed-again  nothing/owed-again
        ";
        let word = |received| match received {
            Ok(Received::Nothing) => "nothing",
            Ok(Received::Paid) => "paid",
            Ok(Received::Owed) => "owed",
            Ok(Received::OwedAgain) => "owed-again",
            Err(_) => "refused",
        };
        let mut rows =
            TABLE.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|row| !row.is_empty());
        let columns = rows.next().unwrap();
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows.len(), OrderStatus::ALL.len());
        assert_eq!(columns.len(), 1 + PaymentStatus::ALL.len());
        for row in rows {
            let order = order(row[0].parse().unwrap());
            for (column, expected) in columns.iter().zip(&row).skip(1) {
                let payment = payment(column.parse().unwrap());
                let paid = |name| word(payment.receive(&notice(name, NoticeStatus::Paid), &order));
                let said = match payment.status {
                    PaymentStatus::Pending => paid("first").to_owned(),
                    _ => format!("{}/{}", paid("first"), paid("second")),
                };
                assert_eq!(said, **expected, "{column} payment of {} order", row[0]);
                for name in ["first", "second"] {
                    let declined = payment.receive(&notice(name, NoticeStatus::Declined), &order);
                    assert_eq!(declined, Ok(Received::Nothing), "declined: {column}, {}", row[0]);
                }
            }
        }
    }

    #[test]
    fn another_sum_is_refused_whatever_the_payment_and_the_order() {
        for status in PaymentStatus::ALL {
            for order_status in OrderStatus::ALL {
                for given in [rub(999), rub(1_001), Money { minor: 1_000, currency: "EUR".parse().unwrap() }] {
                    for said in NoticeStatus::ALL {
                        let notice = Notice { amount: given, ..notice("first", *said) };
                        let refusal = payment(*status).receive(&notice, &order(*order_status)).unwrap_err();
                        assert_eq!(refusal, NoticeRefusal::OtherAmount { expected: rub(1_000), given });
                    }
                }
            }
        }
        let refusal = NoticeRefusal::OtherAmount { expected: rub(1_000), given: rub(999) };
        assert_eq!(refusal.to_string(), "must be 10.00 RUB, as asked for, not 9.99 RUB");
    }

    #[test]
    fn from_the_end_of_the_hold_on_money_is_owed() {
        let at = |now| order(OrderStatus::InProgress).at(second(now));
        let paid = notice("first", NoticeStatus::Paid);
        assert_eq!(payment(PaymentStatus::Pending).receive(&paid, &at(99)), Ok(Received::Paid));
        assert_eq!(payment(PaymentStatus::Pending).receive(&paid, &at(100)), Ok(Received::Owed));
    }

    #[test]
    fn money_that_an_order_does_not_wait_for_is_owed() {
        let paid = notice("first", NoticeStatus::Paid);
        let mut other_sum = order(OrderStatus::InProgress);
        other_sum.values.full = rub(500);
        let mut other_system = order(OrderStatus::InProgress);
        other_system.payment.system = Some(PaymentSystem::Base);
        for order in [other_sum, other_system] {
            assert_eq!(payment(PaymentStatus::Pending).receive(&paid, &order), Ok(Received::Owed));
        }
    }

    #[test]
    fn patience_grows_to_an_hour() {
        let mut tried = Return {
            id: ReturnId::from_bytes([1; 12]),
            payment: PaymentId::from_bytes([1; 12]),
            refund: None,
            amount: rub(1),
            attempts: 0,
        };
        for (attempts, minutes) in [(0, 1), (1, 2), (5, 32), (6, 60), (1_000, 60), (i32::MAX, 60)] {
            tried.attempts = attempts;
            assert_eq!(tried.patience(), SignedDuration::from_mins(minutes), "{attempts}");
        }
    }
}
