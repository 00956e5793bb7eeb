"""The demo's season: whole, proven by its ledger, and left alone by the next start."""

import time

import wire
from parterre import KEYS, PLATFORM, Server, run


def listed(server, path):
    """All rows of a list, as the platform reads it."""
    answer = wire.ask(server, "GET", path, key=KEYS[PLATFORM])
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
        assert statuses(listed(server, "/v1/resources/refund_requests")) >= {"new", "approved", "rejected"}
        assert statuses(listed(server, "/v1/resources/events")) >= {"draft", "stand_by", "public"}
    proof = run("doctor", "--demo", "--ledger", place=place)
    assert proof.returncode == 0, proof.stdout
    with Server(place) as server:
        assert len(listed(server, "/v1/resources/partners")) == len(partners)
        assert len(listed(server, "/v1/resources/orders")) == len(orders)
        assert "lacks some of its data" not in server.logged()


def test_lists_of_the_season_are_in_the_order_in_which_it_was_made(demo):
    for path in ("orders", "deals", "events", "venues", "refund_requests", "entries", "users"):
        times = [row["created_at"] for row in listed(demo, f"/v1/resources/{path}")]
        # Of the documentation's objects some have no time.
        times = [time for time in times if time is not None]
        assert len(times) > 2 and times == sorted(times), path
