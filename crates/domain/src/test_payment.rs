//! The payment system for tests: a provider that collects no money, and otherwise does what real ones do. It also does what
//! real ones do wrong, when its customer asks for it.

use jiff::{SignedDuration, Timestamp};

use crate::id::PaymentId;
use crate::money::Money;
use crate::payment::NoticeStatus;
use crate::wire::wire_names;

/// How often a callback is sent that nobody hears.
pub const ATTEMPTS_MAX: i32 = 8;

/// How long after a charge's end a late callback is sent.
const LATE: SignedDuration = SignedDuration::from_secs(1);

/// Money that a customer is to pay on the system's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Its id: that of the payment that it was asked for.
    pub id: PaymentId,
    /// The number of the order.
    pub number: i64,
    /// How much.
    pub amount: Money,
    /// Where the customer goes after paying.
    pub success_url: Option<String>,
    /// Where the customer goes after declining.
    pub failure_url: Option<String>,
    /// Until when it may be paid.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub status: ChargeStatus,
    /// The name of the money, once it is paid.
    pub external_id: Option<String>,
    /// How much of it has been sent back, in minor units.
    pub returned: i64,
}

/// Where a charge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChargeStatus {
    /// It can be paid.
    Open,
    /// It is paid.
    Paid,
}

wire_names!(ChargeStatus { Open = "open", Paid = "paid" });

/// What a customer can do on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Pays.
    Pay,
    /// Does not.
    Decline,
    /// Pays, and the callback comes twice.
    PayTwice,
    /// Pays, and the callback comes when the time to pay is over.
    PayLate,
    /// Has somebody send a callback about another amount.
    OtherAmount,
    /// Has somebody send a callback that is signed by another secret.
    Forge,
    /// Has somebody send a callback that was signed an hour ago.
    Replay,
}

wire_names!(Choice {
    Pay = "pay",
    Decline = "decline",
    PayTwice = "pay_twice",
    PayLate = "pay_late",
    OtherAmount = "other_amount",
    Forge = "forge",
    Replay = "replay",
});

/// How a callback is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signing {
    /// As it should be.
    Right,
    /// By another secret.
    Forged,
    /// An hour ago.
    Stale,
}

wire_names!(Signing { Right = "right", Forged = "forged", Stale = "stale" });

/// What is told by a callback, how and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// What became of the charge.
    pub status: NoticeStatus,
    /// How much.
    pub amount: Money,
    /// How it is signed.
    pub signing: Signing,
    /// When it is sent.
    pub due_at: Timestamp,
}

/// Why money is not sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnRefusal {
    /// There is no such money.
    #[error("nothing was paid")]
    NotPaid,
    /// There is not so much of it left.
    #[error("{left} are left of what was paid, less than {asked}")]
    TooMuch {
        /// What is left.
        left: Money,
        /// What was asked for.
        asked: Money,
    },
}

impl Charge {
    /// Whether it can be paid at a time.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.status == ChargeStatus::Open && now < self.expires_at && self.amount.minor > 0
    }

    /// What follows from what the customer does: what is to be told. `external_id` is the name that the money gets. Nothing
    /// follows where it can't be paid, or is paid already.
    pub fn choose(&mut self, choice: Choice, external_id: &str, now: Timestamp) -> Vec<Telling> {
        if !self.is_open(now) {
            return Vec::new();
        }
        if matches!(choice, Choice::Pay | Choice::PayTwice | Choice::PayLate) {
            self.status = ChargeStatus::Paid;
            self.external_id = Some(external_id.to_owned());
        }
        let paid = Telling { status: NoticeStatus::Paid, amount: self.amount, signing: Signing::Right, due_at: now };
        match choice {
            Choice::Pay => vec![paid],
            Choice::Decline => vec![Telling { status: NoticeStatus::Declined, ..paid }],
            Choice::PayTwice => vec![paid.clone(), paid],
            Choice::PayLate => {
                vec![Telling { due_at: self.expires_at.checked_add(LATE).unwrap_or(Timestamp::MAX), ..paid }]
            }
            Choice::OtherAmount => {
                let amount = Money { minor: self.amount.minor - 1, ..self.amount };
                vec![Telling { amount, ..paid }]
            }
            Choice::Forge => vec![Telling { signing: Signing::Forged, ..paid }],
            Choice::Replay => vec![Telling { signing: Signing::Stale, ..paid }],
        }
    }

    /// Asks for another amount; false where it is paid already.
    pub fn amend(&mut self, amount: Money) -> bool {
        let open = self.status == ChargeStatus::Open;
        if open {
            self.amount = amount;
        }
        open
    }

    /// Sends a part of the money back, or all of it.
    ///
    /// # Errors
    /// [`ReturnRefusal`], which says why.
    pub fn give_back(&mut self, amount: Money) -> Result<(), ReturnRefusal> {
        if self.status != ChargeStatus::Paid {
            return Err(ReturnRefusal::NotPaid);
        }
        let left = Money { minor: self.amount.minor.saturating_sub(self.returned), ..self.amount };
        if amount.currency != left.currency || amount.minor > left.minor || amount.minor < 0 {
            return Err(ReturnRefusal::TooMuch { left, asked: amount });
        }
        self.returned += amount.minor;
        Ok(())
    }
}

