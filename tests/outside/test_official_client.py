"""The official Python client works unchanged: only the address and the key are other ones."""

import icalendar
import pytest
import ticketscloud

from parterre import DEAL, EVENTS, KEYS, NANOBILET, ORGANIZATOR, PLATFORM, confidential


def client_of(server, partner):
    return ticketscloud.TCClient(api_root=server.url, access_token=KEYS[partner])


@pytest.fixture
def agent(new_demo):
    return client_of(new_demo, NANOBILET)


@pytest.fixture
def organizer(new_demo):
    return client_of(new_demo, ORGANIZATOR)


@pytest.fixture
def platform(new_demo):
    return client_of(new_demo, PLATFORM)


@pytest.fixture
def wary_organizer(organizer, platform):
    """The organizer of the demo, who answers every proposal itself."""
    # Settings are their owners' and the platform's; a partner's key acts as its manager.
    platform.api.resources.partners[ORGANIZATOR].settings.patch(auto_accept_deals=False)
    return organizer


def test_partners_are_listed_and_shown(agent):
    partners = agent.api.resources.partners()
    assert [partner["name"] for partner in partners][:3] == ["Organizator", "Nanobilet", "Platform"]
    assert agent.api.resources.partners[NANOBILET]() == partners[1]
    some = agent.api.resources.partners(ids=[PLATFORM, NANOBILET])
    assert [partner["id"] for partner in some] == [NANOBILET, PLATFORM]


def test_deals_are_listed_and_shown(agent, organizer):
    (deal,) = organizer.api.resources.deals()
    assert deal["id"] == DEAL
    assert agent.api.resources.deals()[0] == deal
    assert agent.api.resources.deals[DEAL]() == deal
    assert agent.api.resources.deals(status=["rejected", "closed"]) == []


def test_fields_schema_narrows_and_widens(agent):
    deals = agent.api.resources.deals(**{
        "fields-schema": "id,event{id,title{text}},term{extra},subj{name}", "status": "accepted", "event": EVENTS[0],
    })
    assert deals == [{
        "event": {"id": EVENTS[0], "title": {"text": "Семинар: милые котята"}},
        "id": DEAL,
        "subj": {"name": "Nanobilet"},
        "term": {"extra": "10.0%"},
    }]


def test_a_proposal_is_accepted_automatically(agent, organizer):
    proposed = agent.api.resources.deals.post(event=EVENTS[1], subj=ORGANIZATOR, term={"org": 90})
    assert proposed["status"] == "accepted"
    assert organizer.api.resources.deals(event=EVENTS[1]) == [proposed]


def test_a_deal_is_proposed_and_accepted(agent, wary_organizer):
    organizer = wary_organizer
    term = {"org": "90%", "extra": 10, "pfc": True}
    proposed = agent.api.resources.deals.post(event=EVENTS[1], subj=ORGANIZATOR, term=term, message="With pleasure")
    assert (proposed["status"], proposed["obj"], proposed["subj"]) == ("new", NANOBILET, ORGANIZATOR)
    assert proposed["term"] == {"core": "10.00%", "extra": "10.0%", "org": "90.00%", "pfc": True}
    assert proposed["message"] == "With pleasure"

    with pytest.raises(ticketscloud.TCException, match="403.*HTTPForbidden"):
        agent.api.resources.deals[proposed["id"]].patch(status="accepted")
    accepted = organizer.api.resources.deals[proposed["id"]].patch(status="accepted")
    assert accepted["status"] == "accepted"
    assert agent.api.resources.deals[proposed["id"]]() == accepted
    assert agent.api.resources.deals(event=EVENTS[1]) == [accepted]


def test_an_organizer_proposes_and_the_agent_accepts(agent, organizer):
    term = {"org": "150.00", "extra": "5%"}
    proposed = organizer.api.resources.deals.post(event=EVENTS[2], subj=NANOBILET, term=term)
    assert (proposed["status"], proposed["obj"], proposed["subj"]) == ("new", ORGANIZATOR, NANOBILET)
    assert proposed["term"] == {"core": "10.00%", "extra": "5.0%", "org": "150.00", "pfc": False}
    assert agent.api.resources.deals[proposed["id"]].patch(status="accepted")["status"] == "accepted"


