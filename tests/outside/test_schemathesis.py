"""Whatever the OpenAPI document allows, and much that it does not, is answered as it says.

schemathesis makes requests from the document that the server serves and compares every answer with it: with the key of
each partner of the demo, and, since a key stands for a partner and no person, as the partner's owner who has signed in.
Each run has a server of its own.
"""

import contextlib
import dataclasses
import json
import pathlib
import subprocess
import sys
from collections.abc import Callable

import pytest

import wire
from parterre import EVENTS, KEYS, NANOBILET, ORGANIZATOR, PASSWORD, PLATFORM, Place, Server, confidential

SEED = 20140818
# The share of the operations that each partner has to be seen doing.
DONE = 0.6
# It is the document itself: schemathesis has it from there, and asks no more.
DOCUMENT = "GET /openapi.json"

# A set of the first event.
SET = "5357baaff51600525ca00000"

OWNERS = {NANOBILET: "ag@tc.ru", ORGANIZATOR: "org@tc.ru", PLATFORM: "core@tc.ru"}


def key_of(server, partner):
    return ["--header", f"Authorization: key {KEYS[partner]}", "--max-examples", "100"]


def sign_in_of(server, partner):
    """For what only persons may do, and what they may besides their partner's key."""
    body = {"email": OWNERS[partner], "password": PASSWORD}
    cookie = wire.ask(server, "POST", "/v1/services/whoami", body).headers["set-cookie"].split(";")[0]
    confidential(cookie.removeprefix("auth_tkt="))
    return [
        "--header", f"Cookie: {cookie}", "--generation-with-security-parameters", "false", "--max-examples", "30",
        "--include-path-regex", "/(settings|members|api_keys|users|whoami)",
        # Signing out would end the run.
        "--exclude-operation-id", "delete_v1_services_whoami",
    ]


RUNS = {
    "Nanobilet's key": ("sqlite", NANOBILET, key_of),
    "Organizator's key": ("sqlite", ORGANIZATOR, key_of),
    "the platform's key": ("sqlite", PLATFORM, key_of),
    "the platform's key, PostgreSQL": ("postgresql", PLATFORM, key_of),
    "Nanobilet's owner": ("sqlite", NANOBILET, sign_in_of),
    "Organizator's owner": ("sqlite", ORGANIZATOR, sign_in_of),
    "the platform's owner": ("sqlite", PLATFORM, sign_in_of),
}


@dataclasses.dataclass
class Run:
    """One run of schemathesis against a server of its own."""

    engine: str
    partner: str
    who: Callable
    statuses: dict = None

    def start(self):
        self.place = Place(self.engine)
        self.server = Server(self.place).ready()
        wish = {"event": EVENTS[0], "random": {SET: 2}}
        order = wire.ask(self.server, "POST", "/v1/resources/orders", wish, KEYS[NANOBILET]).json["id"]
        config = self.place.folder / "schemathesis.toml"
        config.write_text((pathlib.Path(__file__).parent / "schemathesis.toml").read_text("utf-8").replace("ORDER", order))
        self.report = self.place.folder / "report.ndjson"
        self.output = open(self.place.folder / "schemathesis", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                pathlib.Path(sys.executable).parent / "schemathesis",
                "--config-file", config,
                "run", f"{self.server.url}/openapi.json",
                *self.who(self.server, self.partner),
                "--seed", str(SEED), "--continue-on-failure",
                "--generation-database", "none", "--no-color",
                "--report", "ndjson", "--report-ndjson-path", self.report,
            ],
            cwd=self.place.folder, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
        )

    def finish(self):
        if self.statuses is None:
            self.process.wait()
            self.output.seek(0)
            self.said = self.output.read()
            self.statuses = statuses(self.report)
        return self

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.output.close()
        assert self.server.stop() == 0
        self.place.remove()


def statuses(report):
    """Each operation of the document and how often it was answered with which status."""
    found = {}
    with open(report, encoding="utf-8") as events:
        for event in map(json.loads, events):
            recorder = event.get("ScenarioFinished", {}).get("recorder", {})
            for id, interaction in recorder.get("interactions", {}).items():
                case = recorder["cases"][id]["value"]
                status = (interaction.get("response") or {}).get("status_code")
                counts = found.setdefault(f"{case['method']} {case['path']}", {})
                counts[status] = counts.get(status, 0) + 1
    return found


@pytest.fixture(scope="module")
def runs():
    """All runs, at once: they wait for their own servers most of the time."""
    runs = {name: Run(*how) for name, how in RUNS.items()}
    with contextlib.ExitStack() as stack:
        for run in runs.values():
            run.start()
            stack.callback(run.stop)
        yield runs


@pytest.fixture(scope="module")
def operations():
    """The operations of the document, such as `GET /docs`."""
    place = Place("sqlite")
    with Server(place) as server:
        document = wire.ask(server, "GET", "/openapi.json").json
    place.remove()
    named = [f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item]
    return [operation for operation in named if operation != DOCUMENT]


def done(run, operation):
    return any(status and 200 <= status < 300 for status in run.statuses.get(operation, {}))


@pytest.mark.parametrize("name", RUNS)
def test_every_answer_is_as_documented(runs, operations, name):
    run = runs[name].finish()
    assert run.process.returncode == 0, run.said
    if run.who is key_of:
        assert set(operations) <= set(run.statuses)


@pytest.mark.parametrize("partner", OWNERS)
def test_each_partner_is_seen_doing_most(runs, operations, partner):
    its = [run.finish() for run in runs.values() if run.partner == partner]
    seen = [operation for operation in operations if any(done(run, operation) for run in its)]
    for operation in operations:
        statuses = [run.statuses.get(operation, {}) for run in its]
        print(f"{'done' if operation in seen else '':<5} {operation}", *statuses)
    print(f"{OWNERS[partner]}: {len(seen)} of {len(operations)} operations were answered with 2xx")
    assert len(seen) >= DONE * len(operations)
