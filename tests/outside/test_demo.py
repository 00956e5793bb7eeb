"""The demo's season: whole, proven by its ledger, and left alone by the next start."""

import contextlib
import re
import sqlite3
import time
from urllib.parse import quote

import pytest

import wire
from parterre import KEYS, NANOBILET, PATIENCE_S, PLATFORM, Server, run, sql


def listed(server, path, by=PLATFORM):
    """All rows of a list, as the platform or somebody else reads it."""
    answer = wire.ask(server, "GET", path, key=KEYS[by])
    assert answer.status == 200, answer.body
    return answer.json


def statuses(rows):
    return {row["status"] for row in rows}


def test_a_new_demo_holds_a_season_that_the_ledger_proves(place):
    began = time.monotonic()
    with Server(place) as server:
        print(f"the first start took {time.monotonic() - began:.1f} s")
        partners, orders = listed(server, "/v1/resources/partners"), listed(server, "/v1/resources/orders")
        assert len(partners) == 3 + 8
        assert len(orders) > 300
        assert statuses(orders) >= {"done", "in_progress", "canceled", "expired", "refunded"}
        days = {order["created_at"][:10] for order in orders}
        assert len(days) > 30, "they are of several weeks"
        deals = listed(server, "/v1/resources/deals?status=new,accepted,rejected,canceled,closed")
        assert statuses(deals) == {"new", "accepted", "rejected", "canceled", "closed"}
        assert {deal["term"]["pfc"] for deal in deals} == {False, True}
        assert statuses(listed(server, "/v1/resources/refund_requests")) >= {"new", "approved", "rejected"}
        assert statuses(listed(server, "/v1/resources/events")) >= {"draft", "stand_by", "public"}
    proof = run("doctor", "--demo", "--ledger", place=place)
    assert proof.returncode == 0, proof.stdout
    assert re.search(r"payments: [1-9]", proof.stdout) and re.search(r"payouts: [1-9]", proof.stdout), proof.stdout
    with Server(place) as server:
        assert len(listed(server, "/v1/resources/partners")) == len(partners)
        assert len(listed(server, "/v1/resources/orders")) == len(orders)
        assert "lacks some of its data" not in server.logged()


def test_lists_of_the_season_are_in_the_order_in_which_it_was_made(demo):
    for path in ("orders", "deals", "events", "venues", "refund_requests", "entries", "payouts", "users"):
        times = [row["created_at"] for row in listed(demo, f"/v1/resources/{path}")]
        # Of the documentation's objects some have no time.
        times = [time for time in times if time is not None]
        assert len(times) > 2 and times == sorted(times), path


def test_the_agent_of_the_documentation_sells_in_the_season(demo):
    orders = listed(demo, "/v1/resources/orders", by=NANOBILET)
    assert statuses(orders) >= {"done", "refunded"}
    for path in ("refund_requests", "users", "balances", "entries", "payouts"):
        assert listed(demo, f"/v1/resources/{path}", by=NANOBILET), path
    filters = listed(demo, "/v1/services/simple/events_filters", by=NANOBILET)
    for tag in filters["tags"]:
        assert listed(demo, f"/v1/services/simple/events?tags={quote(tag)}", by=NANOBILET), tag
    assert filters["tags"]


def fact(place, name):
    """A fact of the database about itself, beside the server; `None` where there is none."""
    statement = f"select value from meta where name = '{name}'"
    if place.engine == "postgresql":
        there = sql("select to_regclass('meta') is not null", place.name) == "t"
        return (sql(statement, place.name) or None) if there else None
    with contextlib.suppress(sqlite3.OperationalError), place.sqlite() as database:
        [value] = database.execute(statement).fetchone() or [None]
        return value


@pytest.fixture
def half_filled(place):
    """A server that is filling its demo and is not through with it."""
    server = Server(place)
    deadline = time.monotonic() + PATIENCE_S
    while fact(place, "season") is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert fact(place, "season") and not fact(place, "season_whole"), "the moment was missed"
    return server


def test_a_signal_to_stop_waits_until_the_demo_is_filled(half_filled):
    assert half_filled.stop() == 0
    assert fact(half_filled.place, "season_whole")
    with Server(half_filled.place) as server:
        assert len(listed(server, "/v1/resources/partners")) == 3 + 8


def test_a_demo_that_was_killed_while_it_was_filled_is_made_anew(half_filled):
    half_filled.kill()
    place = half_filled.place
    if place.engine == "postgresql":
        # Another server may be at it, so it is left alone.
        with Server(place) as server:
            assert "lacks some of its data" in server.logged()
        return
    began = fact(place, "season")
    with Server(place) as server:
        assert len(listed(server, "/v1/resources/orders")) > 300
        assert "lacks some of its data" not in server.logged()
    assert fact(place, "season_whole") and fact(place, "season") != began
    assert run("doctor", "--demo", "--ledger", place=place).returncode == 0
