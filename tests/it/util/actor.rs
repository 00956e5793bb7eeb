//! Who talks to the server, and what they do.

use serde_json::{Value, json};

use super::{Answer, Request, Server, id};

/// Somebody with or without credentials.
#[derive(Clone)]
pub struct Actor<'s> {
    server: &'s Server,
    /// A header that proves who it is.
    credentials: Option<(&'static str, String)>,
    partner: Option<String>,
    user: Option<String>,
    /// Headers of every request.
    headers: Vec<(String, String)>,
}

impl<'s> Actor<'s> {
    pub(super) fn new(
        server: &'s Server,
        credentials: Option<(&'static str, String)>,
        partner: Option<String>,
        user: Option<String>,
    ) -> Self {
        Self { server, credentials, partner, user, headers: Vec::new() }
    }

    /// The id of the partner that it acts for.
    pub fn partner(&self) -> &str {
        self.partner.as_deref().expect("acts for no partner")
    }

    /// The id of the partner that it acts for, if any.
    pub fn may_act_for(&self) -> Option<&str> {
        self.partner.as_deref()
    }

    /// The id of the user: the one who is signed in, or the owner of the key's partner.
    pub fn user(&self) -> &str {
        self.user.as_deref().expect("is no user")
    }

    /// The server it talks to.
    pub fn server(&self) -> &'s Server {
        self.server
    }

