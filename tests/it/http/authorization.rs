//! Who may see and do what (`spec/http.md`): every route as everybody, and both sides of each rule of sight.

use std::collections::BTreeSet;
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;
use parterre::domain::deal::DealStatus;
use parterre::domain::event::EventStatus;
use parterre::domain::member::MemberRole;
use parterre::domain::partner::Role;
use parterre::http::route::{Access, Route};
use parterre::{demo, http};
use serde_json::{Value, json};

use crate::util::{Actor, Answer, Server, Sold, id};

on_both_engines!(
    Server;
    every_route_answers_everybody_as_the_table_says,
    the_platform_key_does_not_administer_the_platform_itself,
    director_legal_and_user_are_for_the_partner_the_platform_and_the_other_side_of_a_deal,
    a_proposal_opens_its_proposer_and_nothing_of_the_one_it_is_sent_to,
    a_deal_that_was_accepted_opens_both_sides_for_good,
    handing_a_proposal_over_opens_the_new_proposer,
    no_way_of_opening_references_leads_to_what_is_hidden,
    cashiers_and_gates_see_what_every_partner_sees,
    a_draft_is_for_its_organizer_and_the_platform,
    an_event_on_stand_by_is_also_for_the_other_side_of_a_deal,
    a_public_event_is_for_every_partner,
    a_removed_event_is_for_its_organizer_the_platform_and_the_other_side_of_a_deal,
    the_sides_of_a_deal_list_it_and_nobody_else,
    a_user_of_several_partners_picks_one,
    a_foreign_partner_cannot_be_picked,
    every_authenticated_answer_names_its_partner,
    a_member_of_nothing_any_more_may_do_nothing_any_more,
);

