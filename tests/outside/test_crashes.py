"""Crashes in the middle of selling: `kill -9` at random moments, of the server and of PostgreSQL itself."""

import os
import random
import time

from parterre import PATIENCE_S, Cluster, Place, Server
from selling import Buyer, Caller, Event, books, ledger_is_clean

# The long version is a part of `make proof`.
KILLS = int(os.environ.get("PARTERRE_KILLS", 3))
SEED = int(os.environ.get("PARTERRE_SEED", random.randrange(10**6)))
BUYERS = 12


class Story:
    """Buyers who are cut off again and again, and what is there afterwards."""

    def __init__(self):
        self.chance = random.Random(SEED)
        self.buyers = []
        self.cut_off = self.answered = 0
        print(f"PARTERRE_SEED={SEED} tells this again")

    def load(self, server, event, kill, restart=lambda: None):
        """Lets buyers buy until `kill` has ended what they depend on; it may be back before they have noticed."""
        started = [Buyer(server, event, self.chance.randrange(10**9)) for _ in range(BUYERS)]
        for buyer, before in zip(started, self.buyers):
            # They go on with their orders.
            buyer.vendor, buyer.orders, buyer.refunds = before.vendor, before.orders, before.refunds
            buyer.unread = before.unread
        self.buyers = started
        for buyer in self.buyers:
            buyer.start()
        # So many answers from the beginning, and then at any moment.
        answers = self.chance.randint(1, 150)
        deadline = time.monotonic() + PATIENCE_S
        while sum(buyer.answered for buyer in self.buyers) < answers and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(self.chance.uniform(0, 0.03))
        kill()
        for buyer in self.buyers:
            buyer.stopping = True
        restart()
        for buyer in self.buyers:
            buyer.join()
            assert buyer.failure is None, buyer.failure

    def check(self, server, event):
        """Everything that was answered is there and nothing is half there; then what was not answered is asked again."""
        orders, refunds = books(server, event)
        for buyer in self.buyers:
            buyer.compare(orders, refunds)
            self.answered += buyer.answered
            self.cut_off += buyer.pending is not None
        with Caller(server) as caller:
            for buyer in self.buyers:
                buyer.repeats(caller)
        orders, refunds = books(server, event)
        for buyer in self.buyers:
            buyer.compare(orders, refunds)
        # No order has come from nowhere: each is one that a buyer knows of.
        known = {id for buyer in self.buyers for id in buyer.orders}
        assert orders.keys() == known

    def ends(self, run_again=0):
        """Says what was seen, `run_again` of it transactions that a kill broke, and that the server made anew."""
        counts = f"{self.answered} answered changes, {self.cut_off} cut off, {run_again} run again"
        print(f"{KILLS} kills, {counts}: all accounted for")
        assert self.answered and self.cut_off + run_again, "no crash has hit a change"


def test_what_was_sold_survives_the_end_of_the_server(place):
    story, event = Story(), None
    for _ in range(KILLS):
        with Server(place) as server:
            event = event or Event.on_sale(server, 60, 40)
            story.load(server, event, server.kill)
        with Server(place) as server:
            story.check(server, event)
            assert server.stop() == 0
        ledger_is_clean(place)
    story.ends()


def test_what_was_sold_survives_the_end_of_postgresql():
    with Cluster() as cluster:
        place = Place("postgresql", cluster)
        story = Story()
        with Server(place) as server:
            event = Event.on_sale(server, 60, 40)
            for _ in range(KILLS):
                story.load(server, event, cluster.kill, cluster.start)
                story.check(server, event)
                ledger_is_clean(place)
            assert server.stop() == 0
            # PostgreSQL may be back before a buyer has noticed.
            story.ends(run_again=server.logged().count("the connection was lost"))
        place.remove()
