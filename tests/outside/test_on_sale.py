"""Many who want the same tickets at the same moment: on SQLite, on PostgreSQL, and with two servers on one PostgreSQL."""

import contextlib
import itertools
import os
import random
import threading
import time

import pytest

from parterre import Place, Server, sql
from selling import AGENT, OPERATOR, ORDERS, ORGANIZER, VENDORS, Caller, Event, at_once, books, ledger_is_clean, ok

# The long version is a part of `make proof`.
ROUNDS = int(os.environ.get("PARTERRE_ROUNDS", 1))
CLIENTS = 64

SERVERS = [("sqlite", 1), ("postgresql", 1), ("postgresql", 2)]


@pytest.fixture(scope="module", params=SERVERS, ids=lambda param: f"{param[1]}-on-{param[0]}")
def servers(request):
    """One server or two, whose books are clean when all is over."""
    engine, count = request.param
    place = Place(engine)
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Server(place)) for _ in range(count)]
    ledger_is_clean(place)
    place.remove()


@pytest.fixture(params=range(ROUNDS))
def again(request):
    """As often as it is to be proved."""
    return request.param


def crowd(servers, work):
    """What `work(caller, number)` returns for each client, each on a connection of its own, all beginning at once."""

    def one(number):
        with Caller(servers[number % len(servers)]) as caller:
            return work(caller, number)

    return at_once(CLIENTS, one)


def test_a_set_is_sold_out_and_nothing_of_it_twice(servers, again):
    """Fails without the condition `status = 'vacant'` in the statement that takes tickets, TAKE in src/store/stock.rs."""
    event = Event.on_sale(servers[0], 500)
    [one] = event.sets
    with Caller(servers[0]) as caller:
        tickets = [ticket["id"] for ticket in ok(caller.ask("GET", f"{event.path}/sets/{one}/tickets", key=ORGANIZER))]
    # A hundred tickets are wished by name, twice each. The others take any, and would be enough alone.
    wishes = [{"tickets": [ticket]} for ticket in tickets[::5] for _ in range(2)] + [{"random": {one: 1}}] * 500
    random.shuffle(wishes)
    waiting = iter(wishes)

    def buy(caller, number):
        answers = []
        while wish := next(waiting, None):
            answers.append(ok(caller.ask("POST", ORDERS, {"event": event.id} | wish, VENDORS[number % 2])))
        return answers

    orders = [order for orders in crowd(servers, buy) for order in orders]
    assert len(orders) == 700
    had = [order["tickets"] for order in orders if order["tickets"]]
    assert len(had) == 500 and all(len(tickets) == 1 for tickets in had)
    assert len({ticket for [ticket] in had}) == 500

    def pay(caller, number):
        for order in orders[number::CLIENTS]:
            if order["tickets"]:
                vendor = AGENT if order["deal"] else ORGANIZER
                for status in ("in_progress", "done"):
                    ok(caller.ask("PATCH", f"{ORDERS}/{order['id']}", {"status": status}, vendor))
            else:
                answer = caller.ask("PATCH", f"{ORDERS}/{order['id']}", {"status": "in_progress"}, OPERATOR)
                assert answer.status == 400 and "there is no tickets in order" in answer.json["reason"], answer

    crowd(servers, pay)
    there, _ = books(servers[-1], event)
    assert sum(order["status"] == "done" for order in there.values()) == 500


def test_nobody_is_refused_while_enough_are_free(servers, again):
    event = Event.on_sale(servers[0], 500)
    [one] = event.sets
    chance = random.Random()
    clock, lock, tried = itertools.count(), threading.Lock(), []

    def buy(caller, number):
        refusals = 0
        while refusals < 3:
            count = chance.randint(1, 6)
            order = {"event": event.id, "random": {one: count}, "all_or_nothing": True}
            began = next(clock)
            had = len(ok(caller.ask("POST", ORDERS, order, VENDORS[number % 2]))["tickets"])
            with lock:
                tried.append((began, next(clock), count, had))
            assert had in (0, count), (had, count)
            refusals += had == 0

    crowd(servers, buy)
    assert sum(had for *_, had in tried) <= 500
    for _, answered, count, had in tried:
        if had == 0:
            # At no time until then were fewer free than these.
            free = 500 - sum(others for began, _, _, others in tried if began < answered)
            assert free < count, f"{count} were refused while {free} were free"
    books(servers[-1], event)