/// The columns: nobody; a partner (an agent) without deals; the other side of an accepted deal; then of the organizer,
/// which is the partner, the organizer and the side that every path names: its key, owner, manager, cashier and gate; the
/// platform's key and owner; a user without partners. A path's user is the owner.
///
/// 409 is the answer to who may remove a partner that has an accepted deal, 400 to who orders without one. Orders are those
/// of the other side.
const TABLE: &str = "
    method path                                               nobody stranger other key owner manager cashier gate core core-owner newcomer
    GET    /v1/resources/partners                                401 200      200   200 200   200     200     200  200  200        403
    POST   /v1/resources/partners                                401 201      201   201 201   201     201     201  201  201        201
    GET    /v1/resources/partners/{idpartner}                    401 200      200   200 200   200     200     200  200  200        403
    PATCH  /v1/resources/partners/{idpartner}                    401 403      403   200 200   200     403     403  200  200        403
    DELETE /v1/resources/partners/{idpartner}                    401 403      403   409 409   409     403     403  409  409        403
    GET    /v1/resources/partners/{idpartner}/settings           401 403      403   403 200   403     403     403  200  200        403
    PATCH  /v1/resources/partners/{idpartner}/settings           401 403      403   403 200   403     403     403  200  200        403
    GET    /v1/resources/partners/{idpartner}/members            401 403      403   403 200   403     403     403  200  200        403
    POST   /v1/resources/partners/{idpartner}/members            401 403      403   403 201   403     403     403  201  201        403
    PATCH  /v1/resources/partners/{idpartner}/members/{iduser}   401 403      403   403 200   403     403     403  200  200        403
    DELETE /v1/resources/partners/{idpartner}/members/{iduser}   401 403      403   403 200   403     403     403  200  200        403
    GET    /v1/resources/partners/{idpartner}/api_keys           401 403      403   403 200   403     403     403  200  200        403
    POST   /v1/resources/partners/{idpartner}/api_keys           401 403      403   403 201   403     403     403  201  201        403
    GET    /v1/resources/partners/{idpartner}/api_keys/{idkey}   401 403      403   403 200   403     403     403  200  200        403
    PATCH  /v1/resources/partners/{idpartner}/api_keys/{idkey}   401 403      403   403 200   403     403     403  200  200        403
    DELETE /v1/resources/partners/{idpartner}/api_keys/{idkey}   401 403      403   403 200   403     403     403  200  200        403
    GET    /v1/resources/deals                                   401 200      200   200 200   200     403     403  200  200        403
    POST   /v1/resources/deals                                   401 200      200   200 200   200     403     403  200  200        403
    GET    /v1/resources/deals/{iddeal}                          401 403      200   200 200   200     403     403  200  200        403
    PATCH  /v1/resources/deals/{iddeal}                          401 403      200   200 200   200     403     403  200  200        403
    GET    /v1/resources/events                                  401 200      200   200 200   200     200     200  200  200        403
    POST   /v1/resources/events                                  401 403      403   200 200   200     403     403  403  403        403
    GET    /v1/resources/events/{idevent}                        401 200      200   200 200   200     200     200  200  200        403
    PATCH  /v1/resources/events/{idevent}                        401 403      403   200 200   200     403     403  200  200        403
    DELETE /v1/resources/events/{idevent}                        401 403      403   200 200   200     403     403  200  200        403
    GET    /v1/resources/events/{idevent}/promocodes             401 403      403   200 200   200     403     403  200  200        403
    POST   /v1/resources/events/{idevent}/promocodes             401 403      403   200 200   200     403     403  200  200        403
    GET    /v1/resources/events/{idevent}/promocodes/{idpromocode} 401 403    403   200 200   200     403     403  200  200        403
    PATCH  /v1/resources/events/{idevent}/promocodes/{idpromocode} 401 403    403   200 200   200     403     403  200  200        403
    DELETE /v1/resources/events/{idevent}/promocodes/{idpromocode} 401 403    403   200 200   200     403     403  200  200        403
    POST   /v2/services/promocodes/check                         401 403      200   200 200   200     200     403  200  200        403
    GET    /v1/resources/orders                                  401 200      200   200 200   200     200     403  200  200        403
    POST   /v1/resources/orders                                  401 400      201   201 201   201     201     403  400  400        403
    GET    /v1/resources/orders/{idorder}                        401 403      200   200 200   200     200     403  200  200        403
    PATCH  /v1/resources/orders/{idorder}                        401 403      200   200 200   200     200     403  200  200        403
    DELETE /v1/resources/orders/{idorder}                        401 403      200   200 200   200     200     403  200  200        403
    GET    /v1/resources/orders/{idorder}/tickets                401 403      200   200 200   200     200     403  200  200        403
    GET    /v2/resources/orders                                  401 200      200   200 200   200     200     403  200  200        403
    POST   /v2/resources/orders                                  401 400      200   200 200   200     200     403  400  400        403
    GET    /v2/resources/orders/{idorder}                        401 403      200   200 200   200     200     403  200  200        403
    PATCH  /v2/resources/orders/{idorder}                        401 403      200   200 200   200     200     403  200  200        403
    POST   /v2/resources/orders/export                           401 200      200   200 200   200     200     403  200  200        403
    GET    /v1/resources/users/{user_id}/orders                  401 403      200   403 403   403     403     403  200  200        403
    GET    /v1/resources/users                                   401 200      200   200 200   200     200     403  200  200        403
    GET    /v1/resources/refund_requests                         401 200      200   200 200   200     200     403  200  200        403
    POST   /v1/resources/refund_requests                         401 403      201   201 201   201     201     403  201  201        403
    GET    /v1/resources/refund_requests/{idrefund}              401 403      200   200 200   200     200     403  200  200        403
    PATCH  /v1/resources/refund_requests/{idrefund}              401 403      200   200 200   200     403     403  200  200        403
    GET    /v2/resources/refund_requests                         401 200      200   200 200   200     200     403  200  200        403
    POST   /v2/resources/refund_requests                         401 403      200   200 200   200     200     403  200  200        403
    GET    /v2/resources/refund_requests/{idrefund}              401 403      200   200 200   200     200     403  200  200        403
    PATCH  /v2/resources/refund_requests/{idrefund}              401 403      200   200 200   200     403     403  200  200        403
    GET    /v1/resources/balances                                401 200      200   200 200   200     403     403  200  200        403
    GET    /v1/resources/entries                                 401 200      200   200 200   200     403     403  200  200        403
    GET    /v1/resources/payouts                                 401 200      200   200 200   200     403     403  200  200        403
    POST   /v1/resources/payouts                                 401 403      403   403 403   403     403     403  201  201        403
    GET    /v1/resources/orders/{idorder}/explain                401 403      200   200 200   200     403     403  200  200        403
    GET    /v1/resources/events/{idevent}/sets                   401 200      200   200 200   200     200     200  200  200        403
    POST   /v1/resources/events/{idevent}/sets                   401 403      403   200 200   200     403     403  200  200        403
    GET    /v1/resources/events/{idevent}/sets/{idset}           401 200      200   200 200   200     200     200  200  200        403
    PATCH  /v1/resources/events/{idevent}/sets/{idset}           401 403      403   200 200   200     403     403  200  200        403
    DELETE /v1/resources/events/{idevent}/sets/{idset}           401 403      403   200 200   200     403     403  200  200        403
    GET    /v1/resources/events/{idevent}/tickets                401 200      200   200 200   200     200     200  200  200        403
    GET    /v1/resources/events/{idevent}/tickets/{idticket}     401 200      200   200 200   200     200     200  200  200        403
    GET    /v1/resources/events/{idevent}/sets/{idset}/tickets   401 200      200   200 200   200     200     200  200  200        403
    GET    /v1/resources/events/{idevent}/sets/{idset}/tickets/{idticket} 401 200      200   200 200   200     200     200  200  200        403
    POST   /payments/test/callback                               403 403      403   403 403   403     403     403  403  403        403
    GET    /payments/test/{idpayment}                            200 200      200   200 200   200     200     200  200  200        200
    POST   /payments/test/{idpayment}                            303 303      303   303 303   303     303     303  303  303        303
    GET    /v1/services/simple/events                           401 200      200   200 200   200     200     200  200  200        403
    GET    /v1/services/simple/events/{idevent}                 401 403      200   200 200   200     200     200  403  403        403
    GET    /v1/services/simple/events_filters                   401 200      200   200 200   200     200     200  200  200        403
    GET    /v1/simple/events                                    401 200      200   200 200   200     200     200  200  200        403
    GET    /v1/simple/events/{idevent}                          401 403      200   200 200   200     200     200  403  403        403
    GET    /v1/simple/events_filters                            401 200      200   200 200   200     200     200  200  200        403
    GET    /v1/resources/venues                                  401 200      200   200 200   200     200     200  200  200        403
    POST   /v1/resources/venues                                  401 403      403   200 200   200     403     403  403  403        403
    GET    /v1/resources/venues/{idvenue}                        401 200      200   200 200   200     200     200  200  200        403
    PATCH  /v1/resources/venues/{idvenue}                        401 403      403   200 200   200     403     403  200  200        403
    DELETE /v1/resources/venues/{idvenue}                        401 403      403   200 200   200     403     403  200  200        403
    GET    /v1/resources/maps                                    401 200      200   200 200   200     200     200  200  200        403
    POST   /v1/resources/maps                                    401 403      403   200 200   200     403     403  403  403        403
    GET    /v1/resources/maps/{idmap}                            401 200      200   200 200   200     200     200  200  200        403
    PATCH  /v1/resources/maps/{idmap}                            401 403      403   200 200   200     403     403  200  200        403
    DELETE /v1/resources/maps/{idmap}                            401 403      403   200 200   200     403     403  200  200        403
    GET    /v1/resources/maps/{idmap}/svg                        401 200      200   200 200   200     200     200  200  200        403
    GET    /v1/resources/countries                               200 200      200   200 200   200     200     200  200  200        200
    GET    /v1/resources/cities                                  200 200      200   200 200   200     200     200  200  200        200
    GET    /v1/resources/attachments                             401 200      200   200 200   200     200     200  200  200        403
    POST   /v1/resources/attachments                             401 200      200   200 200   200     403     403  200  200        403
    GET    /v1/resources/attachments/{idatt}                     401 403      403   200 200   200     200     200  200  200        403
    DELETE /v1/resources/attachments/{idatt}                     401 403      403   200 200   200     403     403  200  200        403
    GET    /v1/resources/attachment/{idatt}                      401 403      403   200 200   200     200     200  200  200        403
    DELETE /v1/resources/attachment/{idatt}                      401 403      403   200 200   200     403     403  200  200        403
    POST   /v1/resources/users                                   201 201      201   201 201   201     201     201  201  201        201
    GET    /v1/resources/users/{user_id}                         401 403      403   403 200   403     403     403  403  403        403
    PATCH  /v1/resources/users/{user_id}                         401 403      403   403 200   403     403     403  403  403        403
    POST   /v1/services/whoami                                   200 200      200   200 200   200     200     200  200  200        200
    GET    /v1/services/whoami                                   401 403      403   403 200   200     200     200  403  200        200
    DELETE /v1/services/whoami                                   200 200      200   200 200   200     200     200  200  200        200
    GET    /openapi.json                                         200 200      200   200 200   200     200     200  200  200        200
    GET    /docs                                                 200 200      200   200 200   200     200     200  200  200        200
