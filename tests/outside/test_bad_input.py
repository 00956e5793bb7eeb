"""Every wrong request is told which field is wrong and what would be right, and changes nothing."""

import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import wire
from parterre import DEAL, EVENTS, KEYS, NANOBILET, ORGANIZATOR, PASSWORD, PLATFORM, confidential

AGENT, ORGANIZER, OPERATOR = KEYS[NANOBILET], KEYS[ORGANIZATOR], KEYS[PLATFORM]
DEALS, PARTNERS, EVENTS_PATH = "/v1/resources/deals", "/v1/resources/partners", "/v1/resources/events"
LIFETIME = "BEGIN:VEVENT\r\nDTSTART:20400124T160000Z\r\nDTEND:20400124T173000Z\r\nEND:VEVENT\r\n"
UNKNOWN = "ffffffffffffffffffffffff"

CLASSES = {
    400: "HTTPBadRequest",
    401: "HTTPUnauthorized",
    403: "HTTPForbidden",
    404: "HTTPNotFound",
    405: "HTTPMethodNotAllowed",
    406: "HTTPNotAcceptable",
    409: "HTTPConflict",
    413: "HTTPRequestEntityTooLarge",
    415: "HTTPUnsupportedMediaType",
    422: "HTTPUnprocessableEntity",
}


