"""The program as its operator meets it: starts that fail, stops, crashes, slow clients, logs and commands."""

import contextlib
import json
import os
import pty
import random
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import termios
import threading
import time
import uuid

import pytest

import wire
from parterre import (
    BINARY, DEAL, EVENTS, KEYS, NANOBILET, ORGANIZATOR, PASSWORD, PATIENCE_S, PLATFORM, Cluster, Place, Server,
    address_of, confidential, environment, run, sql,
)

AGENT, ORGANIZER, OPERATOR = KEYS[NANOBILET], KEYS[ORGANIZATOR], KEYS[PLATFORM]
DEALS, PARTNERS = "/v1/resources/deals", "/v1/resources/partners"
# Those of the documentation, and those of the season.
PARTNERS_OF_A_DEMO = 3 + 8


# Starts that fail: one line that says why and what to do, and exit code 1.


def does_not_start(*options, place, says, env=None, prefix=()):
    env = {"PARTERRE_LISTEN": "127.0.0.1:0"} | (env or {})
    done = run("serve", *options, place=place, env=env, prefix=prefix)
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert done.stderr.startswith("parterre: ") and done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    assert says in done.stderr


def start_once(place, demo=False):
    with Server(place, demo=demo):
        pass


def test_a_database_of_a_newer_version_is_left_alone(place):
    start_once(place)
    newer = "insert into refinery_schema_history (version, name, applied_on, checksum) values (999, 'newer', '', '0')"
    if place.engine == "sqlite":
        with contextlib.closing(sqlite3.connect(place.data / "parterre.db")) as database, database:
            database.execute(newer)
    else:
        sql(newer, place.name)
    does_not_start(place=place, says="schema 999, made by a newer Parterre")
    assert run("migrate", place=place).returncode == 1


def test_a_folder_has_one_server(folder):
    with Server(folder, demo=False) as server:
        does_not_start(place=folder, says="is in use by another parterre")
        assert wire.ask(server, "GET", DEALS).status == 401


def test_a_folder_has_to_be_writable(folder):
    nowhere = folder.folder / "file"
    nowhere.write_text("a file is no folder")
    folder.data = nowhere / "data"
    does_not_start(place=folder, says="cannot be")
    # The superuser may write anywhere, unless that right is taken away.
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
    folder.data = folder.folder / "read-only"
    folder.data.mkdir()
    if powerless:
        shutil.chown(folder.data, user=65534)
        folder.folder.chmod(0o755)
    folder.data.chmod(0o555)
    does_not_start(place=folder, says="Permission denied", prefix=powerless)


def test_a_file_that_is_no_database_is_left_alone(folder):
    folder.data.mkdir(mode=0o700)
    letter = b"Dear Parterre, this is a letter and no database.\n" * 100
    (folder.data / "parterre.db").write_bytes(letter)
    does_not_start(place=folder, says="is not an SQLite database")
    assert (folder.data / "parterre.db").read_bytes() == letter


def elsewhere(place, url):
    place.url = url
    return place


def test_postgresql_has_to_be_there():
    place = Place("postgresql")
    password = confidential("a-password-of-the-database")
    try:
        for url in (
            f"postgres://parterre:{password}@127.0.0.1:1/parterre",
            f"postgres:///parterre?host=/nowhere&user=parterre&password={password}",
            address_of("nobody_made_this"),
            address_of(place.name).replace("user=postgres", f"user=nobody&password={password}"),
        ):
            does_not_start(place=elsewhere(place, url), says="PostgreSQL cannot be reached")
        does_not_start(place=elsewhere(place, f"mysql://parterre:{password}@127.0.0.1/parterre"), says="--database")
    finally:
        place.remove()


def has_a_problem(*arguments, place, says):
    done = run("doctor", *arguments, place=place)
    assert done.returncode == 1 and any("problem" in line and says in line for line in done.stdout.splitlines()), done


def test_a_postgresql_that_says_nothing_stops_the_start():
    place = Place("postgresql")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://parterre:{confidential('for-nobody-to-hear')}@127.0.0.1:{silent.getsockname()[1]}/parterre"
        try:
            for tls in ("", "?sslmode=require"):
                elsewhere(place, url + tls)
                does_not_start(place=place, says="PostgreSQL cannot be reached (it says nothing")
            has_a_problem(place=place, says="PostgreSQL cannot be reached (it says nothing")
        finally:
            place.remove()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_postgresql_has_to_take_every_text(encoding):
    place = Place("postgresql")
    name = f"{place.name}_{encoding.lower()}"
    sql(f"create database {name} encoding '{encoding}' locale 'C' template template0")
    try:
        elsewhere(place, address_of(name))
        says = f"the database has the encoding {encoding} and Parterre needs UTF8"
        does_not_start(place=place, says=says)
        assert says in run("migrate", place=place).stderr
        has_a_problem(place=place, says=says)
        assert sql("select count(*) from information_schema.tables where table_schema = 'public'", name) == "0"
    finally:
        sql(f"drop database {name} with (force)")
        place.remove()