";

fn every_route_answers_everybody_as_the_table_says(server: Server) {
    let mut rows = TABLE.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|row| !row.is_empty());
    let columns = rows.next().unwrap();
    let rows: Vec<_> = rows.collect();
    let in_table: BTreeSet<(&str, &str)> = rows.iter().map(|row| (row[0], row[1])).collect();
    let routes = http::routes();
    let of_server: BTreeSet<(&str, &str)> = routes.iter().map(|route| (route.method.as_str(), route.path)).collect();
    assert_eq!(of_server, in_table, "the routes of the server, and those of the table");

    let mut wrong = Vec::new();
    for row in rows {
        let route = routes.iter().find(|route| (route.method.as_str(), route.path) == (row[0], row[1])).unwrap();
        let scene = Scene::new(&server);
        for (column, expected) in columns.iter().zip(&row).skip(2) {
            let caller = scene.caller(column);
            let answer = scene.call(route, &caller, column);
            if answer.status.to_string() != **expected {
                wrong.push(format!("{} {} as {column}: {expected}, not {}", row[0], row[1], answer.status));
            }
            if answer.status >= 400 {
                match row[1].starts_with("/v2/") {
                    true => drop(answer.refused_in_v2(answer.status)),
                    false => drop(answer.refused(answer.status)),
                }
            }
            if route.access == Access::Authenticated {
                assert_eq!(answer.header("x-partner"), caller.may_act_for(), "{} {} as {column}", row[0], row[1]);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An organizer with an accepted deal, and everybody around it.
struct Scene<'s> {
    server: &'s Server,
    stranger: Actor<'s>,
    other: Actor<'s>,
    organizer: Actor<'s>,
    deal: Value,
}

impl<'s> Scene<'s> {
    fn new(server: &'s Server) -> Self {
        let (stranger, other, organizer) = (server.agent(), server.agent(), server.organizer());
        let deal = server.deal(&organizer, &other, DealStatus::Accepted);
        Self { server, stranger, other, organizer, deal }
    }

    fn caller(&self, column: &str) -> Actor<'s> {
        let member = |role| self.server.member_of(self.organizer.partner(), role);
        match column {
            "nobody" => self.server.nobody(),
            "stranger" => self.stranger.clone(),
            "other" => self.other.clone(),
            "key" => self.organizer.clone(),
            "owner" => self.server.owner_of(&self.organizer),
            "manager" => member(MemberRole::Manager),
            "cashier" => member(MemberRole::Cashier),
            "gate" => member(MemberRole::Gate),
            "core" => self.server.platform(),
            "core-owner" => self.server.owner_of(&self.server.platform()),
            "newcomer" => self.server.newcomer(),
            other => panic!("who is {other}?"),
        }
    }

    /// Calls a route with what it needs to succeed for who may.
    fn call(&self, route: &Route, caller: &Actor<'_>, column: &str) -> Answer {
        let partner = self.organizer.partner();
        let mut path = route.path.to_owned();
        if path.ends_with("/explain") {
            path = path.replace("{idorder}", &self.sold().order);
        }
        if path.contains("order") {
            let customer = json!({"email": "anna@example.com"});
            let order = self.other.orders(json!({"event": self.deal["event"], "customer": customer})).ok();
            let customer = order["customer"]["user"].as_str().unwrap();
            path = path.replace("{idorder}", id(&order)).replace("{user_id}", customer);
        }
        for (name, id) in [
            ("{idpartner}", partner),
            ("{iddeal}", id(&self.deal)),
            ("{idevent}", self.deal["event"].as_str().unwrap()),
            ("{user_id}", self.organizer.user()),
        ] {
            path = path.replace(name, id);
        }
        for (name, path_of) in [("{idvenue}", "/v1/resources/venues"), ("{idmap}", "/v1/resources/maps")] {
            if path.contains(name) {
                let sectors = json!([{"name": "Floor"}]);
                let made = self.organizer.post(path_of, json!({"name": "Hall", "sectors": sectors})).ok();
                path = path.replace(name, id(&made));
            }
        }
        if path.contains("{iduser}") {
            path = path.replace("{iduser}", self.server.member_of(partner, MemberRole::Gate).user());
        }
        if path.contains("{idset}") || path.contains("{idticket}") {
            let set = self.organizer.makes_set(self.deal["event"].as_str().unwrap(), 1, "100.00");
            let ticket = self.organizer.sees_tickets(&set).remove(0);
            path = path.replace("{idset}", id(&set)).replace("{idticket}", id(&ticket));
        }
        if path.contains("{idkey}") {
            let keys = format!("/v1/resources/partners/{partner}/api_keys");
            let key = self.server.platform().post(&keys, json!({})).ok();
            path = path.replace("{idkey}", id(&key));
        }
        if path.contains("{idatt}") {
            let uploaded = self.organizer.uploads("application/pdf", "%PDF-1.4\n").ok();
            path = path.replace("{idatt}", id(&uploaded));
        }
        if route.upload {
            return caller.uploads("application/pdf", "%PDF-1.4\n");
        }
        if path.contains("{idrefund}") {
            let request = self.server.platform().post("/v1/resources/refund_requests", self.refund()).ok();
            path = path.replace("{idrefund}", id(&request));
        }
        if path.contains("{idpayment}") {
            path = path.replace("{idpayment}", &self.payment());
        }
        if path.starts_with("/payments/test/") && route.method == "POST" && route.body.is_none() {
            return caller.request("POST", &path).body("choice=pay").send();
        }
        if path.contains("{idpromocode}") {
            let promocode = self.promocode();
            path = path.replace("{idpromocode}", id(&promocode));
        }
        if route.body.is_none() {
            return caller.request(route.method.as_str(), &path).send();
        }
        let body = match (route.method.as_str(), route.path) {
            ("POST", "/v1/resources/partners") => json!({"name": "Cassa"}),
            ("POST", "/v1/resources/partners/{idpartner}/members") => {
                let user = self.server.new_user().to_string();
                json!({"email": self.server.email_of(&user), "role": "gate"})
            }
            ("POST", "/v1/resources/deals") => self.proposal(column),
            ("POST", "/v1/resources/events/{idevent}/promocodes") => {
                json!({"code": format!("{column} makes it"), "discount": {"percentage": "30%"}})
            }
            ("POST", "/v2/services/promocodes/check") => {
                json!({"event": self.deal["event"], "code": self.promocode()["code"]})
            }
            ("POST", "/v1/resources/events") => json!({"title": {"text": "Concert"}, "lifetime": IN_2030}),
            ("POST", "/v1/resources/orders") => json!({"event": self.deal["event"]}),
            ("POST", "/v2/resources/orders") => {
                let set = self.organizer.makes_set(self.deal["event"].as_str().unwrap(), 1, "100.00");
                json!({"event": self.deal["event"], "random": {id(&set): 1}})
            }
            ("POST", "/v2/resources/orders/export") => json!({"email": "box-office@example.com"}),
            ("POST", "/v1/resources/refund_requests") => self.refund(),
            ("POST", "/v2/resources/refund_requests") => {
                let sold = self.sold();
                json!({"order": sold.order, "culprit": "user", "tickets": sold.tickets})
            }
            ("POST", "/v1/resources/payouts") => {
                json!({"from": self.other.partner(), "to": partner, "amount": "10.00", "deal": id(&self.deal)})
            }
            ("POST", "/v1/resources/events/{idevent}/sets") => json!({"name": "Parterre", "amount": 1}),
            ("POST", "/v1/resources/venues") => json!({"name": "Opera"}),
            ("POST", "/v1/resources/maps") => json!({"name": "Hall", "sectors": [{"name": "Floor"}]}),
            ("POST", "/v1/resources/users") => {
                json!({"email": format!("{column}@new.example.com"), "password": "long enough"})
            }
            ("POST", "/v1/services/whoami") => json!({"email": "ag@tc.ru", "password": demo::PASSWORD}),
            _ => json!({}),
        };
        caller.request(route.method.as_str(), &path).json(&body).send()
    }

    /// An order of one ticket that the other side sold.
    fn sold(&self) -> Sold {
        let set = self.server.tickets_of(self.deal["event"].as_str().unwrap(), "1000", 1);
        self.server.sold(&self.other, &set, 1)
    }

    /// A payment that an order of the other side waits for.
    fn payment(&self) -> String {
        let set = self.organizer.makes_set(self.deal["event"].as_str().unwrap(), 1, "1000.00");
        let order = self.other.asks_for_payment(&self.other.orders_of(&set, 1).ok());
        self.server.payments_of(&order)[0].id.to_string()
    }

    /// A refund request for an order that the other side sold.
    fn refund(&self) -> Value {
        let sold = self.sold();
        json!({"order": sold.order, "culprit": "user", "tickets_refund": sold.tickets})
    }

    /// A new promocode of the event.
    fn promocode(&self) -> Value {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let code = format!("code {}", NEXT.fetch_add(1, Ordering::Relaxed));
        let promocode = json!({"code": code, "discount": {"percentage": "30%"}});
        self.server.promocode(&self.organizer, self.deal["event"].as_str().unwrap(), promocode)
    }

    /// A proposal for a new event, to whomever the caller may propose it to.
    fn proposal(&self, column: &str) -> Value {
        let event = self.server.event_of(&self.organizer);
        let (organizer, other) = (self.organizer.partner(), self.other.partner());
        match column {
            "stranger" | "other" => json!({"event": event, "subj": organizer, "term": {"org": 90}}),
            "core" | "core-owner" => json!({"event": event, "obj": organizer, "subj": other, "term": {"org": 90}}),
            _ => json!({"event": event, "subj": other, "term": {"org": 90}}),
        }
    }
}

const IN_2030: &str = "BEGIN:VEVENT\r\nDTSTART:20300124T160000Z\r\nDTEND:20300124T173000Z\r\nEND:VEVENT\r\n";

fn the_platform_key_does_not_administer_the_platform_itself(server: Server) {
    let owner = server.owner_of(&server.platform());
    for part in ["settings", "members", "api_keys"] {
        let path = format!("/v1/resources/partners/{}/{part}", demo::PLATFORM);
        server.platform().get(&path).refused(403);
        owner.get(&path).ok();
    }
}

/// What of a partner is not for everybody, as it is given to who may see it.
const DIRECTOR: &str = "Anna Annova";

/// A partner with a director and legal data.
fn with_secrets<'s>(server: &'s Server, roles: &[Role]) -> Actor<'s> {
    let partner = server.partner("Partner", roles);
    let changes = json!({"director": DIRECTOR, "legal": {"detail": {"inn": "7701234567"}}});
    partner.patch(&format!("/v1/resources/partners/{}", partner.partner()), changes).ok();
    partner
}