    /// The same with one more header on every request.
    pub fn saying(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    /// A request with its credentials.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let mut request = Request::new(self.server.address, method, path);
        if let Some((name, value)) = &self.credentials {
            request = request.header(name, value);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.request("POST", path).json(&body).send()
    }

    pub fn patch(&self, path: &str, body: Value) -> Answer {
        self.request("PATCH", path).json(&body).send()
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send()
    }

    /// Proposes a deal about an event to a partner, for an `org` of 90%.
    pub fn proposes(&self, event: &str, subj: &str) -> Answer {
        self.proposes_terms(event, subj, json!({"org": 90}))
    }

    /// Proposes a deal about an event to a partner.
    pub fn proposes_terms(&self, event: &str, subj: &str, term: Value) -> Answer {
        self.post("/v1/resources/deals", json!({"event": event, "subj": subj, "term": term}))
    }

    pub fn accepts(&self, deal: &Value) -> Answer {
        self.sets(deal, "accepted")
    }

    pub fn rejects(&self, deal: &Value) -> Answer {
        self.sets(deal, "rejected")
    }

    pub fn cancels(&self, deal: &Value) -> Answer {
        self.sets(deal, "canceled")
    }

    pub fn closes(&self, deal: &Value) -> Answer {
        self.sets(deal, "closed")
    }

    /// Sets the status of a deal.
    pub fn sets(&self, deal: &Value, status: &str) -> Answer {
        self.patch(&deal_path(deal), json!({"status": status}))
    }

    /// Hands a proposal over to the other side.
    pub fn hands_over(&self, deal: &Value, reversed: impl Into<Value>) -> Answer {
        self.patch(&deal_path(deal), json!({"reversed_deal": reversed.into()}))
    }

    /// Reads a deal again.
    pub fn sees(&self, deal: &Value) -> Value {
        self.get(&deal_path(deal)).ok()
    }

    /// The status that a deal has for it.
    pub fn sees_status(&self, deal: &Value) -> String {
        self.sees(deal)["status"].as_str().unwrap().to_owned()
    }

    /// Changes its partner's settings through the platform, who may do so for a key as well.
    pub fn has_settings(&self, settings: Value) {
        self.server.platform().patch(&format!("/v1/resources/partners/{}/settings", self.partner()), settings).ok();
    }

    /// Uploads a file as this type.
    pub fn uploads(&self, content_type: &str, content: impl Into<Vec<u8>>) -> Answer {
        self.request("POST", "/v1/resources/attachments").header("Content-Type", content_type).body(content).send()
    }

    /// Reads what an address of this server leads to.
    pub fn opens(&self, url: &str) -> Answer {
        self.request("GET", self.path_of(url)).send()
    }

    /// The path of an address of this server.
    pub fn path_of<'u>(&self, url: &'u str) -> &'u str {
        let base = format!("http://{}", self.server.address);
        url.strip_prefix(&base).unwrap_or_else(|| panic!("{url} is not below {base}"))
    }

    /// Makes a set of an event, with so many tickets without seats at a price.
    pub fn makes_set(&self, event: &str, amount: i64, price: &str) -> Value {
        self.post(&sets_path(event), json!({"name": "Parterre", "amount": amount, "price": price})).ok()
    }

    /// Changes a set.
    pub fn changes_set(&self, set: &Value, changes: Value) -> Answer {
        self.patch(&set_path(set), changes)
    }

    /// Removes a set.
    pub fn removes_set(&self, set: &Value) -> Answer {
        self.delete(&set_path(set))
    }

    /// Reads a set again.
    pub fn sees_set(&self, set: &Value) -> Value {
        self.get(&set_path(set)).ok()
    }

    /// The tickets of a set, in the order of their numbers.
    pub fn sees_tickets(&self, set: &Value) -> Vec<Value> {
        self.get(&format!("{}/tickets", set_path(set))).list()
    }

    /// Makes an order.
    pub fn orders(&self, order: Value) -> Answer {
        self.post(ORDERS, order)
    }

    /// Makes an order of so many tickets of a set, whichever they are.
    pub fn orders_of(&self, set: &Value, count: usize) -> Answer {
        self.orders(json!({"event": set["event"], "random": {id(set): count}}))
    }

    /// Changes an order.
    pub fn changes_order(&self, order: &Value, changes: Value) -> Answer {
        self.patch(&order_path(order), changes)
    }

    /// Sets the status of an order.
    pub fn sets_order(&self, order: &Value, status: &str) -> Answer {
        self.changes_order(order, json!({"status": status}))
    }

    /// Has an order paid by its vendor.
    pub fn pays(&self, order: &Value) -> Value {
        self.sets_order(order, "in_progress").ok();
        self.sets_order(order, "done").ok()
    }

    /// Gives an order up.
    pub fn cancels_order(&self, order: &Value) -> Answer {
        self.delete(&order_path(order))
    }

    /// Reads an order again.
    pub fn sees_order(&self, order: &Value) -> Value {
        self.get(&order_path(order)).ok()
    }

    /// The tickets of an order.
    pub fn sees_tickets_of(&self, order: &Value) -> Vec<Value> {
        self.get(&format!("{}/tickets", order_path(order))).list()
    }

    /// Makes an order through version 2.
    pub fn orders_whole(&self, order: Value) -> Answer {
        self.post(ORDERS_V2, order)
    }

    /// Changes an order through version 2.
    pub fn changes_whole(&self, order: &Value, changes: Value) -> Answer {
        self.patch(&whole_path(order), changes)
    }

    /// Reads an order through version 2: its `data`.
    pub fn sees_whole(&self, order: &Value) -> Value {
        self.get(&whole_path(order)).ok()["data"].clone()
    }

    /// Describes a venue, of which it says no more than the name.
    pub fn describes_venue(&self, name: &str) -> Value {
        self.post("/v1/resources/venues", json!({"name": name})).ok()
    }

    /// Describes a map with a floor to stand on, and a parterre of two rows with 7 seats.
    pub fn describes_map(&self, name: &str) -> Value {
        let rows = json!([{"name": "1", "seats": 3}, {"name": "2", "seats": 4}]);
        let sectors = json!([{"name": "Floor"}, {"name": "Parterre", "rows": rows}]);
        self.post("/v1/resources/maps", json!({"name": name, "sectors": sectors})).ok()
    }

    /// Changes an event of its own.
    pub fn changes_event(&self, event: &str, changes: Value) -> Answer {
        self.patch(&format!("/v1/resources/events/{event}"), changes)
    }
}

/// The path of the sets of an event.
pub fn sets_path(event: &str) -> String {
    format!("/v1/resources/events/{event}/sets")
}

/// The path of a set.
pub fn set_path(set: &Value) -> String {
    format!("{}/{}", sets_path(set["event"].as_str().unwrap()), id(set))
}

/// The path of orders.
pub const ORDERS: &str = "/v1/resources/orders";

/// The path of an order.
pub fn order_path(order: &Value) -> String {
    format!("{ORDERS}/{}", id(order))
}

/// The path of orders in version 2.
pub const ORDERS_V2: &str = "/v2/resources/orders";

/// The path of an order in version 2.
pub fn whole_path(order: &Value) -> String {
    format!("{ORDERS_V2}/{}", id(order))
}

fn deal_path(deal: &Value) -> String {
    format!("/v1/resources/deals/{}", id(deal))
}
