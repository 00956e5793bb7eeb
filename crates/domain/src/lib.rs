//! The rules of Parterre.
//!
//! Everything here is a value or a function of values: no input or output, no clock, no
//! randomness, no SQL, no HTTP. Time and random bytes come in as arguments. The words are those
//! of the domain's glossary, one type for each.
//!
//! | to find | look in |
//! | --- | --- |
//! | why a value was refused | [`invalid`] |
//! | ids, and the bucket of what belongs to an event | [`id`] |
//! | times and periods, and how they are written | [`time`], [`period`] |
//! | limits of texts, the form in which text is searched | [`text`] |
//! | money, percentages, shares | [`money`], [`share`] |
//! | the terms of a deal and the split of a ticket's price | [`terms`] |
//! | partners with their settings; their contact and legal data | [`partner`], [`contact`] |
//! | users, members and what a member may do | [`user`], [`member`] |
//! | events and their status | [`event`] |
//! | files that partners upload | [`attachment`] |
//! //! | ticket sets with their rules, tickets | [`set`], [`ticket`] |
//! | deals: sides, status, automatic acceptance | [`deal`] |
//! | promocodes, and the prices of an order's tickets | [`promocode`], [`pricing`] |
//! | orders: status, what has to follow a change of it | [`order`] |
//! | customers, payments, refund requests, the ledger | [`customer`], [`payment`], [`refund`], [`ledger`] |
//! | the payment system for tests | [`test_payment`] |
//! | venues, cities and countries; the plan of a hall with its seats | [`place`], [`map`] |
//! | who may see and manage what | [`access`] |

mod wire;

pub mod access;
pub mod attachment;
pub mod contact;
pub mod customer;
pub mod deal;
pub mod event;
pub mod id;
pub mod invalid;
pub mod ledger;
pub mod map;
pub mod member;
pub mod money;
pub mod order;
pub mod partner;
pub mod payment;
pub mod period;
pub mod place;
pub mod pricing;
pub mod promocode;
pub mod refund;
pub mod set;
pub mod share;
pub mod terms;
pub mod test_payment;
pub mod text;
pub mod ticket;
pub mod time;
pub mod user;