/// Whether one sees the director, the legal data and the user of another; never some of them only.
fn sees_secrets_of(caller: &Actor<'_>, partner: &Actor<'_>) -> bool {
    let path = format!("/v1/resources/partners/{}", partner.partner());
    let found = caller.get(&path).ok();
    let listed = caller.get(&format!("/v1/resources/partners?ids={}", partner.partner())).list();
    assert_eq!(listed, slice::from_ref(&found), "the list shows a partner as it is");
    assert_eq!(found["name"], "Partner");
    match found["director"].as_str() {
        Some(director) => {
            assert_eq!(director, DIRECTOR);
            assert_eq!(found["legal"]["detail"]["inn"], "7701234567");
            assert_eq!(found["user"]["id"], partner.user());
            true
        }
        None => {
            let all = found.as_object().unwrap();
            for hidden in ["director", "legal", "user"] {
                assert_eq!(all.get(hidden), Some(&Value::Null), "{hidden}");
            }
            false
        }
    }
}

fn director_legal_and_user_are_for_the_partner_the_platform_and_the_other_side_of_a_deal(server: Server) {
    let organizer = with_secrets(&server, &[Role::Org]);
    let (agent, stranger) = (server.agent(), server.agent());
    server.deal(&organizer, &agent, DealStatus::Accepted);
    assert!(sees_secrets_of(&organizer, &organizer));
    assert!(sees_secrets_of(&server.owner_of(&organizer), &organizer));
    assert!(sees_secrets_of(&server.platform(), &organizer));
    assert!(sees_secrets_of(&agent, &organizer));
    assert!(!sees_secrets_of(&stranger, &organizer));
}

