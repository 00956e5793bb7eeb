"""What the documents say of a ticket's money comes to pass, for programs that use the official client.

The terms and the figures are read from README.md and docs/deals.md: a wrong figure there fails here, as does a server that
splits otherwise.
"""

import dataclasses
import re
from decimal import Decimal

import icalendar
import pytest
import ticketscloud

from parterre import KEYS, NANOBILET, ORGANIZATOR, PLATFORM, ROOT
from selling import LIFETIME, ledger_is_clean

ROLES = {NANOBILET: "agent", ORGANIZATOR: "organizer", None: "platform"}


@dataclasses.dataclass
class Worked:
    """One example as it is documented: what is agreed on, and what each is to get of one ticket."""

    price: str
    org: int
    extra: int
    core: int
    pfc: bool
    customer: str
    shares: dict
    # (account, what for, amount), of the sale and of a refund for each culprit.
    sale: list
    refunds: dict
    # What a promocode takes off, and the price on offer, which is without it.
    discount: str = "0.00"
    offered: str = ""

    def __post_init__(self):
        self.offered = self.offered or self.customer


def table(document, sentence):
    """The rows of the first table below a sentence, the head first."""
    text = (ROOT / document).read_text("utf-8")
    assert text.count(sentence) == 1, f"{document} says not once: {sentence}"
    rows = re.search(r"(?:^\|.*\n)+", text[text.index(sentence):], re.MULTILINE)[0].splitlines()
    rows = [[cell.strip(" *") for cell in row.strip("|").split("|")] for row in rows]
    return [rows[0], *rows[2:]]


def column(rows, name):
    """Another cell of each row, under the row's own name."""
    head, *rows = rows
    return {row[0]: row[head.index(name)] for row in rows}


def entries(rows, name):
    """The entries in a column; where there is a dash, there is none."""
    head, *rows = rows
    kinds = {"what the customer paid": "customer", "what the customer gets": "customer"}
    cells = [(row[0], kinds.get(row[1], row[0]), row[head.index(name)]) for row in rows]
    return sorted(cell for cell in cells if cell[2] != "–")


def sale_of(customer, shares):
    """The entries of an order that is paid to the agent."""
    return sorted([("agent", "customer", f"-{customer}")] + [(role, role, amount) for role, amount in shares.items()])


def from_readme():
    sentence = "Of a ticket with a price of 1000.00, these terms make:"
    rows = table("README.md", sentence)
    how, gets = column(rows, "how"), column(rows, "gets")
    percent = {who: int(re.search(r"(\d+)%", text)[1]) for who, text in how.items() if "%" in text}
    shares = {role: gets[role] for role in ROLES.values()}
    customer = gets["customer pays"]
    price = re.search(r"\d+\.\d\d", sentence)[0]
    return Worked(
        price, percent["organizer"], percent["customer pays"], percent["platform"], False, customer, shares, sale_of(customer, shares), {},
    )


def from_deals(pfc):
    sentence = "A ticket of 1000.00 with `org` 91%, `core` 3%, `extra` 10%:"
    split = column(table("docs/deals.md", sentence), f"`pfc: {str(pfc).lower()}`")
    paid = entries(table("docs/deals.md", "these are the entries of the ledger"), f"`pfc: {str(pfc).lower()}`")
    returned = table("docs/deals.md", "when the organizer cancels the event:")
    price = re.search(r"\d+\.\d\d", sentence)[0]
    org, core, extra = (int(re.search(rf"`{name}` (\d+)%", sentence)[1]) for name in ("org", "core", "extra"))
    return Worked(
        price, org, extra, core, pfc,
        split["customer pays"], {role: split[f"{role} gets"] for role in ROLES.values()}, paid,
        {culprit: entries(returned, f"`{culprit}`" + ", pfc" * pfc) for culprit in ("user", "org")},
    )


