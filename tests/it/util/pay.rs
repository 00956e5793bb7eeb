//! Orders that are paid through the payment system for tests.

use parterre::domain::id::OrderId;
use parterre::domain::payment::{Payment, PaymentSystem};
use parterre::payments::signature::{SIGNATURE_HEADER, Signed, TIME_HEADER};
use parterre::store;
use serde_json::{Value, json};

use super::{Actor, Answer, Server, id};

/// Where customers go after paying.
pub const SUCCESS: &str = "https://shop.example/thanks?order=1&lang=en";
/// Where customers go when they did not pay.
pub const FAILURE: &str = "https://shop.example/sorry";

impl Actor<'_> {
    /// Has an order wait for its payment through the payment system for tests.
    pub fn asks_for_payment(&self, order: &Value) -> Value {
        let payment =
            json!({"system": PaymentSystem::Test.id().to_string(), "success_url": SUCCESS, "failure_url": FAILURE});
        self.changes_order(order, json!({"payment": payment, "status": "in_progress"})).ok()
    }
}

impl Server {
    /// The page where an order's customer pays.
    pub fn pay_page(&self, order: &Value) -> Answer {
        self.nobody().get(&self.pay_path(order))
    }

    /// What an order's customer does on the page, as its browser sends it.
    pub fn customer_does(&self, order: &Value, choice: &str) -> Answer {
        let request = self.nobody().request("POST", &self.pay_path(order));
        request.header("Content-Type", "application/x-www-form-urlencoded").body(format!("choice={choice}")).send()
    }

    fn pay_path(&self, order: &Value) -> String {
        let url = order["payment"]["redirect_url"].as_str().unwrap_or_else(|| panic!("no redirect_url: {order}"));
        url.strip_prefix(&format!("http://{}", self.address)).unwrap_or_else(|| panic!("{url}")).to_owned()
    }

    /// A callback of the payment system, signed now.
    pub fn calls_back(&self, body: &Value) -> Answer {
        self.calls_back_with(&Signed::new(&self.app.secret, body.to_string(), self.now()))
    }

    /// A callback as it is.
    pub fn calls_back_with(&self, signed: &Signed) -> Answer {
        let request = self.nobody().request("POST", "/payments/test/callback");
        let request = request.header(TIME_HEADER, &signed.time).header(SIGNATURE_HEADER, &signed.signature);
        request.header("Content-Type", "application/json").body(signed.body.clone()).send()
    }

    /// What the payment system says when an order is paid by money of this name.
    pub fn paid(&self, order: &Value, external_id: &str) -> Value {
        let payment = &self.payments_of(order)[0];
        json!({
            "payment": payment.id.to_string(), "external_id": external_id, "amount": payment.amount.to_string(),
            "currency": payment.amount.currency.code(), "status": "paid",
        })
    }

    /// The payments of an order.
    pub fn payments_of(&self, order: &Value) -> Vec<Payment> {
        let order: OrderId = id(order).parse().unwrap();
        self.write(move |tx| Ok(store::payments::of_order(tx, order)?))
    }

    /// The statuses of an order's payments.
    pub fn payment_statuses(&self, order: &Value) -> Vec<&'static str> {
        self.payments_of(order).iter().map(|payment| payment.status.as_str()).collect()
    }
}