fn a_proposal_opens_its_proposer_and_nothing_of_the_one_it_is_sent_to(server: Server) {
    for answer in [DealStatus::New, DealStatus::Rejected, DealStatus::Canceled] {
        let organizer = with_secrets(&server, &[Role::Org]);
        let agent = with_secrets(&server, &[Role::Agent]);
        assert!(!sees_secrets_of(&agent, &organizer) && !sees_secrets_of(&organizer, &agent));
        server.deal(&organizer, &agent, answer);
        assert!(sees_secrets_of(&agent, &organizer), "the organizer proposed, now {answer}");
        assert!(!sees_secrets_of(&organizer, &agent), "the organizer proposed, now {answer}");

        let organizer = with_secrets(&server, &[Role::Org]);
        let agent = with_secrets(&server, &[Role::Agent]);
        server.deal_about(&server.event_of(&organizer), &agent, &organizer, answer);
        assert!(sees_secrets_of(&organizer, &agent), "the agent proposed, now {answer}");
        assert!(!sees_secrets_of(&agent, &organizer), "the agent proposed, now {answer}");

        // A reversed deal: the agent names itself.
        let organizer = with_secrets(&server, &[Role::Org]);
        let agent = with_secrets(&server, &[Role::Agent]);
        let deal = agent.proposes(&server.event_of(&organizer), agent.partner()).ok();
        assert_eq!(deal["reversed_deal"], true);
        if answer == DealStatus::Rejected {
            organizer.rejects(&deal).ok();
        }
        assert!(sees_secrets_of(&organizer, &agent), "the agent proposed to itself");
        assert!(!sees_secrets_of(&agent, &organizer), "the agent proposed to itself");
    }
}

