"""Events on sale, those who buy, and the books that have to balance: the language of the tests of selling."""

import collections
import dataclasses
import random
import threading
import uuid

import wire
from parterre import KEYS, NANOBILET, ORGANIZATOR, PLATFORM, run

AGENT, ORGANIZER, OPERATOR = KEYS[NANOBILET], KEYS[ORGANIZATOR], KEYS[PLATFORM]
VENDORS = [AGENT, ORGANIZER]
EVENTS, DEALS, ORDERS, REFUNDS = (f"/v1/resources/{name}" for name in ("events", "deals", "orders", "refund_requests"))

LIFETIME = "BEGIN:VEVENT\r\nDTSTART:20400124T160000Z\r\nDTEND:20400124T173000Z\r\nEND:VEVENT\r\n"


def ok(answer):
    """What an answer says that must be one of success."""
    assert answer.status in (200, 201), answer
    return answer.json


@dataclasses.dataclass
class Event:
    """A public event of Organizator, which Nanobilet may sell."""

    id: str
    sets: list
    code: str

    @property
    def path(self):
        return f"{EVENTS}/{self.id}"

    @classmethod
    def on_sale(cls, server, *amounts):
        """A new event with a set for each amount, and a promocode."""
        with Caller(server) as caller:
            # Nothing expires by itself, however slow the machine is.
            settings = f"/v1/resources/partners/{ORGANIZATOR}/settings"
            ok(caller.ask("PATCH", settings, {"hold_minutes": 60}, OPERATOR))
            event = ok(caller.ask("POST", EVENTS, {"title": {"text": "On sale"}, "lifetime": LIFETIME}, ORGANIZER))["id"]
            path = f"{EVENTS}/{event}"
            sets = []
            for number, amount in enumerate(amounts):
                new = {"name": f"Set {number}", "amount": amount, "price": f"{100 * (number + 1)}.15"}
                sets.append(ok(caller.ask("POST", f"{path}/sets", new, ORGANIZER))["id"])
            ok(caller.ask("PATCH", path, {"status": "public"}, ORGANIZER))
            code = {"code": "HALF", "discount": {"percentage": "33.3%"}, "amount": sum(amounts) // 4 or 1}
            ok(caller.ask("POST", f"{path}/promocodes", code, ORGANIZER))
            deal = ok(caller.ask("POST", DEALS, {"event": event, "subj": ORGANIZATOR, "term": {"org": 80}}, AGENT))
            assert deal["status"] == "accepted", deal
        return cls(event, sets, code["code"])


class Caller:
    """One connection to a server, opened anew when the server has closed it."""

    def __init__(self, server):
        self.server, self.connection = server, None

    def ask(self, method, target, body=b"", key=None, headers=()):
        if self.connection is None:
            self.connection = wire.Connection(self.server.address)
        try:
            self.connection.send(wire.request(method, target, body, key, headers))
            return self.connection.answer()
        except (ConnectionError, TimeoutError):
            self.close()
            raise

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def at_once(count, work):
    """What `work(0)`, `work(1)`, … return, all begun at the same moment on threads of their own."""
    begin, results = threading.Barrier(count), [None] * count

    def one(number):
        begin.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@dataclasses.dataclass
class Change:
    """A change that was asked for: repeated with the same key, it happens once."""

    method: str
    path: str
    body: dict
    vendor: str
    key: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))

    def ask(self, caller):
        return caller.ask(self.method, self.path, self.body, self.vendor, [("Idempotency-Key", self.key)])


