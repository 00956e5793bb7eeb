"""Whatever the OpenAPI document allows, and much that it does not, is answered as it says.

schemathesis makes requests from the document that the server serves and compares every answer with it. It runs once with
the key of each partner of the demo, and once as a user who signed in, for a key stands for a partner and no person. Each
run has a server of its own.
"""

import dataclasses
import json
import pathlib
import subprocess
import sys

import pytest

import wire
from parterre import KEYS, NANOBILET, ORGANIZATOR, PASSWORD, PLATFORM, Place, Server, confidential

EXAMPLES = 100
SEED = 20140818
# The share of operations that have to be seen working.
ANSWERED_WELL = 0.6

RUNS = {
    "nanobilet": ("sqlite", NANOBILET),
    "organizator": ("sqlite", ORGANIZATOR),
    "platform": ("sqlite", PLATFORM),
    "platform on PostgreSQL": ("postgresql", PLATFORM),
    "signed in": ("sqlite", None),
}


def credentials(server, partner):
    if partner:
        return f"Authorization: key {KEYS[partner]}"
    body = {"email": "org@tc.ru", "password": PASSWORD}
    cookie = wire.ask(server, "POST", "/v1/services/whoami", body).headers["set-cookie"].split(";")[0]
    confidential(cookie.removeprefix("auth_tkt="))
    return f"Cookie: {cookie}"


@dataclasses.dataclass
class Run:
    """One run of schemathesis against a server of its own."""

    engine: str
    partner: str | None

    def start(self):
        self.place = Place(self.engine)
        self.server = Server(self.place).ready()
        self.report = self.place.folder / "report.ndjson"
        self.output = open(self.place.folder / "schemathesis", "w+", encoding="utf-8")
        # Which requests are good is said in part by words, not by the schema: an event has to exist, a period to end
        # after its start. So that good data is refused is no failure here; all else that it checks is.
        self.process = subprocess.Popen(
            [
                pathlib.Path(sys.executable).parent / "schemathesis",
                "--config-file", pathlib.Path(__file__).parent / "schemathesis.toml",
                "run", f"{self.server.url}/openapi.json",
                "--header", credentials(self.server, self.partner),
                "--seed", str(SEED), "--max-examples", str(EXAMPLES), "--continue-on-failure",
                "--exclude-checks", "positive_data_acceptance",
                "--generation-database", "none", "--no-color",
                "--report", "ndjson", "--report-ndjson-path", self.report,
            ],
            cwd=self.place.folder, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
        )

    def finish(self):
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
    for run in runs.values():
        run.start()
    yield runs
    for run in runs.values():
        run.stop()


@pytest.fixture(scope="module")
def operations():
    """The operations of the document, as `GET /docs`."""
    place = Place("sqlite")
    with Server(place) as server:
        document = wire.ask(server, "GET", "/openapi.json").json
    place.remove()
    return [f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item]


def works(run, operation):
    return any(status and 200 <= status < 300 for status in run.statuses.get(operation, {}))


@pytest.mark.parametrize("name", RUNS)
def test_every_answer_is_as_documented(runs, operations, name):
    run = runs[name].finish()
    assert run.process.returncode == 0, run.said
    asked = {operation: sum(run.statuses.get(operation, {}).values()) for operation in operations}
    print(f"\nschemathesis, {name}: {sum(asked.values())} requests")
    for operation in operations:
        print(f"  {'works' if works(run, operation) else '-':<6} {operation}  {run.statuses.get(operation, {})}")


def test_most_operations_are_seen_working(runs, operations):
    all_runs = [run.finish() for run in runs.values()]
    print()
    for name, run in runs.items():
        working = [operation for operation in operations if works(run, operation)]
        print(f"{name}: {len(working)} of {len(operations)} operations answered with 2xx")
    working = [operation for operation in operations if any(works(run, operation) for run in all_runs)]
    assert len(working) >= ANSWERED_WELL * len(operations), working