fn a_deal_that_was_accepted_opens_both_sides_for_good(server: Server) {
    for status in [DealStatus::Accepted, DealStatus::Closed] {
        let organizer = with_secrets(&server, &[Role::Org]);
        let agent = with_secrets(&server, &[Role::Agent]);
        server.deal(&organizer, &agent, status);
        assert!(sees_secrets_of(&agent, &organizer), "{status}");
        assert!(sees_secrets_of(&organizer, &agent), "{status}");
    }
}

fn handing_a_proposal_over_opens_the_new_proposer(server: Server) {
    let organizer = with_secrets(&server, &[Role::Org]);
    let agent = with_secrets(&server, &[Role::Agent]);
    let deal = server.deal(&organizer, &agent, DealStatus::New);
    assert!(sees_secrets_of(&agent, &organizer) && !sees_secrets_of(&organizer, &agent));
    agent.hands_over(&deal, true).ok();
    assert!(!sees_secrets_of(&agent, &organizer) && sees_secrets_of(&organizer, &agent));
}

fn no_way_of_opening_references_leads_to_what_is_hidden(server: Server) {
    let organizer = with_secrets(&server, &[Role::Org]);
    let agent = server.agent();
    let event = server.event_of(&organizer);
    let deal = agent.proposes(&event, organizer.partner()).ok();
    let hidden = json!({"director": null, "legal": null, "name": "Partner", "user": null});
    let schema = "director,legal{detail{inn}},name,user{email}";

    // From a deal that the agent proposed, to the organizer and through its event.
    let deal = format!("/v1/resources/deals/{}", id(&deal));
    let seen = agent.get(&format!("{deal}?fields-schema=subj{{{schema}}},event{{org{{{schema}}}}}")).ok();
    assert_eq!(seen, json!({"event": {"org": hidden}, "subj": hidden}));
    let seen = organizer.get(&format!("{deal}?fields-schema=subj{{director,user{{id}}}}")).ok();
    assert_eq!(seen, json!({"subj": {"director": DIRECTOR, "user": {"id": organizer.user()}}}));

    // From a public event to its organizer.
    let seen = agent.get(&format!("/v1/resources/events/{event}?fields-schema=org{{{schema}}}")).ok();
    assert_eq!(seen, json!({"org": hidden}));
    let seen = agent.get(&format!("/v1/resources/events?ids={event}&fields-schema=org{{{schema}}}")).list();
    assert_eq!(seen, [json!({"org": hidden})]);

    // From a partner whose user the agent may see to that user's other partners.
    let known = server.partner("Known", &[Role::Org]);
    server.deal(&known, &agent, DealStatus::Accepted);
    let other = server.new_partner(known.user().parse().unwrap(), "Partner", &[Role::Org]);
    let director = json!({"director": DIRECTOR, "legal": {"detail": {"inn": "7701234567"}}});
    server.platform().patch(&format!("/v1/resources/partners/{other}"), director).ok();
    let path = format!("/v1/resources/partners/{}?fields-schema=user{{partners{{{schema}}}}}", known.partner());
    let seen = agent.get(&path).ok();
    assert_eq!(seen["user"]["partners"][1], hidden);
    assert_eq!(server.platform().get(&path).ok()["user"]["partners"][1]["director"], DIRECTOR);

    // From oneself, a user without rights, to one's partner.
    let gate = server.member_of(organizer.partner(), MemberRole::Gate);
    let seen = gate.get(&format!("/v1/services/whoami?fields-schema=partners{{{schema}}}")).ok();
    assert_eq!(seen, json!({"partners": [hidden]}));
}