def from_discount():
    text = " ".join((ROOT / "docs/deals.md").read_text("utf-8").split())
    amount = r"(\d+\.\d\d)"
    said = re.search(
        rf"With a discount of {amount}, all percentages are of {amount}: the customer pays {amount}, "
        rf"the organizer gets {amount}, the platform {amount}, and the agent {amount}\.", text,
    )
    discount, nominal, customer, *gets = said.groups()
    full = from_deals(False)
    assert Decimal(nominal) == Decimal(full.price) - Decimal(discount)
    shares = dict(zip(("organizer", "platform", "agent"), gets))
    return dataclasses.replace(
        full, customer=customer, shares=shares, sale=sale_of(customer, shares), refunds={},
        discount=discount, offered=full.customer,
    )


EXAMPLES = {
    "README": from_readme,
    "deals": lambda: from_deals(False),
    "deals-pfc": lambda: from_deals(True),
    "deals-discount": from_discount,
}


@pytest.fixture(scope="module", params=EXAMPLES)
def worked(request):
    return EXAMPLES[request.param]()


def client_of(server, partner):
    return ticketscloud.TCClient(api_root=server.url, access_token=KEYS[partner])


def of_explained(rows):
    return sorted((ROLES[row["partner"]], row["kind"], row["amount"]) for row in rows)


class Sale:
    """The story up to the barcode."""

    def __init__(self, server, worked):
        self.worked = worked
        self.agent, self.organizer, self.platform = (
            client_of(server, partner) for partner in (NANOBILET, ORGANIZATOR, PLATFORM)
        )
        self.agree()
        self.find()
        self.sell()

    def agree(self):
        """An event with one ticket, and the deal of the documents about it, proposed by the agent."""
        settings = self.platform.api.resources.partners[ORGANIZATOR].settings
        settings.patch(auto_accept_deals=False, core=f"{self.worked.core}%")
        # By the path alone: of a POST to `events` and to `sets` the client expects a list.
        new = {"title": {"text": "Worked example"}, "lifetime": LIFETIME}
        self.event = self.organizer.post("v1/resources/events", data=new)["id"]
        new = {"name": "Parterre", "amount": 1, "price": self.worked.price}
        self.set = self.organizer.post(f"v1/resources/events/{self.event}/sets", data=new)["id"]
        self.organizer.api.resources.events[self.event].patch(status="public")

        term = {"org": self.worked.org, "extra": self.worked.extra, "pfc": self.worked.pfc}
        proposed = self.agent.api.resources.deals.post(event=self.event, subj=ORGANIZATOR, term=term)
        assert (proposed["status"], proposed["obj"], proposed["subj"]) == ("new", NANOBILET, ORGANIZATOR)
        assert self.event not in [offer["id"] for offer in self.agent.api.services.simple.events()]
        self.deal = self.organizer.api.resources.deals[proposed["id"]].patch(status="accepted")
        assert self.deal["status"] == "accepted"
        percents = {name: Decimal(self.deal["term"][name].rstrip("%")) for name in ("org", "extra", "core")}
        assert percents == {"org": self.worked.org, "extra": self.worked.extra, "core": self.worked.core}
        assert self.deal["term"]["pfc"] is self.worked.pfc

    def find(self):
        """The agent finds the event among those for sale, at what its customer will pay."""
        (offer,) = [offer for offer in self.agent.api.services.simple.events() if offer["id"] == self.event]
        assert isinstance(offer["lifetime"], icalendar.Event)
        (parterre,) = offer["sets"]
        assert (parterre["id"], parterre["amount_vacant"]) == (self.set, 1)
        assert parterre["price_org"] == Decimal(self.worked.price)
        assert parterre["price"] == Decimal(self.worked.offered)

    def sell(self):
        """Any ticket is held, gets a customer, and a promocode where there is one, is paid and has its barcode."""
        agent, worked = self.agent, self.worked
        order = agent.api.resources.orders.post(event=self.event, random={self.set: 1})
        assert (order["status"], len(order["tickets"]), order["deal"]) == ("executed", 1, self.deal["id"])
        (self.ticket,), self.order = order["tickets"], order["id"]
        assert agent.api.services.simple.events[self.event]()["sets"][0]["amount_vacant"] == 0
        order = agent.api.resources.orders[self.order].patch(customer={"email": "anna@example.org"})
        assert order["customer"]["email"] == "anna@example.org"
        if Decimal(worked.discount):
            code = self.organizer.api.resources.events[self.event].promocodes.post(
                code="FRIENDS", discount={"fix": worked.discount}, amount=1,
            )
            order = agent.api.resources.orders[self.order].patch(promocodes=["friends"])
            assert order["promocodes"] == [code["id"]]
        nominal = Decimal(worked.price) - Decimal(worked.discount)
        extra = Decimal(worked.customer) - nominal
        money = {"discount": worked.discount, "nominal": str(nominal), "extra": str(extra), "full": worked.customer}
        assert {name: order["values"][name] for name in money} == money

        (ticket,) = agent.api.resources.orders[self.order].tickets()
        assert (ticket["id"], ticket["status"], ticket["barcode"]) == (self.ticket, "reserved", None)
        order = agent.api.resources.orders[self.order].patch(status="in_progress")
        assert order["status"] == "in_progress"
        order = agent.api.resources.orders[self.order].patch(status="done")
        assert (order["status"], order["values"]["full"]) == ("done", worked.customer)
        (ticket,) = agent.api.resources.orders[self.order].tickets()
        assert (ticket["id"], ticket["status"]) == (self.ticket, "sold")
        assert re.fullmatch(r"\d{20}", ticket["barcode"])

    def explained(self):
        explained = self.agent.api.resources.orders[self.order].explain()
        (ticket,) = explained["tickets"]
        return ticket, explained["entries"]

    def balances(self):
        """What each of the deal's partners is owed, or owes, in all."""
        balances = {}
        for client in (self.agent, self.organizer):
            (balance,) = client.api.resources.balances(deal=self.deal["id"])
            balances[ROLES[balance["partner"]]] = Decimal(balance["owed"]) - Decimal(balance["owes"])
        return balances

    def sums(self, *parts):
        """What these entries come to for each of the deal's partners."""
        sums = {"agent": Decimal(0), "organizer": Decimal(0)}
        for account, _, amount in sum(parts, []):
            if account in sums:
                sums[account] += Decimal(amount)
        return sums


