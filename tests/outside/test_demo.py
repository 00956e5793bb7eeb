"""The demo's season: whole, proven by its ledger, and left alone by the next start."""

import re
import time
from urllib.parse import quote

import wire
from parterre import KEYS, NANOBILET, PLATFORM, Server, run


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