def test_why_a_migration_failed_is_said():
    place = Place("postgresql")
    user = place.name
    sql(f"create role {user} login")
    try:
        url = place.url
        elsewhere(place, url.replace("user=postgres", f"user={user}"))
        does_not_start(place=place, says="the migration failed: permission denied for schema public")
        sql("create table users (id int)", place.name)
        elsewhere(place, url)
        does_not_start(place=place, says='the migration failed: relation "users" already exists')
    finally:
        place.remove()
        sql(f"drop role {user}")


def test_postgresql_needs_a_secret():
    place = Place("postgresql")
    place.environment = {}
    does_not_start(place=place, says="with --database the secret must be given")
    assert sql("select count(*) from information_schema.tables where table_schema = 'public'", place.name) == "0"
    place.remove()


def test_another_secret_stops_the_start(place):
    start_once(place)
    other = confidential(secrets.token_hex(32))
    does_not_start(place=place, says="the database was made with another secret", env={"PARTERRE_SECRET": other})
    file = place.folder / "secret-file"
    file.write_text(other)
    file.chmod(0o600)
    env = {"PARTERRE_SECRET": ""}
    does_not_start("--secret-file", file, place=place, says="the database was made with another secret", env=env)
    file.chmod(0o644)
    does_not_start("--secret-file", file, place=place, says="is open to others", env=env)
    does_not_start("--secret-file", place.folder / "none", place=place, says="cannot be read", env=env)
    file.chmod(0o600)
    does_not_start("--secret-file", file, place=place, says="both give the secret", env={"PARTERRE_SECRET": other})
    start_once(place)


def test_a_secret_that_can_be_guessed_stops_the_start(place):
    env = {"PARTERRE_SECRET": confidential("thirty-one-characters-of-secret")}
    does_not_start(place=place, says="at least 32 are needed", env=env)


def test_a_lost_secret_stops_the_start(folder):
    start_once(folder)
    assert (folder.data / "secret").stat().st_mode & 0o777 == 0o600
    (folder.data / "secret").rename(folder.folder / "backup")
    does_not_start(place=folder, says="put it back from the backup")
    (folder.folder / "backup").rename(folder.data / "secret")
    start_once(folder)


def test_a_demo_is_for_this_machine_only(place):
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:8080"):
        does_not_start("--demo", "--listen", address, place=place, says="must be a loopback address")


def test_a_demo_shares_no_folder(folder):
    folder.data.mkdir(mode=0o700)
    (folder.data / "letter.txt").write_text("Dear Parterre")
    does_not_start("--demo", place=folder, says="letter.txt")
    (folder.data / "letter.txt").unlink()
    (folder.data / "media").mkdir()
    (folder.data / "media" / "picture").write_text("of somebody")
    does_not_start("--demo", place=folder, says="holds media")


def test_a_demo_and_a_platform_share_no_data(place):
    start_once(place)
    does_not_start("--demo", place=place, says="--demo needs")
    assert leftovers(place) == []


def leftovers(place):
    return list(place.data.glob("demo.db*")) if place.engine == "sqlite" else []


def test_the_data_of_a_demo_is_served_as_a_demo_only(place):
    start_once(place, demo=True)
    does_not_start(place=place, says="holds a demo, whose keys everybody knows")
    assert run("key", "create", "--partner", NANOBILET, place=place).returncode == 1