class Buyer(threading.Thread):
    """Orders, changes its mind, pays, gives up and gives back, one request after the other, until the server is gone.

    What it was answered is in `orders` and `refunds`, by id; `pending` is the change that was not answered.
    """

    def __init__(self, server, event, seed):
        super().__init__(daemon=True)
        self.server, self.event = server, event
        self.chance = random.Random(seed)
        self.vendor = VENDORS[seed % len(VENDORS)]
        self.orders, self.refunds, self.unread, self.pending = {}, {}, set(), None
        self.answered = self.refused = 0
        self.stopping, self.failure = False, None

    def run(self):
        try:
            with Caller(self.server) as caller:
                while not self.stopping and self.does(caller, self.next()):
                    pass
        except (ConnectionError, TimeoutError):
            pass
        except BaseException as error:
            self.failure = error

    def does(self, caller, change):
        """Asks for a change, and says whether the server can still be asked."""
        self.pending = change
        answer = change.ask(caller)
        return self.heard(caller, answer)

    def heard(self, caller, answer):
        if answer.status >= 500:
            # Whether it happened is not known yet.
            return False
        change, self.pending = self.pending, None
        if answer.status not in (200, 201):
            assert answer.status in (400, 409), (change, answer)
            self.refused += 1
            if change.path != ORDERS and change.path.startswith(ORDERS):
                self.look(caller, change.path)
            return True
        self.answered += 1
        if change.path.startswith(REFUNDS):
            self.refunds[answer.json["id"]] = told(answer.json)
            if answer.json["status"] == "approved":
                self.look(caller, f"{ORDERS}/{answer.json['order']}")
        else:
            self.orders[answer.json["id"]] = answer.json
        return True

    def look(self, caller, path):
        """Reads an order again. Until that is answered, nothing is known of it but that it is there."""
        id = path.rsplit("/", 1)[1]
        self.orders.pop(id, None)
        self.unread.add(id)
        answer = caller.ask("GET", path, key=self.vendor)
        if answer.status < 500:
            self.orders[id] = ok(answer)
            self.unread.remove(id)

    def next(self):
        """The next change that this buyer wants."""
        open_refunds = [refund for refund in self.refunds.values() if refund["status"] == "new"]
        if open_refunds:
            return self.change(f"{REFUNDS}/{open_refunds[0]['id']}", {"status": "approved"})
        by_status = collections.defaultdict(list)
        for order in self.orders.values():
            by_status[order["status"]].append(order)
        wishes = [self.order]
        if executed := by_status["executed"]:
            order = self.chance.choice(executed)
            wishes += [
                lambda: self.change(f"{ORDERS}/{order['id']}", {"random": self.wish()}),
                lambda: self.change(f"{ORDERS}/{order['id']}", {"status": "canceled"}),
            ]
            if order["tickets"]:
                wishes += [lambda: self.change(f"{ORDERS}/{order['id']}", {"status": "in_progress"})] * 2
        if waiting := by_status["in_progress"]:
            order = self.chance.choice(waiting)
            wishes += [lambda: self.change(f"{ORDERS}/{order['id']}", {"status": "done"})] * 3
            wishes += [lambda: self.change(f"{ORDERS}/{order['id']}", {"status": "canceled"})]
        # The uses of a promocode stay used when tickets are given back; then the books could not be compared.
        done = [order for order in by_status["done"] if order["tickets"] and not order["promocodes"]]
        if done:
            order = self.chance.choice(done)
            tickets = self.chance.sample(order["tickets"], self.chance.randint(1, len(order["tickets"])))
            request = {"order": order["id"], "culprit": "user", "tickets_refund": tickets}
            wishes += [lambda: Change("POST", REFUNDS, request, self.vendor)]
        return self.chance.choice(wishes)()

    def order(self):
        new = {"event": self.event.id, "random": self.wish(), "all_or_nothing": self.chance.random() < 0.5}
        if self.chance.random() < 0.2:
            new["promocodes"] = [self.event.code]
        if self.chance.random() < 0.5:
            new["customer"] = {"email": f"{uuid.uuid4()}@example.org", "first_name": "Анна"}
        return Change("POST", ORDERS, new, self.vendor)

    def wish(self):
        sets = self.chance.sample(self.event.sets, self.chance.randint(1, len(self.event.sets)))
        return {chosen: self.chance.randint(1, 3) for chosen in sets}

    def change(self, path, body):
        return Change("PATCH", path, body, self.vendor)

    def repeats(self, caller):
        """Asks again for what was not answered, twice, and notes what it is told."""
        if self.pending:
            first, again = self.pending.ask(caller), self.pending.ask(caller)
            assert first.status < 500 and again.status < 500, (self.pending, first, again)
            if first.status in (200, 201):
                assert again.json == first.json, (self.pending, first, again)
            assert self.heard(caller, again)

    def compare(self, orders, refunds):
        """What was answered is what there is."""
        touched = self.touched()
        for known, there in ((self.orders, orders), (self.refunds, refunds)):
            for id, answered in known.items():
                if id not in touched:
                    assert there.get(id) == answered, (there.get(id), answered)
        while self.unread:
            id = self.unread.pop()
            self.orders[id] = orders[id]

    def touched(self):
        """What the unanswered change may have changed."""
        if not self.pending:
            return set()
        touched = {self.pending.path.rsplit("/", 1)[1]}
        for refund in self.refunds.values():
            if refund["id"] in touched:
                touched.add(refund["order"])
        return touched