def test_an_open_proposal_is_handed_over_and_rejected(agent, wary_organizer):
    organizer = wary_organizer
    proposed = agent.api.resources.deals.post(event=EVENTS[1], subj=ORGANIZATOR, term={"org": 50})
    handed = organizer.api.resources.deals[proposed["id"]].patch(reversed_deal=True)
    assert (handed["status"], handed["reversed_deal"]) == ("new", True)
    rejected = agent.api.resources.deals[proposed["id"]].patch(status="rejected")
    assert rejected["status"] == "rejected"
    assert agent.api.resources.deals(event=EVENTS[1]) == []


def test_events_come_with_their_calendar(agent):
    events = agent.api.resources.events(org=ORGANIZATOR)
    assert [event["id"] for event in events] == EVENTS
    for event in events:
        lifetime = event["lifetime"]
        assert isinstance(lifetime, icalendar.Event)
        assert (lifetime.end - lifetime.start).total_seconds() == 3 * 3600
        assert lifetime.start.utcoffset().total_seconds() == 0
        assert [set["name"] for set in event["sets"]] == ["Танцпол", "Партер", "VIP"]
        assert all(set["rules"] for set in event["sets"])
    one = agent.api.resources.events[EVENTS[1]]()
    assert one["title"]["text"] == "MEGADETH"
    assert one["lifetime"] == events[1]["lifetime"]


def test_events_for_sale_come_whole_in_one_request(agent, organizer):
    offer = agent.api.services.simple.events()[0]
    assert (offer["id"], offer["title"]["text"]) == (EVENTS[0], "Семинар: милые котята")
    assert isinstance(offer["lifetime"], icalendar.Event)
    assert offer["deal"]["extra"] == "10.0%"
    assert [ticket_set["price_org"] for ticket_set in offer["sets"]] == [1500, 2500, 5000]
    assert [ticket_set["price"] for ticket_set in offer["sets"]] == [1650, 2750, 5500]
    for ticket_set in offer["sets"]:
        (rule,) = ticket_set["rules"]
        assert rule["current"]
    assert agent.api.services.simple.events[EVENTS[0]]() == offer
    assert [offer["id"] for offer in organizer.api.services.simple.events(sort="-start")] == EVENTS[::-1]
    assert [offer["id"] for offer in organizer.api.services.simple.events(price="1500,1600", page_size=2)] == EVENTS[:2]
    assert organizer.api.services.simple.events_filters()["orgs"][0]["id"] == ORGANIZATOR


def test_an_event_is_created_changed_and_removed(organizer):
    calendar = "BEGIN:VEVENT\r\nDTSTART:20400124T160000Z\r\nDTEND:20400124T173000Z\r\nEND:VEVENT\r\n"
    # By the path alone: of a POST to `events` the client expects a list.
    created = organizer.post("v1/resources/events", data={"title": {"text": "Opening night"}, "lifetime": calendar})
    assert (created["status"], created["sets"]) == ("draft", [])
    assert icalendar.Event.from_ical(created["lifetime"]).start.isoformat() == "2040-01-24T16:00:00+00:00"
    changed = organizer.api.resources.events[created["id"]].patch(title={"desc": "With a buffet"})
    assert changed["title"] == {"text": "Opening night", "desc": "With a buffet"}
    # The client sends a JSON body with DELETE.
    assert organizer.api.resources.events[created["id"]].delete() == {}
    assert created["id"] not in [event["id"] for event in organizer.api.resources.events()]


def test_a_key_is_made_and_deleted(new_demo, organizer, platform):
    made = platform.api.resources.partners[ORGANIZATOR].api_keys.post(name="box office")
    box_office = ticketscloud.TCClient(api_root=new_demo.url, access_token=confidential(made["key"]))
    assert box_office.api.resources.deals() == organizer.api.resources.deals()
    assert platform.api.resources.partners[ORGANIZATOR].api_keys[made["id"]].delete() == {}
    with pytest.raises(ticketscloud.TCException, match="401.*HTTPUnauthorized"):
        box_office.api.resources.deals()


def test_head_is_answered_without_a_body(agent):
    assert agent.head("v1/resources/deals", to_json=False).content == b""


def test_an_error_says_what_would_be_right(agent):
    with pytest.raises(ticketscloud.TCException, match=r"400.*term\.org: must be between 0% and 100%"):
        agent.api.resources.deals.post(event=EVENTS[1], subj=ORGANIZATOR, term={"org": 101})


def test_a_wrong_key_is_refused(new_demo):
    stranger = ticketscloud.TCClient(api_root=new_demo.url, access_token="nobody-has-this-key")
    with pytest.raises(ticketscloud.TCException, match="401.*HTTPUnauthorized"):
        stranger.api.resources.partners()
