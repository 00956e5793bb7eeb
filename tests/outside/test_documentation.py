"""Every request of the API's documentation is answered as the documentation shows.

The files in `documentation/` are the documented requests and answers, word for word. A request is sent with its lines
as they stand there; only `Content-Length` says how long the body is, and partners, documented without it, are read with
authentication.
"""

import json
import pathlib
import re

import pytest

import wire
from parterre import DEAL, KEYS, NANOBILET, Server

DOCUMENTATION = pathlib.Path(__file__).parent / "documentation"
EXAMPLES = sorted(path.stem for path in DOCUMENTATION.glob("*.request"))

# The documentation writes times with a space.
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"


def documented_request(name):
    head, _, body = (DOCUMENTATION / f"{name}.request").read_text("utf-8").partition("\n\n")
    lines, body = head.splitlines(), body.strip().encode()
    if not any(line.startswith("Authorization:") for line in lines):
        lines.append(f"Authorization: key {KEYS[NANOBILET]}")
    lines = [re.sub(r"^Content-Length: \d+$", f"Content-Length: {len(body)}", line) for line in lines]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def documented_answer(name):
    head, _, body = (DOCUMENTATION / f"{name}.answer").read_text("utf-8").partition("\n\n")
    status_line, *headers = head.splitlines()
    return status_line, dict(header.split(": ", 1) for header in headers), json.loads(body)


def shows(documented, answered, where="answer"):
    """Every key and value of the documentation is in the answer. An object of it may have further keys."""
    if isinstance(documented, dict) and documented:
        assert isinstance(answered, dict), f"{where}: {answered!r} instead of an object"
        for key, value in documented.items():
            assert key in answered, f"{where} has no {key}"
            shows(value, answered[key], f"{where}.{key}")
    else:
        same = type(answered) is type(documented) and answered == documented
        assert same, f"{where}: {answered!r}, not {documented!r}"


def replay(server, name):
    """Sends the documented request and compares the line of status and the documented headers."""
    status_line, headers, body = documented_answer(name)
    with wire.Connection(server.address) as connection:
        connection.send(documented_request(name))
        answer = connection.answer()
    assert answer.status_line == status_line
    for header, value in headers.items():
        assert answer.headers.get(header.lower()) == value
    return body, answer.json


def replay_list(server, name):
    """A list shows every documented object, in the documented order; it may hold more."""
    documented, answered = replay(server, name)
    ids = [item["id"] for item in answered]
    assert [id for id in ids if id in {item["id"] for item in documented}] == [item["id"] for item in documented]
    for item in documented:
        shows(item, answered[ids.index(item["id"])], item["id"])
    return answered


def replay_proposal(server):
    """The new deal is as documented, but for its id, its times, and the `obj` of the documentation's own caller."""
    documented, answered = replay(server, "propose-deal")
    for key in ("id", "obj", "created_at", "updated_at"):
        documented.pop(key)
    shows(documented, answered)
    assert answered["obj"] == NANOBILET
    assert re.fullmatch("[0-9a-f]{24}", answered["id"])
    assert re.fullmatch(TIME, answered["created_at"]) and answered["updated_at"] == answered["created_at"]
    return answered


def test_every_example_is_replayed():
    assert EXAMPLES == ["list-deals", "list-partners", "propose-deal", "show-partner"]


@pytest.mark.parametrize("name", ["list-deals", "list-partners"])
def test_a_list_is_answered_as_documented(demo, name):
    replay_list(demo, name)


def test_a_partner_is_answered_as_documented(demo):
    shows(*replay(demo, "show-partner"))


def test_a_deal_is_proposed_as_documented(new_demo):
    before = [item["id"] for item in replay_list(new_demo, "list-deals")]
    assert before[0] == DEAL
    deal = replay_proposal(new_demo)
    assert [item["id"] for item in replay_list(new_demo, "list-deals")] == [*before, deal["id"]]


def test_the_documentation_is_true_after_a_restart(place):
    with Server(place) as server:
        deal = replay_proposal(server)
    with Server(place) as server:
        assert replay_list(server, "list-deals")[-1] == deal
        replay_list(server, "list-partners")
        shows(*replay(server, "show-partner"))