def books(server, event):
    """Reads all there is of an event, checks that it fits together, and returns orders and refund requests by id."""
    with Caller(server) as caller:
        read = lambda path: ok(caller.ask("GET", path, key=OPERATOR))
        orders = read(f"{ORDERS}?event={event.id}")
        orders += [order for order in read(f"{ORDERS}?event={event.id}&status=canceled,expired,refunded")]
        orders = {order["id"]: order for order in orders}
        refunds = {refund["id"]: told(refund) for refund in read(f"{REFUNDS}?event={event.id}")}
        sets = {one["id"]: one for one in read(f"{event.path}/sets")}
        tickets = {}
        for one in event.sets:
            tickets |= {ticket["id"]: ticket for ticket in read(f"{event.path}/sets/{one}/tickets")}
        [code] = read(f"{event.path}/promocodes")
        agent = ok(caller.ask("GET", event.path + "/sets", key=AGENT))

    owner = {}
    for order in orders.values():
        if order["status"] in ("executed", "in_progress", "done"):
            for ticket in order["tickets"]:
                assert ticket not in owner, f"{ticket} is in {order['id']} and in {owner[ticket]['id']}"
                owner[ticket] = order
    barcodes = set()
    for id, ticket in tickets.items():
        order = owner.get(id)
        if order is None:
            assert (ticket["status"], ticket["barcode"], ticket["reserved_till"]) == ("vacant", None, None), ticket
        elif order["status"] == "done":
            assert ticket["status"] == "sold" and ticket["barcode"] not in barcodes | {None}, (ticket, order)
            barcodes.add(ticket["barcode"])
        else:
            assert ticket["status"] == "reserved", (ticket, order)
            assert ticket["reserved_till"] == order["reserved_till"], (ticket, order)
    assert owner.keys() <= tickets.keys()
    assert len({ticket["number"] for ticket in tickets.values()}) == len(tickets)

    for one in sets.values():
        own = [ticket for ticket in tickets.values() if ticket["set"] == one["id"]]
        vacant = sum(ticket["status"] == "vacant" for ticket in own)
        assert (one["amount"], one["amount_vacant"]) == (len(own), vacant), one
    assert {one["id"]: one["amount_vacant"] for one in agent} == {id: one["amount_vacant"] for id, one in sets.items()}

    uses = collections.Counter()
    for order in orders.values():
        if order["status"] in ("executed", "in_progress", "done"):
            with_code = {one["id"] for one in order["values"]["sets"] if code["id"] in one["ps"]}
            count = sum(tickets[ticket]["set"] in with_code for ticket in order["tickets"])
            uses["used" if order["status"] == "done" else "held"] += count
            nominal = sum(minor(one["p"]) * sum(tickets[ticket]["set"] == one["id"] for ticket in order["tickets"])
                          for one in order["values"]["sets"])
            values = order["values"]
            assert nominal == minor(order["value"]) == minor(values["nominal"]), order
            assert minor(values["full"]) == nominal + minor(values["extra"]) == nominal + minor(order["value_extra"]), order
    assert code["counter"] == {"held": uses["held"], "used": uses["used"]}, code
    assert uses["held"] + uses["used"] <= code["amount"]

    given_back = collections.Counter()
    for refund in refunds.values():
        if refund["status"] == "approved":
            assert not set(refund["tickets_refund"]) & set(orders[refund["order"]]["tickets"]), refund
            given_back.update((refund["order"], ticket) for ticket in refund["tickets_refund"])
    assert not [again for again, times in given_back.items() if times > 1]
    return orders, refunds


def told(refund):
    """What a refund request says of itself; which tickets stay in the order, other requests change."""
    return {name: value for name, value in refund.items() if name != "tickets"}


def minor(money):
    """An amount in minor units."""
    whole, part = money.split(".")
    return int(whole) * 100 + int(part)


def ledger_is_clean(place):
    done = run("doctor", "--demo", "--ledger", place=place)
    assert done.returncode == 0 and "problem" not in done.stdout, done.stdout
    return done.stdout