def refused(answer, status, field=None, says=""):
    """An error in the one shape; where a field is wrong, it is named."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    error = answer.json
    assert list(error) == ["error", "reason", "errors"]
    assert error["error"] == CLASSES[status]
    assert error["errors"], error
    for wrong in error["errors"]:
        assert list(wrong) == ["field", "code", "msg"]
        assert wrong["code"] and wrong["msg"], error
    reasons = [f"{wrong['field']}: {wrong['msg']}" if wrong["field"] else wrong["msg"] for wrong in error["errors"]]
    assert error["reason"] == "; ".join(reasons)
    if field:
        assert field in [wrong["field"] for wrong in error["errors"]], error
    assert says in error["reason"], error
    return error


def everything(server):
    """All that the platform can see."""
    paths = [
        f"{PARTNERS}?removed=false", f"{PARTNERS}?removed=true", f"{DEALS}?status=all", EVENTS_PATH,
        f"{EVENTS_PATH}?removed=true", f"{PARTNERS}/{NANOBILET}/settings", f"{PARTNERS}/{ORGANIZATOR}/settings",
        f"{PARTNERS}/{ORGANIZATOR}/members", f"{PARTNERS}/{ORGANIZATOR}/api_keys",
    ]
    return [wire.ask(server, "GET", path, key=OPERATOR).json for path in paths]


@pytest.fixture
def unchanged(demo):
    """A demo in which the test changes nothing."""
    before = everything(demo)
    yield demo
    assert everything(demo) == before


def deep(levels):
    """An unknown field that makes the whole body nest this deep."""
    return ('{"unknown": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}").encode()


# What is wrong with the text of a body, whatever it is for.
BROKEN = {
    "nothing closed": (b'{"name": ', "valid JSON"),
    "text after the end": (b'{} {}', "valid JSON"),
    "single quotes": (b"{'name': 'x'}", "valid JSON"),
    "a comment": (b'{"name": "x" /* why */}', "valid JSON"),
    "a byte order mark": (b'\xef\xbb\xbf{}', "valid JSON"),
    "NaN": (b'{"name": NaN}', "valid JSON"),
    "Infinity": (b'{"name": -Infinity}', "valid JSON"),
    "a leading zero": (b'{"unknown": 01}', "valid JSON"),
    "a control character": (b'{"name": "a\nb"}', "valid JSON"),
    "a key twice": (b'{"name": "x", "name": "y"}', 'the key "name" is there twice'),
    "a key twice, deeper": (b'{"unknown": [{"a": 1, "b": 2, "a": 3}]}', 'the key "a" is there twice'),
    "a key twice, escaped": (b'{"name": "x", "n\\u0061me": "y"}', 'the key "name" is there twice'),
    "a lone surrogate": (b'{"name": "\\ud800"}', "valid JSON"),
    "surrogates in the wrong order": (b'{"name": "\\udc00\\ud800"}', "valid JSON"),
    "a lone surrogate in a key": (b'{"\\udfff": 1}', "valid JSON"),
    "invalid UTF-8": (b'{"name": "\xff"}', "UTF-8"),
    "Latin-1": ('{"name": "Café"}'.encode("latin-1"), "UTF-8"),
    "UTF-16": ('{"name": "x"}'.encode("utf-16"), "UTF-8"),
    "nested too deep": (deep(33), "nested deeper than 32"),
    "nested without end": (b"[" * 100_000, "valid JSON"),
    "objects without end": (b'{"a":' * 100_000, "valid JSON"),
    "a list": (b"[]", "must be a JSON object"),
    "a text": (b'"name"', "must be a JSON object"),
    "a number": (b"1", "must be a JSON object"),
    "null": (b"null", "must be a JSON object"),
    "true": (b"true", "must be a JSON object"),
}


@pytest.mark.parametrize("method, path, key", [
    ("POST", DEALS, AGENT),
    ("PATCH", f"{PARTNERS}/{NANOBILET}", AGENT),
    ("POST", "/v1/resources/users", None),
])
@pytest.mark.parametrize("body, says", BROKEN.values(), ids=BROKEN.keys())
def test_a_body_that_is_no_json_object_is_refused(unchanged, method, path, key, body, says):
    refused(wire.ask(unchanged, method, path, body, key), 400, "body", says)


def test_a_body_may_nest_32_deep(unchanged):
    answer = wire.ask(unchanged, "PATCH", f"{DEALS}/{DEAL}", deep(32), AGENT)
    assert answer.status == 200 and answer.headers["x-ignored-fields"] == "unknown"


def proposal(**changes):
    term = {"org": 90, "extra": 10, "pfc": False} | changes.pop("term_fields", {})
    return {"event": EVENTS[1], "subj": ORGANIZATOR, "term": term} | changes


def with_term(**fields):
    return proposal(term_fields=fields)


WRONG_PROPOSALS = {
    "nothing": ({}, "event", "is required"),
    "no subj": ({"event": EVENTS[1]}, "subj", "is required"),
    "no term": ({"event": EVENTS[1]}, "term", "is required"),
    "an empty term": (proposal(term={}), "term.org", "is required"),
    "event null": (proposal(event=None), "event", "must not be null"),
    "event a number": (proposal(event=5), "event", "must be a string"),
    "event a list": (proposal(event=[EVENTS[1]]), "event", "must be a string"),
    "event no id": (proposal(event="MEGADETH"), "event", "24 hexadecimal digits"),
    "event unknown": (proposal(event=UNKNOWN), "event", "no event with this id"),
    "event a partner": (proposal(event=ORGANIZATOR), "event", "no event with this id"),
    "event a deal": (proposal(event=DEAL), "event", "no event with this id"),
    "subj no id": (proposal(subj="Organizator"), "subj", "24 hexadecimal digits"),
    "subj unknown": (proposal(subj=UNKNOWN), "subj", "no partner with this id"),
    "subj an event": (proposal(subj=EVENTS[1]), "subj", "no partner with this id"),
    "subj a bystander": (proposal(subj=PLATFORM), "subj", "must be the event's organizer"),
    "term null": (proposal(term=None), "term", "must be an object"),
    "term a number": (proposal(term=10), "term", "must be an object"),
    "term a list": (proposal(term=[]), "term", "must be an object"),
    "org null": (with_term(org=None), "term.org", "must not be null"),
    "org true": (with_term(org=True), "term.org", "must be a percentage"),
    "org a list": (with_term(org=[10]), "term.org", "must be a percentage"),
    "org an object": (with_term(org={}), "term.org", "must be a percentage"),
    "org no number": (with_term(org="much"), "term.org", "must be"),
    "org empty": (with_term(org=""), "term.org", "must be"),
    "org with a comma": (with_term(org="10,5%"), "term.org", "must be"),
    "org in full width": (with_term(org="１０%"), "term.org", "must be"),
    "org negative": (with_term(org=-1), "term.org", "must be between 0% and 100%"),
    "org negative amount": (with_term(org="-1.00"), "term.org", "must"),
    "org above all": (with_term(org=100.5), "term.org", "must be between 0% and 100%"),
    "org too fine": (with_term(org="10.00001%"), "term.org", "decimals"),
    "org too fine an amount": (with_term(org="10.001"), "term.org", "decimals"),
    "org too large an amount": (with_term(org="9" * 40), "term.org", "must"),
    "extra above all": (with_term(extra="1000.01%"), "term.extra", "must be between 0% and 1000%"),
    "extra a text": (with_term(extra="free"), "term.extra", "must be"),
    "pfc a text": (with_term(pfc="true"), "term.pfc", "must be true or false"),
    "pfc a number": (with_term(pfc=1), "term.pfc", "must be true or false"),
    "message a number": (proposal(message=5), "message", "must be a string"),
    "message too long": (proposal(message="ж" * 1001), "message", "1000 characters"),
    "message with U+0000": (proposal(message="a\0b"), "message", "U+0000"),
    "title a text": (proposal(title="For you"), "title", "must be an object"),
    "title.text a number": (proposal(title={"text": 5}), "title.text", "must be a string"),
    "title.text too long": (proposal(title={"text": "t" * 100_001}), "title.text", "characters"),
    "title.desc with U+0000": (proposal(title={"desc": "\0"}), "title.desc", "U+0000"),
}


@pytest.mark.parametrize("body, field, says", WRONG_PROPOSALS.values(), ids=WRONG_PROPOSALS.keys())
def test_a_wrong_proposal_is_refused(unchanged, body, field, says):
    refused(wire.ask(unchanged, "POST", DEALS, body, AGENT), 400, field, says)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1E5", "9" * 400, "0." + "0" * 400 + "1", "1e-5", "-0.00001"])
def test_a_share_is_no_huge_and_no_tiny_number(unchanged, number):
    body = json.dumps(with_term(org="NUMBER")).replace('"NUMBER"', number)
    refused(wire.ask(unchanged, "POST", DEALS, body, AGENT), 400, "term.org", "must")


def test_all_wrong_fields_are_named_at_once(unchanged):
    body = {"event": 1, "subj": "x", "message": [], "term": {"org": {}, "pfc": "no"}}
    error = refused(wire.ask(unchanged, "POST", DEALS, body, AGENT), 400)
    assert {wrong["field"] for wrong in error["errors"]} == {"event", "subj", "message", "term.org", "term.pfc"}


def test_the_platforms_own_fields_are_looked_at_for_the_platform_alone(unchanged):
    body = proposal(obj="Nanobilet")
    refused(wire.ask(unchanged, "POST", DEALS, body, OPERATOR), 400, "obj", "24 hexadecimal digits")
    body = proposal(obj=NANOBILET, term_fields={"core": -1})
    refused(wire.ask(unchanged, "POST", DEALS, body, OPERATOR), 400, "term.core", "must be between 0% and 100%")


WRONG_PARTNERS = {
    "name null": ({"name": None}, "name", "must not be null"),
    "name a number": ({"name": 5}, "name", "must be a string"),
    "name empty": ({"name": ""}, "name", "must not be empty"),
    "name blank": ({"name": " \t "}, "name", "must not be empty"),
    "name too long": ({"name": "н" * 256}, "name", "255 characters"),
    "name with U+0000": ({"name": "a\0b"}, "name", "control characters"),
    "name of two lines": ({"name": "a\nb"}, "name", "one line"),
    "roles a text": ({"roles": "agent"}, "roles", "must be a list"),
    "roles unknown": ({"roles": ["agent", "boss"]}, "roles[1]", "must be one of org, agent, core"),
    "roles null inside": ({"roles": [None]}, "roles[0]", "must be a string"),
    "desc a list": ({"desc": []}, "desc", "must be a string"),
    "desc too long": ({"desc": "d" * 100_001}, "desc", "100000 characters"),
    "channels an object": ({"channels": {}}, "channels", "must be a string"),
    "director too long": ({"director": "d" * 1001}, "director", "1000 characters"),
    "director with U+0000": ({"director": "\0"}, "director", "U+0000"),
    "contact a list": ({"contact": []}, "contact", "must be an object"),
    "contact.email no address": ({"contact": {"email": "nobody"}}, "contact.email", "name@example.org"),
    "contact.email a number": ({"contact": {"email": 5}}, "contact.email", "must be a string"),
    "contact.phones a text": ({"contact": {"phones": "112"}}, "contact.phones", "must be a list"),
    "contact.phones no number": ({"contact": {"phones": ["+79101002030", "x"]}}, "contact.phones[1]", "5 to 20 digits"),
    "contact.phones too short": ({"contact": {"phones": ["112"]}}, "contact.phones[0]", "5 to 20 digits"),
    "contact.address too long": ({"contact": {"address": "a" * 1001}}, "contact.address", "1000 characters"),
    "legal a text": ({"legal": "GmbH"}, "legal", "must be an object"),
    "legal.bank a number": ({"legal": {"bank": 5}}, "legal.bank", "must be an object"),
    "legal.detail.nds a text": ({"legal": {"detail": {"nds": "yes"}}}, "legal.detail.nds", "must be true or false"),
    "legal.who.name too long": ({"legal": {"who": {"name": "w" * 1001}}}, "legal.who.name", "1000 characters"),
    "tags a text": ({"tags": "rock"}, "tags", "must be a list"),
    "tags a number": ({"tags": [5]}, "tags[0]", "must be a string"),
    "tags empty": ({"tags": ["rock", ""]}, "tags[1]", "must not be empty"),
    "tags too long": ({"tags": ["t" * 101]}, "tags[0]", "100 characters"),
    "tags too many": ({"tags": [str(number) for number in range(101)]}, "tags", "100 items"),
    "removed a text": ({"removed": "no"}, "removed", "must be true or false"),
    "removed null": ({"removed": None}, "removed", "must not be null"),
    "media of nothing": ({"media": [UNKNOWN]}, "media[0]", "none with this id"),
}


@pytest.mark.parametrize("body, field, says", WRONG_PARTNERS.values(), ids=WRONG_PARTNERS.keys())
def test_a_wrong_change_of_a_partner_is_refused_as_a_whole(unchanged, body, field, says):
    right = {"desc": "Changed"} if "desc" not in body else {"director": "Changed"}
    refused(wire.ask(unchanged, "PATCH", f"{PARTNERS}/{NANOBILET}", body | right, AGENT), 400, field, says)


def test_a_partner_cannot_make_itself_the_platform(unchanged):
    refused(wire.ask(unchanged, "PATCH", f"{PARTNERS}/{NANOBILET}", {"roles": ["agent", "core"]}, AGENT), 403)
    refused(wire.ask(unchanged, "POST", PARTNERS, {"name": "Cassa", "roles": ["core"]}, AGENT), 403)


def vevent(start, end):
    return f"BEGIN:VEVENT\r\nDTSTART:{start}\r\nDTEND:{end}\r\nEND:VEVENT\r\n"


WRONG_EVENTS = {
    "no lifetime": ({"lifetime": ...}, "lifetime", "is required"),
    "lifetime null": ({"lifetime": None}, "lifetime", "must not be null"),
    "lifetime a number": ({"lifetime": 2040}, "lifetime", "must be a string"),
    "lifetime no calendar": ({"lifetime": "tomorrow"}, "lifetime", "must"),
    "lifetime without an end": ({"lifetime": LIFETIME.replace("DTEND", "X-END")}, "lifetime", "DTEND"),
    "lifetime ends first": ({"lifetime": vevent("20400125T160000Z", "20400124T160000Z")}, "lifetime", "must end after"),
    "lifetime of no length": ({"lifetime": vevent("20400124T160000Z", "20400124T160000Z")}, "lifetime", "must end"),
    "lifetime on no day": ({"lifetime": vevent("20400231T160000Z", "20400301T160000Z")}, "lifetime", "must"),
    "no title": ({"title": ...}, "title", "is required"),
    "title null": ({"title": None}, "title", "must be an object"),
    "title a text": ({"title": "Concert"}, "title", "must be an object"),
    "title empty": ({"title": {}}, "title.text", "must not be empty"),
    "title.text blank": ({"title": {"text": "  "}}, "title.text", "must not be empty"),
    "title.text too long": ({"title": {"text": "t" * 1001}}, "title.text", "1000 characters"),
    "title.desc a number": ({"title": {"text": "Concert", "desc": 5}}, "title.desc", "must be a string"),
    "age_rating of its own": ({"age_rating": 7}, "age_rating", "must be one of 0, 6, 12, 16, 18"),
    "age_rating a text": ({"age_rating": "16"}, "age_rating", "must be a whole number"),
    "age_rating a fraction": ({"age_rating": 16.5}, "age_rating", "must be a whole number"),
    "age_rating huge": ({"age_rating": 10**30}, "age_rating", "must be a whole number"),
    "status unknown": ({"status": "sold out"}, "status", "must be one of draft, stand_by, public, cancelled"),
    "status public without prices": ({"status": "public"}, "status", "price"),
    "currency unknown": ({"currency": "XXQ"}, "currency", "ISO 4217"),
    "timezone unknown": ({"timezone": "Mars/Olympus_Mons"}, "timezone", "IANA"),
    "tags an object": ({"tags": {}}, "tags", "must be a list"),
    "venue unknown": ({"venue": UNKNOWN}, "venue", "there is no venue with this id"),
    "map unknown": ({"map": UNKNOWN}, "map", "there is no map with this id"),
    "media a list": ({"media": []}, "media", "must be an object"),
    "media.cover unknown": ({"media": {"cover": UNKNOWN}}, "media.cover", "with this id"),
}


@pytest.mark.parametrize("changes, field, says", WRONG_EVENTS.values(), ids=WRONG_EVENTS.keys())
def test_a_wrong_event_is_refused(unchanged, changes, field, says):
    event = {"title": {"text": "Concert"}, "lifetime": LIFETIME} | changes
    event = {name: value for name, value in event.items() if value is not ...}
    refused(wire.ask(unchanged, "POST", EVENTS_PATH, event, ORGANIZER), 400, field, says)


WRONG_SETTINGS = {
    "accept_org_min an amount": ({"accept_org_min": "150.00"}, "accept_org_min", "must be a percentage"),
    "accept_org_min too large": ({"accept_org_min": 101}, "accept_org_min", "must be between 0% and 100%"),
    "auto_accept_deals a text": ({"auto_accept_deals": "yes"}, "auto_accept_deals", "must be true or false"),
    "core negative": ({"core": -1}, "core", "must be between 0% and 100%"),
    "extra too large": ({"extra": 1001}, "extra", "must be between 0% and 1000%"),
    "hold_minutes zero": ({"hold_minutes": 0}, "hold_minutes", "between 1 and 60"),
    "hold_minutes an hour more": ({"hold_minutes": 61}, "hold_minutes", "between 1 and 60"),
    "hold_minutes negative": ({"hold_minutes": -10}, "hold_minutes", "between 1 and 60"),
    "hold_minutes a fraction": ({"hold_minutes": 1.5}, "hold_minutes", "must be a whole number"),
    "hold_minutes huge": ({"hold_minutes": 10**30}, "hold_minutes", "must be a whole number"),
    "hold_minutes a text": ({"hold_minutes": "10"}, "hold_minutes", "must be a whole number"),
    "refund_approval unknown": ({"refund_approval": "nobody"}, "refund_approval", "vendor, organizer"),
}


@pytest.mark.parametrize("body, field, says", WRONG_SETTINGS.values(), ids=WRONG_SETTINGS.keys())
def test_wrong_settings_are_refused_as_a_whole(unchanged, body, field, says):
    right = {"auto_accept_deals": False} if field != "auto_accept_deals" else {"hold_minutes": 30}
    path = f"{PARTNERS}/{ORGANIZATOR}/settings"
    refused(wire.ask(unchanged, "PATCH", path, body | right, OPERATOR), 400, field, says)


@pytest.mark.parametrize("body, field, says", [
    ({}, "email", "is required"),
    ({"email": "ag@tc.ru"}, "role", "is required"),
    ({"email": "nobody", "role": "gate"}, "email", "name@example.org"),
    ({"email": "nobody@example.org", "role": "gate"}, "email", "user"),
    ({"email": "ag@tc.ru", "role": "king"}, "role", "must be one of owner, manager, cashier, gate"),
])
def test_a_wrong_member_is_refused(unchanged, body, field, says):
    refused(wire.ask(unchanged, "POST", f"{PARTNERS}/{ORGANIZATOR}/members", body, OPERATOR), 400, field, says)


@pytest.mark.parametrize("name, says", [(5, "must be a string"), ("k" * 1001, "1000 characters"), ("\0", "U+0000")])
def test_a_wrong_name_of_a_key_is_refused(unchanged, name, says):
    path = f"{PARTNERS}/{ORGANIZATOR}/api_keys"
    refused(wire.ask(unchanged, "POST", path, {"name": name}, OPERATOR), 400, "name", says)


NEW_PASSWORD = confidential("correct horse battery")


@pytest.mark.parametrize("body, status, field, says", [
    ({}, 400, "email", "is required"),
    ({"email": "new@example.org"}, 400, "password", "is required"),
    ({"email": "new@example.org", "password": "s3cr1t!"}, 400, "password", "at least 8 characters"),
    ({"email": "new@example.org", "password": "p" * 1001}, 400, "password", "1000 characters"),
    ({"email": "new@example.org", "password": 12345678}, 400, "password", "must be a string"),
    ({"email": "new", "password": NEW_PASSWORD}, 400, "email", "name@example.org"),
    ({"email": None, "password": NEW_PASSWORD}, 400, "email", "must not be null"),
    ({"email": f"long@{'.'.join(['domain'] * 40)}", "password": NEW_PASSWORD}, 400, "email", "254 characters"),
    ({"email": "new@example.org", "password": NEW_PASSWORD, "first_name": "\0"}, 400, "first_name", "U+0000"),
    ({"email": "new@example.org", "password": NEW_PASSWORD, "last_name": ["x"]}, 400, "last_name", "must be a string"),
    ({"email": "AG@tc.ru", "password": NEW_PASSWORD}, 409, "email", "another user has this address"),
])
def test_a_wrong_registration_is_refused(unchanged, body, status, field, says):
    refused(wire.ask(unchanged, "POST", "/v1/resources/users", body), status, field, says)


def test_a_wrong_sign_in_tells_nothing_of_who_exists(unchanged):
    refusals = [
        wire.ask(unchanged, "POST", "/v1/services/whoami", {"email": email, "password": NEW_PASSWORD})
        for email in ("ag@tc.ru", "nobody@example.org", "no address", "", "\0")
    ]
    assert len({answer.body for answer in refusals}) == 1
    for answer in refusals:
        refused(answer, 401, says="the email or the password is wrong")
        assert "set-cookie" not in answer.headers
    refused(wire.ask(unchanged, "POST", "/v1/services/whoami", {"email": 5}), 400, "password", "is required")


WRONG_QUERIES = {
    f"{DEALS}?page=0": ("page", "between 1 and"),
    f"{DEALS}?page=-1": ("page", "between 1 and"),
    f"{DEALS}?page=1.5": ("page", "between 1 and"),
    f"{DEALS}?page=99999999999999999999999": ("page", "between 1 and"),
    f"{DEALS}?page=1&page=2": ("page", "once"),
    f"{DEALS}?page_size=0": ("page_size", "between 1 and 200"),
    f"{DEALS}?page_size=201": ("page_size", "between 1 and 200"),
    f"{DEALS}?page-size=all": ("page-size", "between 1 and 200"),
    f"{DEALS}?status=open": ("status", "must be one of"),
    f"{DEALS}?status=new,,closed": ("status", "must be one of"),
    f"{DEALS}?partner=Nanobilet": ("partner", "24 hexadecimal digits"),
    f"{DEALS}?event={UNKNOWN}0": ("event", "24 hexadecimal digits"),
    f"{DEALS}?ids={DEAL},5": ("ids", "24 hexadecimal digits"),
    f"{PARTNERS}?role=boss": ("role", "must be one of org, agent, core"),
    f"{PARTNERS}?removed=perhaps": ("removed", "must be true or false"),
    f"{PARTNERS}?suggest=%00": ("query", "U+0000"),
    f"{PARTNERS}?suggest=%ff": ("query", "UTF-8"),
    f"{PARTNERS}?suggest=%ed%a0%80": ("query", "UTF-8"),
    f"{PARTNERS}?%ff=1": ("query", "UTF-8"),
    f"{EVENTS_PATH}?filter=soon": ("filter", "must be one of actual, past, all"),
    f"{EVENTS_PATH}?org=Organizator": ("org", "24 hexadecimal digits"),
    f"{DEALS}?fields-schema=": ("fields-schema", "offset 0"),
    f"{DEALS}?fields-schema=id,price": ("fields-schema", "offset 3"),
    f"{DEALS}?fields-schema=id,": ("fields-schema", "offset 3"),
    f"{DEALS}?fields-schema=id,term{{}}": ("fields-schema", "offset 8"),
    f"{DEALS}?fields-schema=id{{x}}": ("fields-schema", "offset 2"),
    f"{DEALS}?fields-schema=term{{org": ("fields-schema", "offset 4"),
    f"{DEALS}?fields-schema=id}}": ("fields-schema", "offset 2"),
    f"{DEALS}?fields-schema=id;term": ("fields-schema", "offset 2"),
    f"{DEALS}?fields-schema={'subj{user{partners{' * 3}id{'}}}' * 3}": ("fields-schema", "offset"),
    f"{DEALS}?fields-schema={','.join(['id'] * 201)}": ("fields-schema", "200"),
    f"{DEALS}?fields-schema=%00": ("query", "U+0000"),
}


@pytest.mark.parametrize("target", WRONG_QUERIES, ids=lambda target: target[:60])
def test_a_wrong_query_is_refused(unchanged, target):
    refused(wire.ask(unchanged, "GET", target, key=AGENT), 400, *WRONG_QUERIES[target])


def test_a_list_of_what_is_nowhere_is_empty(unchanged):
    for target in (
        f"{DEALS}?ids={UNKNOWN}", f"{DEALS}?event={UNKNOWN}", f"{DEALS}?partner={UNKNOWN}", f"{PARTNERS}?ids={UNKNOWN}",
        f"{PARTNERS}?tags=nothing", f"{EVENTS_PATH}?venue={UNKNOWN}", f"{EVENTS_PATH}?org={UNKNOWN}",
        f"{EVENTS_PATH}?ids={DEAL}", f"{DEALS}?page=1000000000&page_size=200",
    ):
        answer = wire.ask(unchanged, "GET", target, key=AGENT)
        assert (answer.status, answer.json) == (200, []), target


@pytest.mark.parametrize("path", [
    "/v1", "/v3/resources/deals", "/v1/resources/deal",
    f"{PARTNERS}/{NANOBILET}/settings/all", f"{PARTNERS}/{NANOBILET}/members/{UNKNOWN}/x", f"{DEALS}//{DEAL}",
    # Ids of nothing, ids of another kind, and no ids.
    f"{DEALS}/{UNKNOWN}", f"{DEALS}/{EVENTS[0]}", f"{DEALS}/{NANOBILET}", f"{EVENTS_PATH}/{DEAL}",
    f"{PARTNERS}/{DEAL}", f"{PARTNERS}/{EVENTS[0]}",
    f"{DEALS}/latest", f"{DEALS}/{DEAL}0", f"{DEALS}/{'0' * 10_000}", f"{DEALS}/..%2fdeals",
    f"{DEALS}/%ff", f"{DEALS}/%00", f"{DEALS}/%ed%a0%80",
])
def test_a_path_that_leads_nowhere_is_not_found(unchanged, path):
    refused(wire.ask(unchanged, "GET", path, key=AGENT), 404)


def turned_away(answer, status):
    """What is no HTTP reaches no route: a bare status, without a body or a number, and the end of the connection."""
    assert (answer.status, answer.body) == (status, b""), answer
    assert sorted(answer.headers) == ["connection", "content-length", "date"]
    assert answer.headers["connection"] == "close"


def test_a_path_in_raw_bytes_is_refused(unchanged):
    for target in (b"/v1/resources/deals/\xff", b"/v1/resources/deals?ids=\xff"):
        turned_away(wire.ask(unchanged, "GET", target, key=AGENT), 400)
    # What is UTF-8 is only no id.
    refused(wire.ask(unchanged, "GET", "/v1/resources/deals/котята".encode(), key=AGENT), 404)


@pytest.fixture(scope="module")
def stranger(demo):
    """The key of an agent that has nothing to do with the others. The platform makes both."""
    made = wire.ask(demo, "POST", PARTNERS, {"name": "Stranger", "roles": ["agent", "org"]}, OPERATOR).json
    key = wire.ask(demo, "POST", f"{PARTNERS}/{made['id']}/api_keys", {}, OPERATOR).json["key"]
    return confidential(key)


@pytest.mark.parametrize("method, path, body", [
    ("GET", f"{DEALS}/{DEAL}", b""),
    ("PATCH", f"{DEALS}/{DEAL}", {"status": "closed"}),
    ("PATCH", f"{DEALS}/{DEAL}", {"reversed_deal": True}),
    ("PATCH", f"{PARTNERS}/{NANOBILET}", {"name": "Mine"}),
    ("DELETE", f"{PARTNERS}/{NANOBILET}", b""),
    ("GET", f"{PARTNERS}/{NANOBILET}/settings", b""),
    ("PATCH", f"{PARTNERS}/{NANOBILET}/settings", {"auto_accept_deals": True}),
    ("GET", f"{PARTNERS}/{NANOBILET}/members", b""),
    ("POST", f"{PARTNERS}/{NANOBILET}/members", {"email": "org@tc.ru", "role": "owner"}),
    ("GET", f"{PARTNERS}/{NANOBILET}/api_keys", b""),
    ("POST", f"{PARTNERS}/{NANOBILET}/api_keys", {"name": "mine"}),
    ("PATCH", f"{EVENTS_PATH}/{EVENTS[0]}", {"status": "cancelled"}),
    ("DELETE", f"{EVENTS_PATH}/{EVENTS[0]}", b""),
])
def test_what_belongs_to_others_is_forbidden(stranger, unchanged, method, path, body):
    refused(wire.ask(unchanged, method, path, body, stranger), 403)


def test_a_stranger_sees_no_more_than_everybody(stranger, unchanged):
    seen = wire.ask(unchanged, "GET", f"{PARTNERS}/{NANOBILET}", key=stranger).json
    assert (seen["director"], seen["legal"], seen["user"]) == (None, None, None)
    assert wire.ask(unchanged, "GET", f"{DEALS}?status=all", key=stranger).json == []
    assert wire.ask(unchanged, "GET", f"{DEALS}?ids={DEAL}", key=stranger).json == []


@pytest.mark.parametrize("headers", [
    [], [("Authorization", "key")], [("Authorization", "key ")], [("Authorization", "Bearer my-very-secret-key")],
    [("Authorization", "my-very-secret-key")], [("Authorization", "key MY-VERY-SECRET-KEY")],
    [("Authorization", b"key \xff\xfe")], [("Authorization", "key nobody-has-this")], [("Authorization", "Basic YTpi")],
    [("Cookie", "auth_tkt=0000")], [("Cookie", "auth_tkt=")], [("Cookie", "other=my-very-secret-key")],
    [("Authorization", "key " + "x" * 10_000)],
], ids=lambda headers: repr(headers)[:50])
def test_nobody_is_asked_to_authenticate(unchanged, headers):
    for method, body in (("GET", b""), ("POST", b"{"), ("POST", proposal())):
        answer = wire.ask(unchanged, method, DEALS, body, headers=headers)
        refused(answer, 401, says="authentication required")
        assert answer.headers["www-authenticate"] == "Key"
        assert "x-partner" not in answer.headers


@pytest.mark.parametrize("partner", [ORGANIZATOR, UNKNOWN, "Organizator", "\u00ff"])
def test_nobody_acts_for_another_partner(unchanged, partner):
    refused(wire.ask(unchanged, "GET", DEALS, key=AGENT, headers=[("X-Partner", partner)]), 403)
    signed_in = wire.ask(unchanged, "POST", "/v1/services/whoami", {"email": "ag@tc.ru", "password": PASSWORD})
    cookie = signed_in.headers["set-cookie"].split(";")[0]
    confidential(cookie.removeprefix("auth_tkt="))
    refused(wire.ask(unchanged, "GET", DEALS, headers=[("Cookie", cookie), ("X-Partner", partner)]), 403)


def test_other_methods_are_not_allowed(unchanged):
    for method, path, allowed in [
        ("PUT", DEALS, "GET, POST, HEAD, OPTIONS"),
        ("DELETE", f"{DEALS}/{DEAL}", "GET, PATCH, HEAD, OPTIONS"),
        ("TRACE", f"{PARTNERS}/{NANOBILET}", "GET, PATCH, DELETE, HEAD, OPTIONS"),
        ("BREW", "/v1/resources/users", "GET, POST, HEAD, OPTIONS"),
    ]:
        answer = wire.ask(unchanged, method, path, key=AGENT)
        refused(answer, 405)
        assert sorted(answer.headers["allow"].split(", ")) == sorted(allowed.split(", "))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/mixed", "x"])
def test_another_type_of_body_is_refused(unchanged, content_type):
    headers = [("Content-Type", content_type)]
    refused(wire.ask(unchanged, "POST", DEALS, proposal(), AGENT, headers), 415, says="Content-Type: application/json")


def test_an_answer_that_is_no_json_cannot_be_had(unchanged):
    for accept in ("text/html", "image/*", "application/json;q=0", "application/xml, text/plain"):
        answer = wire.ask(unchanged, "POST", DEALS, proposal(), AGENT, [("Accept", accept)])
        refused(answer, 406, says="application/json")


def test_strictness_refuses_what_is_else_ignored(unchanged):
    strict = [("Prefer", "handling=strict")]
    body = {"colour": "red", "created_at": None}
    refused(wire.ask(unchanged, "PATCH", f"{DEALS}/{DEAL}", body, AGENT, strict), 400, "colour", "not known")
    refused(wire.ask(unchanged, "GET", f"{DEALS}?colour=red", key=AGENT, headers=strict), 400, "colour", "not known")
    answer = wire.ask(unchanged, "PATCH", f"{DEALS}/{DEAL}?size=1", body, AGENT)
    assert answer.status == 200 and answer.headers["x-ignored-fields"] == "size, colour"


def bulk(size):
    return b'{"unknown": "' + b"x" * (size - 15) + b'"}'


@pytest.mark.parametrize("key", [AGENT, None])
def test_a_body_of_two_mebibytes_is_too_large(unchanged, key):
    answer = wire.ask(unchanged, "POST", DEALS if key else "/v1/resources/users", bulk(2 << 20), key)
    refused(answer, 413, says="must not be larger than 1 MiB")


def test_a_body_of_two_mebibytes_in_chunks_is_too_large(unchanged):
    head = wire.request("POST", DEALS, key=AGENT, headers=[("Transfer-Encoding", "chunked")])
    head = head.replace(b"Content-Length: 0\r\n", b"")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with wire.Connection(unchanged.address) as connection:
        connection.send(head + chunk * 32 + b"0\r\n\r\n")
        refused(connection.answer(), 413, says="must not be larger than 1 MiB")


@pytest.mark.parametrize("headers", [[], [("Expect", "100-continue")]], ids=["at once", "asked first"])
@pytest.mark.parametrize("path, length, most", [
    (DEALS, (1 << 20) + 1, "1 MiB"),
    (f"/payments/test/{UNKNOWN}", (1 << 20) + 1, "1 MiB"),
    ("/v1/resources/attachments", (20 << 20) + 1, "20 MiB"),
])
def test_a_body_announced_as_too_large_is_not_waited_for(unchanged, path, length, most, headers):
    head = wire.request("POST", path, key=AGENT, headers=[("Content-Type", "application/json"), *headers])
    with wire.Connection(unchanged.address) as connection:
        connection.send(head.replace(b"Content-Length: 0\r\n", b"Content-Length: %d\r\n" % length))
        refused(connection.answer(), 413, says=f"must not be larger than {most}")


def test_a_body_of_one_mebibyte_is_read(unchanged):
    answer = wire.ask(unchanged, "PATCH", f"{DEALS}/{DEAL}", bulk(1 << 20), AGENT)
    assert answer.status == 200 and answer.headers["x-ignored-fields"] == "unknown"
    refused(wire.ask(unchanged, "PATCH", f"{DEALS}/{DEAL}", bulk((1 << 20) + 1), AGENT), 413)


@pytest.mark.parametrize("status, bytes", [
    (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64),
    (400, b"GET\r\n\r\n"),
    (400, b"GET / HTTP/3.7\r\nHost: x\r\n\r\n"),
    (400, b"PRI * HTTP/2.0\r\n\r\nand so on\r\n\r\n"),
    (400, b"GET /v1/resources/deals HTTP/1.1\r\nHost: x\r\nBroken header\r\n\r\n"),
    (400, b"POST /v1/resources/deals HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
    (400, b"POST /v1/resources/deals HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   "),
    (414, b"GET /" + b"x" * (64 << 10) + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    (431, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: x\r\n" * 100 + b"\r\n"),
], ids=lambda value: None if isinstance(value, int) else repr(value[:24]))
def test_what_is_no_http_is_turned_away(unchanged, status, bytes):
    with wire.Connection(unchanged.address) as connection:
        connection.send(bytes)
        turned_away(connection.answer(), status)
        assert connection.ended()


def test_a_head_of_a_megabyte_is_turned_away(unchanged):
    with wire.Connection(unchanged.address) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 1_000_000 + b"\r\n\r\n")
        # What the server has not read may take the answer with it when the connection ends.
        with contextlib.suppress(ConnectionError):
            turned_away(connection.answer(), 431)


# Deals that are over, and those that two want to answer at once.


def accept_at_organizer(demo, event):
    """A new deal that the agent has to answer."""
    body = {"event": event, "subj": NANOBILET, "term": {"org": 80}}
    answer = wire.ask(demo, "POST", DEALS, body, ORGANIZER)
    assert answer.status == 200 and answer.json["status"] == "new", answer
    return answer.json["id"]


def set_status(demo, id, status, key):
    return wire.ask(demo, "PATCH", f"{DEALS}/{id}", {"status": status}, key)


@pytest.mark.parametrize("ended_as, by", [("rejected", AGENT), ("canceled", ORGANIZER), ("closed", AGENT)])
def test_a_deal_that_is_over_stays_over(demo, ended_as, by):
    id = accept_at_organizer(demo, EVENTS[3])
    if ended_as == "closed":
        assert set_status(demo, id, "accepted", AGENT).status == 200
    over = set_status(demo, id, ended_as, by)
    assert over.status == 200
    for status in {"new", "accepted", "rejected", "canceled", "closed"} - {ended_as}:
        for key in (AGENT, ORGANIZER, OPERATOR):
            error = refused(set_status(demo, id, status, key), 400, "status")
            assert ended_as in error["reason"] and status in error["reason"]
    refused(wire.ask(demo, "PATCH", f"{DEALS}/{id}", {"reversed_deal": True}, AGENT), 400, "reversed_deal", ended_as)
    assert set_status(demo, id, ended_as, by).body == over.body
    assert wire.ask(demo, "GET", f"{DEALS}/{id}", key=AGENT).body == over.body
    refused(set_status(demo, id, "over", AGENT), 400, "status", "new, accepted, rejected, canceled, closed")


def at_once(*calls):
    """The results of calls that are made as close to each other as can be."""
    start = threading.Barrier(len(calls))

    def run(call):
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


@pytest.mark.parametrize("_", range(5))
def test_two_acceptances_at_once_are_one(demo, _):
    id = accept_at_organizer(demo, EVENTS[2])
    answers = at_once(*[lambda: set_status(demo, id, "accepted", AGENT)] * 4)
    accepted = wire.ask(demo, "GET", f"{DEALS}/{id}", key=AGENT)
    assert accepted.json["status"] == "accepted"
    assert 200 in [answer.status for answer in answers]
    for answer in answers:
        if answer.status == 200:
            assert answer.body == accepted.body
        else:
            refused(answer, 409)
    listed = wire.ask(demo, "GET", f"{DEALS}?event={EVENTS[2]}", key=AGENT).json
    assert [deal["id"] for deal in listed] == [id]


@pytest.mark.parametrize("_", range(5))
def test_acceptance_and_withdrawal_at_once_have_one_winner(demo, _):
    id = accept_at_organizer(demo, EVENTS[1])
    answers = at_once(
        lambda: set_status(demo, id, "accepted", AGENT),
        lambda: set_status(demo, id, "canceled", ORGANIZER),
        lambda: set_status(demo, id, "rejected", AGENT),
    )
    won = [answer for answer in answers if answer.status == 200]
    lost = [answer for answer in answers if answer.status != 200]
    assert len(won) == 1 and won[0].json["status"] == wire.ask(demo, "GET", f"{DEALS}/{id}", key=AGENT).json["status"]
    for answer in lost:
        assert answer.status in (400, 409)
        refused(answer, answer.status)


def test_two_proposals_at_once_are_one(demo):
    body = {"event": EVENTS[0], "subj": NANOBILET, "term": {"org": 80}}
    answers = at_once(*[lambda: wire.ask(demo, "POST", DEALS, body, ORGANIZER)] * 4)
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    for answer in answers:
        if answer.status == 409:
            refused(answer, 409, says="still open")
    [id] = [answer.json["id"] for answer in answers if answer.status == 200]
    assert set_status(demo, id, "canceled", ORGANIZER).status == 200


# Requests that are sent twice.


def propose_once(demo, key, body, by=ORGANIZER, path=DEALS):
    return wire.ask(demo, "POST", path, body, by, [("Idempotency-Key", key)])


def new_deals(demo, event):
    return wire.ask(demo, "GET", f"{DEALS}?event={event}&status=all", key=OPERATOR).json


def test_a_proposal_sent_twice_is_made_once(new_demo):
    body = {"event": EVENTS[1], "subj": NANOBILET, "term": {"org": 80}}
    first = propose_once(new_demo, "monday", body)
    assert first.status == 200
    assert set_status(new_demo, first.json["id"], "rejected", AGENT).status == 200
    again = propose_once(new_demo, "monday", body)
    assert (again.status, again.body) == (200, first.body)

    refused(propose_once(new_demo, "monday", body | {"message": "Dear friends"}), 422, says="choose a new one")
    refused(propose_once(new_demo, "monday", body, path=f"{DEALS}?fields-schema=id"), 422, says="choose a new one")
    assert [deal["id"] for deal in new_deals(new_demo, EVENTS[1])] == [first.json["id"]]

    # The same key of somebody else is another one.
    other = propose_once(new_demo, "monday", {"event": EVENTS[1], "subj": ORGANIZATOR, "term": {"org": 80}}, AGENT)
    assert other.status == 200 and other.json["id"] != first.json["id"]


def test_a_refusal_is_given_again(new_demo):
    body = {"event": EVENTS[1], "subj": NANOBILET, "term": {"org": 101}}
    first = propose_once(new_demo, "tuesday", body)
    refused(first, 400, "term.org")
    assert propose_once(new_demo, "tuesday", body).body == first.body
    refused(propose_once(new_demo, "tuesday", body | {"term": {"org": 80}}), 422)
    assert new_deals(new_demo, EVENTS[1]) == []


def test_a_conflict_is_not_kept(new_demo):
    body = {"event": EVENTS[1], "subj": NANOBILET, "term": {"org": 80}}
    open_one = propose_once(new_demo, "first", body).json["id"]
    refused(propose_once(new_demo, "second", body), 409, says="still open")
    assert set_status(new_demo, open_one, "canceled", ORGANIZER).status == 200
    assert propose_once(new_demo, "second", body).status == 200


@pytest.mark.parametrize("_", range(5))
def test_a_proposal_sent_many_times_at_once_is_made_once(new_demo, _):
    body = {"event": EVENTS[1], "subj": NANOBILET, "term": {"org": 80}}
    answers = at_once(*[lambda: propose_once(new_demo, "at once", body)] * 8)
    made = {answer.body for answer in answers if answer.status == 200}
    assert len(made) == 1
    for answer in answers:
        if answer.status != 200:
            refused(answer, 409, says="still running")
    assert len(new_deals(new_demo, EVENTS[1])) == 1
    assert {propose_once(new_demo, "at once", body).body} == made


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_wrong_idempotency_key_is_refused(unchanged, key):
    refused(propose_once(unchanged, key, proposal()), 400, "Idempotency-Key", "1 to 255 characters")