def test_a_ticket_is_sold_and_split_as_documented(demo, worked):
    """From a proposal to a barcode, and each gets what the documents promise; then the whole ledger is proven."""
    sale = Sale(demo, worked)
    ticket, explained = sale.explained()
    assert (ticket["ticket"], ticket["price"], ticket["full"]) == (sale.ticket, worked.price, worked.customer)
    assert ticket["discount"] == worked.discount
    assert {share["role"]: share["amount"] for share in ticket["shares"]} == worked.shares
    assert sum(map(Decimal, worked.shares.values())) == Decimal(worked.customer)

    assert of_explained(explained) == worked.sale
    assert of_explained(sale.platform.api.resources.entries(order=sale.order)) == worked.sale
    own = [entry for entry in worked.sale if entry[0] == "agent"]
    assert of_explained(sale.agent.api.resources.entries(order=sale.order)) == own
    assert sale.balances() == sale.sums(worked.sale)
    ledger_is_clean(demo.place)


@pytest.mark.parametrize("culprit", ["user", "org"])
@pytest.mark.parametrize("example", ["deals", "deals-pfc"])
def test_a_ticket_is_given_back_as_documented(demo, example, culprit):
    """The customer gives the ticket back, or the organizer cancels the event; each returns what the documents say."""
    worked = EXAMPLES[example]()
    sale = Sale(demo, worked)
    if culprit == "org":
        sale.organizer.api.resources.events[sale.event].patch(status="cancelled")
    refunds = sale.agent.api.resources.refund_requests
    asked = refunds.post(order=sale.order, culprit=culprit, tickets_refund=[sale.ticket])
    approved = sale.agent.api.resources.refund_requests[asked["id"]].patch(status="approved")
    (value,) = [amount for _, kind, amount in worked.refunds[culprit] if kind == "customer"]
    assert (approved["status"], approved["value"]) == ("approved", value)
    assert sale.agent.api.resources.orders[sale.order]()["status"] == "refunded"

    _, explained = sale.explained()
    assert of_explained(entry for entry in explained if entry["cause"] == "sale") == worked.sale
    assert of_explained(entry for entry in explained if entry["cause"] == "refund") == worked.refunds[culprit]
    assert sale.balances() == sale.sums(worked.sale, worked.refunds[culprit])
    ledger_is_clean(demo.place)