fn cashiers_and_gates_see_what_every_partner_sees(server: Server) {
    let organizer = with_secrets(&server, &[Role::Org]);
    for (role, sees) in [
        (MemberRole::Owner, true),
        (MemberRole::Manager, true),
        (MemberRole::Cashier, false),
        (MemberRole::Gate, false),
    ] {
        let member = server.member_of(organizer.partner(), role);
        assert_eq!(sees_secrets_of(&member, &organizer), sees, "{role}");
    }
}

/// Whether one may read an event, alone, in the list and through a deal; never in one way only.
fn reads_event(caller: &Actor<'_>, event: &str) -> bool {
    let alone = caller.get(&format!("/v1/resources/events/{event}"));
    let lists = ["false", "true"].map(|removed| {
        let list = caller.get(&format!("/v1/resources/events?ids={event}&removed={removed}")).list();
        assert!(list.is_empty() || list == [alone.ok()]);
        list.len()
    });
    let reads = lists.iter().sum::<usize>() == 1;
    if !reads {
        alone.refused(403);
    }
    reads
}

/// Whether the event of a deal is opened to one of its sides.
fn opens_event(caller: &Actor<'_>, deal: &Value) -> bool {
    let path = format!("/v1/resources/deals/{}?fields-schema=event{{id,status}}", id(deal));
    let event = &caller.get(&path).ok()["event"];
    assert!(event.is_null() || event["id"] == deal["event"]);
    !event.is_null()
}

fn a_draft_is_for_its_organizer_and_the_platform(server: Server) {
    let (organizer, agent, stranger) = (server.organizer(), server.agent(), server.agent());
    let event = server.event(&organizer, EventStatus::Draft, SignedDuration::from_hours(48));
    let deal = server.deal_about(&event, &organizer, &agent, DealStatus::Accepted);
    assert!(reads_event(&organizer, &event));
    assert!(reads_event(&server.member_of(organizer.partner(), MemberRole::Gate), &event));
    assert!(reads_event(&server.platform(), &event));
    assert!(!reads_event(&agent, &event));
    assert!(!reads_event(&stranger, &event));
    assert!(opens_event(&organizer, &deal) && opens_event(&server.platform(), &deal));
    assert!(!opens_event(&agent, &deal));

    organizer.changes_event(&event, json!({"status": "stand_by"})).ok();
    assert!(reads_event(&agent, &event) && opens_event(&agent, &deal));
    assert!(!reads_event(&stranger, &event));
}

fn an_event_on_stand_by_is_also_for_the_other_side_of_a_deal(server: Server) {
    let (organizer, agent, stranger) = (server.organizer(), server.agent(), server.agent());
    let event = server.event(&organizer, EventStatus::StandBy, SignedDuration::from_hours(48));
    assert!(!reads_event(&agent, &event));
    // The organizer's proposal opens the event to the agent.
    let deal = organizer.proposes(&event, agent.partner()).ok();
    assert!(reads_event(&agent, &event) && opens_event(&agent, &deal));
    assert!(!reads_event(&stranger, &event));
    // The agent's own proposal would open nothing of the organizer's.
    let deal = stranger.proposes(&event, organizer.partner()).ok();
    assert!(!reads_event(&stranger, &event) && !opens_event(&stranger, &deal));
    organizer.accepts(&deal).ok();
    assert!(reads_event(&stranger, &event) && opens_event(&stranger, &deal));
}