/// When a callback that nobody heard is sent again, after so many attempts; none: it is given up.
pub fn again_at(attempts: i32, now: Timestamp) -> Option<Timestamp> {
    let doublings = u32::try_from(attempts).unwrap_or_default().saturating_sub(1);
    let pause = SignedDuration::from_mins(1_i64.checked_shl(doublings).filter(|_| attempts < ATTEMPTS_MAX)?);
    now.checked_add(pause).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::check_wire_names;

    const END: i64 = 1_000;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn rub(minor: i64) -> Money {
        Money { minor, currency: "RUB".parse().unwrap() }
    }

    fn charge() -> Charge {
        Charge {
            id: PaymentId::from_bytes([1; 12]),
            number: 7,
            amount: rub(1_000),
            success_url: None,
            failure_url: None,
            expires_at: second(END),
            status: ChargeStatus::Open,
            external_id: None,
            returned: 0,
        }
    }

    #[test]
    fn names() {
        check_wire_names(ChargeStatus::ALL, &["open", "paid"]);
        check_wire_names(Signing::ALL, &["right", "forged", "stale"]);
        let choices = ["pay", "decline", "pay_twice", "pay_late", "other_amount", "forge", "replay"];
        check_wire_names(Choice::ALL, &choices);
    }

    #[test]
    fn what_each_choice_tells() {
        use NoticeStatus::{Declined, Paid};
        use Signing::{Forged, Right, Stale};
        for (choice, pays, told) in [
            (Choice::Pay, true, vec![(Paid, 1_000, Right, 5)]),
            (Choice::Decline, false, vec![(Declined, 1_000, Right, 5)]),
            (Choice::PayTwice, true, vec![(Paid, 1_000, Right, 5), (Paid, 1_000, Right, 5)]),
            (Choice::PayLate, true, vec![(Paid, 1_000, Right, END + 1)]),
            (Choice::OtherAmount, false, vec![(Paid, 999, Right, 5)]),
            (Choice::Forge, false, vec![(Paid, 1_000, Forged, 5)]),
            (Choice::Replay, false, vec![(Paid, 1_000, Stale, 5)]),
        ] {
            let mut charge = charge();
            let told: Vec<Telling> = told
                .iter()
                .map(|(status, minor, signing, at)| Telling {
                    status: *status,
                    amount: rub(*minor),
                    signing: *signing,
                    due_at: second(*at),
                })
                .collect();
            assert_eq!(charge.choose(choice, "money", second(5)), told, "{choice}");
            assert_eq!(charge.status == ChargeStatus::Paid, pays, "{choice}");
            assert_eq!(charge.external_id.is_some(), pays, "{choice}");
        }
    }

    #[test]
    fn a_charge_is_paid_once_in_its_time_and_never_for_nothing() {
        let mut paid = charge();
        paid.choose(Choice::Pay, "money", second(5));
        let mut free = charge();
        assert!(free.amend(rub(0)));
        for (mut charge, now) in [(paid, 6), (charge(), END), (free, 5)] {
            let before = charge.clone();
            for choice in Choice::ALL {
                assert_eq!(charge.choose(*choice, "other", second(now)), []);
                assert_eq!(charge, before);
            }
        }
    }

    #[test]
    fn another_amount_is_asked_for_until_it_is_paid() {
        let mut charge = charge();
        assert!(charge.amend(rub(500)));
        charge.choose(Choice::Pay, "money", second(5));
        assert!(!charge.amend(rub(400)));
        assert_eq!(charge.amount, rub(500));
    }

    #[test]
    fn no_more_is_sent_back_than_was_paid() {
        let mut charge = charge();
        assert_eq!(charge.give_back(rub(1)), Err(ReturnRefusal::NotPaid));
        charge.choose(Choice::Pay, "money", second(5));
        assert_eq!(charge.give_back(rub(600)), Ok(()));
        assert_eq!(charge.give_back(rub(401)), Err(ReturnRefusal::TooMuch { left: rub(400), asked: rub(401) }));
        assert!(charge.give_back(rub(-1)).is_err());
        assert!(charge.give_back(Money { minor: 1, currency: "EUR".parse().unwrap() }).is_err());
        assert_eq!(charge.give_back(rub(400)), Ok(()));
        assert!(charge.give_back(rub(1)).is_err());
    }

    #[test]
    fn a_callback_that_nobody_hears_is_sent_less_and_less_often_and_then_given_up() {
        let pause = |attempts| again_at(attempts, second(0)).map(|at| at.as_second() / 60);
        assert_eq!([0, 1, 2, 3, 7].map(pause), [Some(1), Some(1), Some(2), Some(4), Some(64)]);
        assert_eq!([8, 1_000, i32::MAX].map(pause), [None; 3]);
    }
}