def test_changes_of_one_order_are_never_mixed(servers, again):
    event = Event.on_sale(servers[0], 2 * CLIENTS)
    [one] = event.sets
    with Caller(servers[0]) as caller:
        tickets = [ticket["id"] for ticket in ok(caller.ask("GET", f"{event.path}/sets/{one}/tickets", key=ORGANIZER))]
        order = ok(caller.ask("POST", ORDERS, {"event": event.id, "random": {one: 1}}, AGENT))
    path = f"{ORDERS}/{order['id']}"
    wishes = [set(tickets[2 * number:2 * number + 2]) for number in range(CLIENTS)]

    def change(caller, number):
        body = {
            "tickets": sorted(wishes[number]), "all_or_nothing": True,
            "customer": {"email": f"customer{number}@example.org", "first_name": f"Customer {number}"},
        }
        answer = caller.ask("PATCH", path, body, AGENT)
        assert answer.status in (200, 409), answer
        if answer.status == 200:
            whole(answer.json, number)
        return answer.status

    def whole(order, number):
        assert set(order["tickets"]) == wishes[number], (order, number)
        assert order["customer"]["email"] == f"customer{number}@example.org", order
        assert order["customer"]["first_name"] == f"Customer {number}", order
        # 100.15 each, with a tenth for the agent and nothing on top.
        assert (order["value"], order["values"]["full"]) == ("200.30", "200.30"), order

    statuses = crowd(servers, change)
    assert 200 in statuses
    there, _ = books(servers[-1], event)
    last = there[order["id"]]
    whole(last, int(last["customer"]["first_name"].split()[1]))


def test_of_payment_and_cancellation_one_wins(servers, again):
    event = Event.on_sale(servers[0], CLIENTS // 2)
    [one] = event.sets
    with Caller(servers[0]) as caller:
        orders = []
        for _ in range(CLIENTS // 2):
            order = ok(caller.ask("POST", ORDERS, {"event": event.id, "random": {one: 1}}, AGENT))
            orders.append(ok(caller.ask("PATCH", f"{ORDERS}/{order['id']}", {"status": "in_progress"}, AGENT)))

    def end(caller, number):
        status = ("done", "canceled")[number % 2]
        path = f"{ORDERS}/{orders[number // 2]['id']}"
        return path, status, caller.ask("PATCH", path, {"status": status}, AGENT)

    ended = {}
    for path, status, answer in crowd(servers, end):
        assert answer.status in (200, 400, 409), answer
        if answer.status == 200:
            assert path not in ended, "an order has been paid and canceled"
            ended[path] = status
    there, _ = books(servers[-1], event)
    assert {f"{ORDERS}/{id}": order["status"] for id, order in there.items()} == ended


def shorten_the_holds(place, event, seconds):
    """Lets all orders of an event expire at once, in some seconds, and returns when: Unix time in microseconds."""
    till = int((time.time() + seconds) * 1_000_000)
    if place.engine == "sqlite":
        with place.sqlite() as database:
            for table, condition in (("orders", ""), ("tickets", "and status = 'reserved'")):
                database.execute(f"update {table} set reserved_till = ? where event_id = ? {condition}",
                                 (till, bytes.fromhex(event)))
    else:
        for table, condition in (("orders", ""), ("tickets", "and status = 'reserved'")):
            sql(f"update {table} set reserved_till = {till} where event_id = '\\x{event}' {condition}", place.name)
    return till


def test_of_payment_and_expiry_one_wins(servers, again):
    count = CLIENTS // 2
    event = Event.on_sale(servers[0], count)
    [one] = event.sets
    held = []
    with Caller(servers[0]) as caller:
        for _ in range(count):
            order = ok(caller.ask("POST", ORDERS, {"event": event.id, "random": {one: 1}}, AGENT))
            held.append(ok(caller.ask("PATCH", f"{ORDERS}/{order['id']}", {"status": "in_progress"}, AGENT)))
    till = shorten_the_holds(servers[0].place, event.id, 1) / 1_000_000

    def race(caller, number):
        # Half of them pay around the end of the hold, half want the tickets that become vacant by it.
        threading.Event().wait(max(0, till - time.time() + random.uniform(-0.1, 0.1)))
        if number % 2 == 0:
            path = f"{ORDERS}/{held[number // 2]['id']}"
            return path, caller.ask("PATCH", path, {"status": "done"}, AGENT).status
        for _ in range(10):
            body = {"event": event.id, "tickets": held[number // 2]["tickets"], "all_or_nothing": True}
            order = ok(caller.ask("POST", ORDERS, body, ORGANIZER))
            if order["tickets"]:
                return f"{ORDERS}/{order['id']}", "taken"
            threading.Event().wait(0.03)
        return None, "missed"

    results = crowd(servers, race)
    there, _ = books(servers[-1], event)
    for number in range(count):
        (path, paid), (_, other) = results[2 * number], results[2 * number + 1]
        assert paid in (200, 400, 409)
        status = there[path.rsplit("/", 1)[1]]["status"]
        assert status == ("done" if paid == 200 else "expired")
        assert not (paid == 200 and other == "taken"), "a ticket was paid for and taken by another"