fn a_public_event_is_for_every_partner(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    for caller in [organizer, server.agent(), server.organizer(), server.platform()] {
        assert!(reads_event(&caller, &event));
    }
}

fn a_removed_event_is_for_its_organizer_the_platform_and_the_other_side_of_a_deal(server: Server) {
    let (organizer, agent, stranger) = (server.organizer(), server.agent(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::Accepted);
    let event = deal["event"].as_str().unwrap();
    assert!(reads_event(&stranger, event));
    organizer.delete(&format!("/v1/resources/events/{event}")).ok();
    assert!(!reads_event(&stranger, event));
    for caller in [&organizer, &agent, &server.platform()] {
        assert!(reads_event(caller, event));
    }
}

fn the_sides_of_a_deal_list_it_and_nobody_else(server: Server) {
    let (organizer, agent, stranger) = (server.organizer(), server.agent(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::New);
    let path = format!("/v1/resources/deals?ids={}", id(&deal));
    for side in [&organizer, &agent, &server.platform()] {
        assert_eq!(side.get(&path).list(), slice::from_ref(&deal));
    }
    assert_eq!(stranger.get(&path).list(), [0; 0].map(Value::from));
    assert_eq!(stranger.get("/v1/resources/deals?status=all").list().len(), 0);
    assert!(server.platform().get("/v1/resources/deals").list().len() >= 2);
}

fn a_user_of_several_partners_picks_one(server: Server) {
    let first = server.organizer();
    let user = server.owner_of(&first);
    let second = server.new_partner(first.user().parse().unwrap(), "Second", &[Role::Agent]);
    let list = "/v1/resources/deals";
    assert_eq!(user.get(list).header("x-partner"), Some(first.partner()), "the first, unless another is picked");
    for partner in [first.partner(), &second] {
        let answer = user.saying("X-Partner", partner).get(list);
        answer.ok();
        assert_eq!(answer.header("x-partner"), Some(partner));
    }
    // The second one is an agent only.
    let event = json!({"title": {"text": "Concert"}, "lifetime": IN_2030});
    user.saying("X-Partner", &second).post("/v1/resources/events", event.clone()).refused(403);
    assert_eq!(user.post("/v1/resources/events", event).ok()["org"], first.partner());
}

fn a_foreign_partner_cannot_be_picked(server: Server) {
    let (organizer, other) = (server.organizer(), server.agent());
    let user = server.owner_of(&organizer);
    let unknown = "0123456789abcdef01234567";
    for caller in [&organizer, &user, &server.newcomer()] {
        for foreign in [other.partner(), unknown, "nobody", ""] {
            let answer = caller.saying("X-Partner", foreign).get("/v1/resources/partners");
            answer.refused(403);
            assert_eq!(answer.header("x-partner"), None);
        }
    }
    let own = organizer.saying("X-Partner", organizer.partner()).get("/v1/resources/partners");
    assert_eq!(own.header("x-partner"), Some(organizer.partner()));
    // Who is unknown learns no more than that.
    server.nobody().saying("X-Partner", other.partner()).get("/v1/resources/partners").refused(401);
}

fn every_authenticated_answer_names_its_partner(server: Server) {
    let organizer = server.organizer();
    let unknown = "0123456789abcdef01234567";
    for (answer, status) in [
        (organizer.get("/v1/resources/deals"), 200),
        (organizer.get("/v1/resources/deals?page=0"), 400),
        (organizer.get("/v1/resources/deals?fields-schema=nothing"), 400),
        (organizer.get(&format!("/v1/resources/deals/{unknown}")), 404),
        (organizer.get(&format!("/v1/resources/deals/{}", demo::DEAL)), 403),
        (organizer.post("/v1/resources/deals", json!({})), 400),
        (organizer.request("POST", "/v1/resources/deals").header("Content-Type", "text/plain").body("x").send(), 415),
        (organizer.request("POST", "/v1/resources/deals").body("{").send(), 400),
        (organizer.request("HEAD", "/v1/resources/deals").send(), 200),
    ] {
        assert_eq!((answer.status, answer.header("x-partner")), (status, Some(organizer.partner())));
    }
}

fn a_member_of_nothing_any_more_may_do_nothing_any_more(server: Server) {
    let organizer = server.organizer();
    let manager = server.member_of(organizer.partner(), MemberRole::Manager);
    manager.get("/v1/resources/deals").ok();
    let owner = server.owner_of(&organizer);
    let place = format!("/v1/resources/partners/{}/members/{}", organizer.partner(), manager.user());
    owner.patch(&place, json!({"role": "gate"})).ok();
    manager.get("/v1/resources/deals").refused(403);
    manager.get("/v1/resources/events").ok();
    owner.delete(&place).ok();
    manager.get("/v1/resources/events").refused(403);
}