def test_an_address_has_one_server(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        does_not_start("--listen", address, place=folder, says=f"{address} cannot be listened on")


def test_options_that_make_no_sense_stop_the_start(folder):
    config = folder.folder / "parterre.toml"
    for text, says in [
        ("listen = ", "line 1"),
        ('listen = "127.0.0.1:0"\ncolour = "red"\n', "line 2"),
        ('listen = "everywhere"', "listen"),
        ("session-days = 0", "session-days"),
        ('log = "loud"', "log"),
        ('currency = "XXQ"', "currency"),
        ('timezone = "Mars/Olympus_Mons"', "timezone"),
    ]:
        config.write_text(text)
        # Flags count more than the file, so none is given here.
        done = run("serve", "--config", config, place=folder)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.count("\n") == 1 and says in done.stderr, done.stderr
    does_not_start("--config", folder.folder / "none.toml", place=folder, says="cannot be read")
    does_not_start(place=folder, says="PARTERRE_READERS", env={"PARTERRE_READERS": "many"})
    assert not folder.data.exists()


def test_a_command_line_that_makes_no_sense_is_explained():
    for arguments in (["serve", "--colour", "red"], ["dance"], ["serve", "--listen", "everywhere"], ["user"], []):
        done = run(*arguments)
        assert done.returncode == 2 and "--help" in done.stderr, done


# Stops.


def begin_a_proposal(connection):
    """Sends a request but for the end of its body, until the server is at it; returns that end."""
    body = {"event": EVENTS[1], "subj": ORGANIZATOR, "term": {"org": 80}}
    request = wire.request("POST", DEALS, body, AGENT, [("Expect", "100-continue")])
    head, body = request.split(b"\r\n\r\n")
    connection.send(head + b"\r\n\r\n")
    assert connection.answer().status == 100
    connection.send(body[:-10])
    return body[-10:]


def logged_until(server, text):
    """Waits until the log says something."""
    waiting = threading.Event()
    for _ in range(PATIENCE_S * 100):
        if text in server.logged():
            return
        waiting.wait(0.01)
    raise AssertionError(f"the log never says {text!r}: {server.logged()}")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_flight_are_answered(place, by):
    with Server(place) as server:
        with wire.Connection(server.address) as connection, wire.Connection(server.address) as idle:
            idle.send(wire.request("GET", DEALS, key=AGENT))
            assert idle.answer().status == 200
            rest = begin_a_proposal(connection)
            server.process.send_signal(by)
            logged_until(server, "Stopping on")
            assert idle.ended()
            with pytest.raises(ConnectionError):
                wire.ask(server, "GET", DEALS, key=AGENT)
            connection.send(rest)
            answer = connection.answer()
            assert answer.status == 200
        assert server.wait() == 0
    with Server(place) as server:
        assert wire.ask(server, "GET", f"{DEALS}/{answer.json['id']}", key=AGENT).json == answer.json


def test_who_never_ends_does_not_hold_the_server(folder):
    for options, signals in ((["--shutdown-seconds", "1"], 1), (["--shutdown-seconds", "3600"], 2)):
        with Server(folder, *options) as server, wire.Connection(server.address) as connection:
            begin_a_proposal(connection)
            server.process.send_signal(signal.SIGTERM)
            logged_until(server, "Stopping on SIGTERM")
            if signals == 2:
                server.process.send_signal(signal.SIGINT)
            assert server.wait() == 0
            assert connection.ended()


# Several servers.


@pytest.mark.parametrize("demo", [True, False])
def test_two_servers_that_start_at_once_migrate_once(demo):
    for _ in range(3):
        place = Place("postgresql")
        with contextlib.ExitStack() as stack:
            # All processes are there before the first is waited for.
            started = [Server(place, demo=demo) for _ in range(3)]
            servers = [stack.enter_context(server) for server in started]
            versions = sql("select version from refinery_schema_history order by version", place.name).split()
            assert versions and len(set(versions)) == len(versions)
            for server in servers:
                assert wire.ask(server, "GET", DEALS).status == 401
            if demo:
                body = {"event": EVENTS[1], "subj": ORGANIZATOR, "term": {"org": 80}}
                deal = wire.ask(servers[0], "POST", DEALS, body, AGENT).json
                for server in servers:
                    assert wire.ask(server, "GET", f"{DEALS}/{deal['id']}", key=ORGANIZER).json == deal
                    assert len(wire.ask(server, "GET", PARTNERS, key=AGENT).json) == PARTNERS_OF_A_DEMO
        place.remove()


def test_one_key_is_one_proposal_on_two_servers():
    place = Place("postgresql")
    with Server(place) as one, Server(place) as other:
        body = {"event": EVENTS[1], "subj": NANOBILET, "term": {"org": 80}}
        for number in range(5):
            headers = [("Idempotency-Key", f"round {number}")]
            answers = {}
            threads = [
                threading.Thread(target=lambda at=at, server=server: answers.__setitem__(
                    at, wire.ask(server, "POST", DEALS, body, ORGANIZER, headers)))
                for at, server in enumerate([one, other] * 3)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            made = {answer.json["id"] for answer in answers.values() if answer.status == 200}
            assert len(made) == 1 and {answer.status for answer in answers.values()} <= {200, 409}
            withdrawn = wire.ask(other, "PATCH", f"{DEALS}/{made.pop()}", {"status": "canceled"}, ORGANIZER)
            assert withdrawn.status == 200
        assert len(wire.ask(one, "GET", f"{DEALS}?event={EVENTS[1]}&status=all", key=OPERATOR).json) == 5
    place.remove()


# Crashes.


class Trader(threading.Thread):
    """Proposes deals for an event and withdraws them, one request after the other, until the server is gone."""

    def __init__(self, server, event):
        super().__init__()
        self.server, self.event = server, event
        self.answered = {}
        self.pending = None

    def run(self):
        with contextlib.suppress(ConnectionError), wire.Connection(self.server.address) as connection:
            while True:
                message, key = str(uuid.uuid4()), str(uuid.uuid4())
                body = {"event": self.event, "subj": NANOBILET, "term": {"org": 80}, "message": message}
                self.pending = body, key
                connection.send(propose(body, key))
                deal = self.note(connection.answer())
                self.withdrawing = deal["id"]
                self.pending = None
                connection.send(wire.request("PATCH", f"{DEALS}/{deal['id']}", {"status": "canceled"}, ORGANIZER))
                self.note(connection.answer())

    def note(self, answer):
        assert answer.status == 200, answer
        self.answered[answer.json["id"]] = answer.json
        return answer.json


def propose(body, key):
    return wire.request("POST", DEALS, body, ORGANIZER, [("Idempotency-Key", key)])


def test_what_was_answered_survives_a_crash_and_what_is_repeated_happens_once(place):
    rounds = 20 if place.engine == "sqlite" else 6
    chance = random.Random(20140818)
    answered, crashed_within = {}, 0
    for _ in range(rounds):
        with Server(place) as server:
            traders = [Trader(server, event) for event in EVENTS]
            for trader in traders:
                trader.start()
            threading.Event().wait(chance.uniform(0.02, 0.3))
            server.kill()
            for trader in traders:
                trader.join()
        with Server(place) as server:
            for trader in traders:
                answered |= trader.answered
                if trader.pending:
                    crashed_within += 1
                    body, key = trader.pending
                    with wire.Connection(server.address) as connection:
                        for _ in range(2):
                            connection.send(propose(body, key))
                            repeated = connection.answer()
                            assert repeated.status == 200, repeated
                    answered[repeated.json["id"]] = repeated.json
                    set_status(server, repeated.json["id"], "canceled", answered)
                elif trader.answered:
                    # It crashed while the last one was withdrawn: that happened, or did not.
                    set_status(server, trader.withdrawing, "canceled", answered)
            listed = wire.ask(server, "GET", f"{DEALS}?status=all&partner={ORGANIZATOR}", key=OPERATOR).json
            kept = {deal["id"]: deal for deal in listed}
            kept.pop(DEAL)
            assert kept == answered
            messages = [deal["message"] for deal in kept.values()]
            assert len(set(messages)) == len(messages)
            assert server.stop() == 0
    assert answered and crashed_within, "no crash has hit a write"


def set_status(server, id, status, answered):
    answer = wire.ask(server, "PATCH", f"{DEALS}/{id}", {"status": status}, ORGANIZER)
    assert answer.status == 200, answer
    answered[id] = answer.json


# Clients that are slow, or go away.


@pytest.fixture(scope="module", autouse=True)
def slow_clients():
    """Clients that begin a request and never end it. The server gets tired of them while other tests run."""
    place = Place("sqlite")
    with Server(place) as server, contextlib.ExitStack() as stack:
        half_a_head = [stack.enter_context(wire.Connection(server.address)) for _ in range(20)]
        for connection in half_a_head:
            connection.send(b"GET /v1/resources/deals HTTP/1.1\r\nHost: par")
        half_a_body = [stack.enter_context(wire.Connection(server.address)) for _ in range(20)]
        for connection in half_a_body:
            begin_a_proposal(connection)
        # They hold nobody up.
        for _ in range(20):
            body = {"event": EVENTS[2], "subj": NANOBILET, "term": {"org": 80}}
            deal = wire.ask(server, "POST", DEALS, body, ORGANIZER).json
            withdrawn = wire.ask(server, "PATCH", f"{DEALS}/{deal['id']}", {"status": "canceled"}, ORGANIZER)
            assert withdrawn.status == 200
        yield server, half_a_head, half_a_body
    place.remove()


@pytest.fixture(scope="module", autouse=True)
def silent_clients():
    """Clients that do not even say which HTTP they speak: some of them nothing at all, some by halves."""
    place = Place("sqlite")
    cert, key = make_certificate(place.folder)
    trust = ssl.create_default_context(cafile=cert)
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(Server(place))
        other = Place("sqlite")
        over_tls = stack.enter_context(Server(other, "--tls-cert", cert, "--tls-key", key))
        silent = {"without a handshake": stack.enter_context(wire.Connection(over_tls.address))}
        for server, tls in ((plain, None), (over_tls, trust)):
            for said in (b"", b"P", b"PRI * HT"):
                connection = stack.enter_context(wire.Connection(server.address, tls))
                connection.send(said)
                silent[said, bool(tls)] = connection
        yield silent
    place.remove()
    other.remove()


PARTNERS_OF_A_LONG_LIST = 1_100


def test_a_client_that_goes_away_in_the_middle_of_a_list_disturbs_nobody(new_demo):
    # More in all than the buffers of a connection take.
    long = "Dear friends! " * 700
    with wire.Connection(new_demo.address) as connection:
        for number in range(PARTNERS_OF_A_LONG_LIST):
            connection.send(wire.request("POST", PARTNERS, {"name": f"Cassa {number}", "desc": long}, OPERATOR))
            assert connection.answer().status == 201
    request = wire.request("GET", PARTNERS, key=AGENT)
    gone, slow = [], []
    for _ in range(10):
        with wire.Connection(new_demo.address) as connection:
            connection.send(request)
            gone.append(connection.stream.read(10_000))
    for _ in range(10):
        connection = wire.Connection(new_demo.address)
        connection.send(request)
        slow.append(connection)
    # While ten clients do not read on, others write and read.
    for _ in range(10):
        body = {"event": EVENTS[1], "subj": NANOBILET, "term": {"org": 80}}
        deal = wire.ask(new_demo, "POST", DEALS, body, ORGANIZER).json
        withdrawn = wire.ask(new_demo, "PATCH", f"{DEALS}/{deal['id']}", {"status": "canceled"}, ORGANIZER)
        assert withdrawn.status == 200
    for connection in slow[:2]:
        assert len(connection.answer().json) == PARTNERS_OF_A_LONG_LIST + PARTNERS_OF_A_DEMO
    for connection in slow:
        connection.close()
    assert len(wire.ask(new_demo, "GET", f"{PARTNERS}?fields-schema=id", key=AGENT).json) == PARTNERS_OF_A_LONG_LIST + PARTNERS_OF_A_DEMO
    assert '"ERROR"' not in new_demo.logged()


# Logs.


@pytest.mark.parametrize("format", ["json", "human"])
def test_no_log_holds_a_secret(place, format):
    password, new_password = confidential("hidden-password-1"), confidential("hidden-password-2")
    with Server(place, "--log", "trace", "--log-format", format) as server:
        ask = lambda *request, **more: wire.ask(server, *request, **more)
        ask("POST", "/v1/resources/users", {"email": "new@example.org", "password": password})
        ask("POST", "/v1/resources/users", {"email": "new@example.org", "password": password, "first_name": 5})
        ask("POST", "/v1/services/whoami", {"email": "new@example.org", "password": new_password})
        ask("POST", "/v1/services/whoami", f'{{"email": "new@example.org", "password": "{password}"')
        signed_in = ask("POST", "/v1/services/whoami", {"email": "new@example.org", "password": password})
        cookie = signed_in.headers["set-cookie"].split(";")[0]
        confidential(cookie.removeprefix("auth_tkt="))
        session = [("Cookie", cookie)]
        user = ask("GET", "/v1/services/whoami", headers=session).json
        changed = ask("PATCH", f"/v1/resources/users/{user['id']}", {"password": new_password}, headers=session)
        assert changed.status == 200
        keys = f"{PARTNERS}/{ORGANIZATOR}/api_keys"
        made = ask("POST", keys, {"name": "new"}, OPERATOR, [("Idempotency-Key", "make a key")]).json
        confidential(made["key"])
        assert ask("GET", keys, key=OPERATOR).json[-1]["key"] == made["key"]
        assert ask("GET", DEALS, key=made["key"]).status == 200
        # A secret in the wrong place.
        for parameter in ("key", "ids", "fields-schema"):
            ask("GET", f"{DEALS}?{parameter}={made['key']}", key=AGENT)
        ask("GET", DEALS, headers=[("Authorization", f"Bearer {made['key']}")])
        ask("GET", DEALS, headers=[("Authorization", f"key{made['key']}")])
        ask("GET", DEALS, key=AGENT, headers=[("X-Partner", made["key"])])
        ask("POST", DEALS, {"event": made["key"], made["key"]: 1}, AGENT)
        for path in (
            f"/{made['key']}", f"{PARTNERS}/{made['key']}", f"{PARTNERS}/{made['key']}/", f"{keys}/{made['key']}",
            f"/v2/resources/{made['key']}/orders", f"/v1/resources/partners{made['key']}", f"/%20{made['key']}%20",
        ):
            assert ask("GET", path, key=AGENT).status in (403, 404)
        # The address of a file is all that protects it.
        ask("GET", f"/media/{ORGANIZATOR}/{confidential(secrets.token_hex(16))}.png")
        assert ask("DELETE", f"{keys}/{made['id']}", key=OPERATOR).json == {}
        assert ask("DELETE", "/v1/services/whoami", headers=session).json == {}
        # The log of every server is searched when it stops.
        assert server.stop() == 0
        assert "whoami" in server.logged()


def test_each_request_is_found_in_the_log_by_its_number(folder):
    with Server(folder) as server:
        answers = [wire.ask(server, "GET", path, key=AGENT) for path in (DEALS, f"{DEALS}/{DEAL}", "/nowhere")]
        server.stop()
        lines = [json.loads(line) for line in server.logged().splitlines()]
    for answer in answers:
        [line] = [line for line in lines if line.get("request_id") == answer.headers["x-request-id"]]
        assert line["status"] == answer.status
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_the_log_shows_of_a_path_the_words_of_the_api_and_ids(folder):
    shown = {
        f"{DEALS}/{DEAL}/": f"{DEALS}/{DEAL}/",
        f"{PARTNERS}/{NANOBILET}/api_keys?key=x": f"{PARTNERS}/{NANOBILET}/api_keys",
        "/openapi.json": "/openapi.json",
        "/": "/",
        f"{PARTNERS}/my-own-key": f"{PARTNERS}/…",
        "/nowhere/at/partners": "/…/…/partners",
        "/v1/resources/%70artners": "/v1/resources/…",
        f"/media/{DEAL}/0123456789abcdef0123456789abcdef.png": f"/media/{DEAL}/…",
    }
    with Server(folder) as server:
        numbers = {wire.ask(server, "GET", path).headers["x-request-id"]: path for path in shown}
        server.stop()
        lines = [json.loads(line) for line in server.logged().splitlines()]
    logged = {numbers[line["request_id"]]: line["path"] for line in lines if "request_id" in line}
    assert logged == shown


def test_the_log_says_once_that_there_is_no_place_for_connections(folder):
    few = ["sh", "-c", 'ulimit -n 128; exec "$@"', "sh"]
    with Server(folder, prefix=few) as server:
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(wire.Connection(server.address))
            logged_until(server, "cannot be accepted")
            # It is tried again and again meanwhile.
            threading.Event().wait(1)
        assert wire.ask(server, "GET", DEALS, key=AGENT).status == 200
        [line] = [line for line in map(json.loads, server.logged().splitlines()) if "cannot be" in line["message"]]
        assert line["level"] == "WARN" and "Too many open files" in line["message"]


# Commands.


def create(*arguments, place, stdin=""):
    done = run(*arguments, place=place, stdin=stdin)
    assert done.returncode == 0, done
    return done.stdout.strip()


def test_what_the_operator_creates_beside_a_running_server_works_at_once(place):
    password = confidential("operators-own-password")
    with Server(place, demo=False) as server:
        email = "box@example.org"
        user = create("user", "create", "--email", email, "--first-name", "Анна", place=place, stdin=password)
        partner = create("partner", "create", "--name", "Касса", "--role=org,core", "--owner", email, place=place)
        key = confidential(create("key", "create", "--partner", partner, "--name", "first", place=place))

        [shown] = wire.ask(server, "GET", PARTNERS, key=key).json
        assert (shown["id"], shown["name"], shown["roles"]) == (partner, "Касса", ["org", "core"])
        assert (shown["user"]["id"], shown["user"]["first_name"]) == (user, "Анна")
        signed_in = wire.ask(server, "POST", "/v1/services/whoami", {"email": email, "password": password})
        assert (signed_in.status, signed_in.json["partners"]) == (200, [partner])
        confidential(signed_in.headers["set-cookie"].split(";")[0].removeprefix("auth_tkt="))
        agent = wire.ask(server, "POST", PARTNERS, {"name": "Agent", "roles": ["agent"]}, key)
        assert agent.status == 201


def test_who_forgot_a_password_gets_another_one_from_the_operator(place):
    old, new = confidential("the-password-they-forgot"), confidential("the-password-they-get")
    with Server(place, demo=False) as server:
        email = "forgetful@example.org"
        user = create("user", "create", "--email", email, place=place, stdin=old)

        def sign_in(password):
            return wire.ask(server, "POST", "/v1/services/whoami", {"email": email, "password": password})

        session = confidential(sign_in(old).headers["set-cookie"].split(";")[0].removeprefix("auth_tkt="))
        assert create("user", "password", "--email", email.upper(), place=place, stdin=new) == user
        assert sign_in(old).status == 401
        assert sign_in(new).status == 200
        as_before = wire.ask(server, "GET", "/v1/services/whoami", headers=[("Cookie", f"auth_tkt={session}")])
        assert as_before.status == 401, "the session outlived the password"


def on_a_terminal(*arguments, place, typed):
    """Runs a command on a terminal of its own and types a line at each of its questions; its exit code, and all that the
    terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            os.execve(BINARY, [BINARY, *arguments, *place.options], environment(**place.environment))
        os._exit(127)
    shown = b""
    deadline = time.monotonic() + PATIENCE_S
    with contextlib.suppress(OSError):  # what Linux reads from a terminal that nobody has open any more
        while read := os.read(terminal, 4096):
            shown += read
            if shown.endswith(b": ") and typed:
                # The program asks first, and keeps the terminal from showing the answer then.
                while termios.tcgetattr(terminal)[3] & termios.ECHO:
                    assert time.monotonic() < deadline, shown
                    time.sleep(0.01)
                os.write(terminal, typed.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_a_terminal_asks_twice_for_a_password_and_never_shows_it(place):
    start_once(place)
    create_user = ["user", "create", "--email", "box@example.org"]
    differing = on_a_terminal(*create_user, place=place, typed=["typed-password-1", "typed-password-2"])
    assert differing[0] == 1 and "differ" in differing[1], differing
    code, shown = on_a_terminal(*create_user, place=place, typed=["typed-password-1"] * 2)
    assert code == 0 and re.search(r"^[0-9a-f]{24}\s*$", shown, re.MULTILINE), shown
    for shown in differing[1], shown:
        assert shown.count(": ") >= 2 and "typed-password" not in shown


def test_what_the_operator_cannot_create_is_explained(place):
    nobody = run("user", "password", "--email", "box@example.org", place=place, stdin="long enough\n")
    assert nobody.returncode == 1 and "no users yet" in nobody.stderr, nobody
    start_once(place)
    user = ["user", "create", "--email", "box@example.org"]
    create(*user, place=place, stdin="long enough\n")
    for arguments, stdin, says in [
        (user, "long enough\n", "another user has this address"),
        ([*user[:-1], "other@example.org"], "short\n", "at least 8 characters"),
        ([*user[:-1], "other@example.org"], "", "at least 8 characters"),
        (["user", "password", "--email", "other@example.org"], "long enough\n", "no user has this address"),
        (["user", "password", "--email", "box@example.org"], "short\n", "at least 8 characters"),
        (["partner", "create", "--name", "X", "--role=org", "--owner", "x@example.org"], "", "create the user first"),
        (["key", "create", "--partner", DEAL], "", "partner"),
    ]:
        done = run(*arguments, place=place, stdin=stdin)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.startswith("parterre: ") and done.stderr.count("\n") == 1 and says in done.stderr, done


def test_migrate_creates_the_database_and_then_has_nothing_to_do(place):
    assert "was created" in create("migrate", place=place)
    assert "already" in create("migrate", place=place)
    start_once(place)


def test_doctor_says_whether_all_is_well(place):
    new = run("doctor", place=place)
    if place.engine == "sqlite":
        assert re.search(r"^  ok       engine: SQLite 3\.", new.stdout, re.MULTILINE), new
        assert re.search(r"^  ok       clock: 20", new.stdout, re.MULTILINE), new
    assert new.returncode == 0 and "problem" not in new.stdout, new
    start_once(place)
    well = run("doctor", place=place)
    assert well.returncode == 0 and "problem" not in well.stdout, well
    with Server(place, demo=False):
        assert run("doctor", place=place).returncode == 0
    ill = run("doctor", place=place, env={"PARTERRE_SECRET": confidential(secrets.token_hex(32))})
    assert ill.returncode == 1 and "made with another secret" in ill.stdout, ill
    if place.engine == "sqlite":
        place.data.chmod(0o755)
        open_to_others = run("doctor", place=place)
        assert open_to_others.returncode == 1 and "chmod 700" in open_to_others.stdout, open_to_others
    for told in (new, well, ill):
        assert not [word for word in place.environment.values() if word in told.stdout]


def corrupt(place, statement):
    """Changes rows of a demo behind the program's back."""
    if place.engine == "sqlite":
        with place.sqlite() as database:
            database.execute(statement)
    else:
        sql(statement, place.name)


# What is changed, how it is changed back, and what the proof says of it.
CORRUPTIONS = [
    (
        "update entries set amount = amount + 1 where id = (select id from entries where cause = 'sale' order by id limit 1)",
        "update entries set amount = amount - 1 where id = (select id from entries where cause = 'sale' order by id limit 1)",
        [r"order ID: its entries sum to 1 minor units, not to 0",
         r"order ID: the entries of its sale are .*, and should be .*"],
    ),
    (
        "update set_counters set taken = taken + 1 where taken ="
        " (select max(taken) from set_counters) and set_id = (select set_id from set_counters order by taken desc, set_id limit 1)",
        "update set_counters set taken = taken - 1 where taken ="
        " (select max(taken) from set_counters) and set_id = (select set_id from set_counters order by taken desc, set_id limit 1)",
        [r"set ID: counts [0-9]+ tickets as taken, and [0-9]+ are"],
    ),
    (
        "update entries set payout_id = order_id, cause = 'payout', order_id = null where cause = 'sale' and kind = 'agent'",
        "update entries set order_id = payout_id, cause = 'sale', payout_id = null where cause = 'payout' and kind = 'agent'",
        [r"order ID: its entries sum to -[0-9]+ minor units, not to 0",
         r"order ID: the entries of its sale are .*, and should be .*",
         r"entry ID: is of the payout ID, which does not exist"],
    ),
]


def test_doctor_proves_the_ledger(place):
    nothing = run("doctor", "--demo", "--ledger", place=place)
    assert nothing.returncode == 0 and "there is no database yet" in nothing.stdout, nothing
    looked_at = ["orders", "tickets", "sets", "promocodes", "payments", "returns", "entries", "payouts"]

    def proof():
        done = run("doctor", "--demo", "--ledger", place=place)
        told = done.stdout.split("\nledger\n")[1].splitlines()
        problems = [line.removeprefix("  problem  ") for line in told if line.startswith("  problem  ")]
        ends = [line for line in told if not line.startswith("  problem  ")]
        found = [re.fullmatch(r"  done     ([a-z]+): ([0-9]+) looked at", end) for end in ends]
        assert [end[1] for end in found] == looked_at, ends
        return done.returncode, problems, {end[1]: int(end[2]) for end in found}

    with Server(place) as server:
        payout = {"from": NANOBILET, "to": PLATFORM, "amount": "30.00"}
        assert wire.ask(server, "POST", "/v1/resources/payouts", payout, OPERATOR).status == 201
        code, problems, counts = proof()
        assert (code, problems) == (0, []), "beside a server"
    assert all(counts[kind] > 0 for kind in looked_at if kind not in ("payments", "returns")), counts
    for statement, back, says in CORRUPTIONS:
        corrupt(place, statement)
        code, problems, again = proof()
        assert (code, again) == (1, counts)
        said = [re.sub(r"\b[0-9a-f]{24}\b", "ID", problem) for problem in problems]
        assert said and all(any(re.fullmatch(one, line) for one in says) for line in said), problems
        assert all(any(re.fullmatch(one, line) for line in said) for one in says), problems
        corrupt(place, back)
        assert proof() == (0, [], counts)


def test_doctor_shows_no_password_of_the_database():
    place = Place("postgresql")
    password = confidential("another-password-of-the-database")
    elsewhere(place, f"postgres://parterre:{password}@127.0.0.1:1/parterre")
    ill = run("doctor", place=place)
    assert ill.returncode == 1 and "PostgreSQL cannot be reached" in ill.stdout, ill
    assert password not in ill.stdout and place.secret not in ill.stdout
    place.remove()


def test_the_printed_document_is_the_served_one(folder):
    with Server(folder) as server:
        assert json.loads(run("openapi").stdout) == wire.ask(server, "GET", "/openapi.json").json


def test_a_flag_counts_more_than_the_environment_and_that_more_than_the_file(folder):
    config = folder.folder / "parterre.toml"
    config.write_text('session-days = 1\ncurrency = "JPY"\ntimezone = "Asia/Tokyo"\ncore = "7%"\n')
    env = {"PARTERRE_CONFIG": str(config), "PARTERRE_SESSION_DAYS": "2", "PARTERRE_CURRENCY": "EUR"}
    done = run("doctor", "--session-days", "3", place=folder, env=env)
    assert done.returncode == 0
    shown = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert shown["session-days"][:2] == ["3", "--session-days"]
    assert shown["currency"][:2] == ["EUR", "PARTERRE_CURRENCY"]
    assert shown["timezone"][:2] == ["Asia/Tokyo", "timezone"]
    assert shown["shutdown-seconds"][:2] == ["30", "default"]

    with Server(folder, "--session-days", "3", env=env) as server:
        signed_in = wire.ask(server, "POST", "/v1/services/whoami", {"email": "org@tc.ru", "password": PASSWORD})
        confidential(signed_in.headers["set-cookie"].split(";")[0].removeprefix("auth_tkt="))
        assert f"Max-Age={3 * 24 * 3600}" in signed_in.headers["set-cookie"]
        lifetime = "BEGIN:VEVENT\r\nDTSTART:20400124T160000Z\r\nDTEND:20400124T173000Z\r\nEND:VEVENT\r\n"
        event = {"title": {"text": "Concert"}, "lifetime": lifetime}
        made = wire.ask(server, "POST", "/v1/resources/events", event, ORGANIZER).json
        assert (made["currency"], made["timezone"]) == ("EUR", "Asia/Tokyo")


# TLS.


def make_certificate(folder):
    """A certificate for this machine that nobody has signed, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    what = ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make, *what, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


@pytest.fixture
def certificate(folder):
    return make_certificate(folder.folder)


def test_the_api_is_served_over_tls(folder, certificate):
    cert, key = certificate
    trust = ssl.create_default_context(cafile=cert)
    with Server(folder, "--tls-cert", cert, "--tls-key", key) as server:
        assert server.url.startswith("https://")
        ask = lambda *request: wire.ask_over_tls(server, trust, *request)
        assert [deal["id"] for deal in ask("GET", DEALS, b"", ORGANIZER).json] == [DEAL]
        cookie = ask("POST", "/v1/services/whoami", {"email": "org@tc.ru", "password": PASSWORD}).headers["set-cookie"]
        confidential(cookie.split(";")[0].removeprefix("auth_tkt="))
        assert "Secure" in cookie
        with pytest.raises(ConnectionError):
            wire.ask(server, "GET", DEALS, key=AGENT)
        with pytest.raises(ssl.SSLCertVerificationError):
            wire.ask_over_tls(server, ssl.create_default_context(), "GET", DEALS, b"", AGENT)


def test_files_that_are_of_no_use_for_tls_stop_the_start(folder, certificate):
    cert, key = certificate
    other = folder.folder / "other.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", other], check=True, capture_output=True)
    letter = folder.folder / "letter.pem"
    letter.write_text("Dear Parterre")
    for options, says in [
        (["--tls-cert", cert], "--tls-key"),
        (["--tls-key", key], "--tls-cert"),
        (["--tls-cert", folder.folder / "none.pem", "--tls-key", key], "none.pem"),
        (["--tls-cert", letter, "--tls-key", key], "letter.pem"),
        (["--tls-cert", cert, "--tls-key", letter], "letter.pem"),
        (["--tls-cert", cert, "--tls-key", other], "cert.pem"),
    ]:
        does_not_start(*options, place=folder, says=says)


# Last, for they wait.


def test_who_asks_while_postgresql_is_frozen_is_told_so():
    with Cluster() as cluster:
        place = Place("postgresql", cluster)
        with Server(place) as server:
            # So that some of them wait on a connection, and some for one.
            assert wire.ask(server, "GET", DEALS, key=AGENT).status == 200
            cluster.freeze()
            began = time.monotonic()
            answers = []
            proposal = {"event": EVENTS[1], "subj": ORGANIZATOR, "term": {"org": 80}}
            # More than there are threads of the store.
            askers = [
                threading.Thread(target=lambda request=request: answers.append(wire.ask(server, *request)))
                for request in [("GET", DEALS, b"", AGENT), ("POST", DEALS, proposal, AGENT)] * 100
            ]
            for asker in askers:
                asker.start()
            has_a_problem("--demo", place=place, says="PostgreSQL cannot be reached (it says nothing")
            for asker in askers:
                asker.join()
            assert time.monotonic() - began < PATIENCE_S
            assert [answer.status for answer in answers] == [503] * len(askers)
            cluster.thaw()
            assert wire.ask(server, "POST", DEALS, proposal, AGENT).status == 200
        place.remove()


def test_slow_clients_are_let_go(slow_clients, silent_clients):
    server, half_a_head, half_a_body = slow_clients
    for said, connection in silent_clients.items():
        assert connection.ended(), said
    for connection in half_a_head:
        with contextlib.suppress(ConnectionError):
            assert connection.answer().status in (400, 408)
        assert connection.ended()
    for connection in half_a_body:
        answer = connection.answer()
        assert answer.status in (400, 408) and answer.json["errors"][0]["msg"], answer
    # Nothing of what was begun has happened.
    assert wire.ask(server, "GET", f"{DEALS}?event={EVENTS[1]}&status=all", key=OPERATOR).json == []
