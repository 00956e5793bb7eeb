"""The program as its operator has it: a process with options, a folder or a database, and a log."""

import contextlib
import os
import pathlib
import queue
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "debug" / "parterre"

NANOBILET = "535fb19bdca6a9d1638f2007"
ORGANIZATOR = "5357b929f51600525c9e1396"
PLATFORM = "5368b4009583cb96a0357600"
DEAL = "535fb1f1dca6a9d1638f2008"
EVENTS = [
    "5357baaff51600525c9e1397",
    "5368b3cc9583cb96a035758e",
    "5368b3d39583cb96a035758f",
    "5368b3d49583cb96a0357590",
]
KEYS = {NANOBILET: "my-very-secret-key", ORGANIZATOR: "organizer-demo-key", PLATFORM: "platform-demo-key"}
PASSWORD = "demo-password"

# Nothing of this may ever be in a log. Tests add the keys, passwords and cookies they come by.
CONFIDENTIAL = {*KEYS.values(), PASSWORD}

# A slow machine is no defect: only what never comes fails.
PATIENCE_S = 120


def confidential(text):
    """Notes something that no log of this run may hold."""
    CONFIDENTIAL.add(text)
    return text


def leaks(text):
    """What a text gives away."""
    return sorted(word for word in CONFIDENTIAL if word in text)


class Place:
    """Where a server keeps its data: a folder, and for PostgreSQL a database of its own."""

    def __init__(self, engine, cluster=None):
        self.engine, self.cluster = engine, cluster
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="parterre-outside-"))
        self.data = self.folder / "data"
        self.environment = {}
        if engine == "postgresql":
            self.name = f"outside_{secrets.token_hex(8)}"
            self.url = create_database(self.name, cluster)
            self.secret = confidential(secrets.token_hex(32))
            self.environment["PARTERRE_SECRET"] = self.secret

    @property
    def options(self):
        options = ["--data", self.data]
        return options if self.engine == "sqlite" else [*options, "--database", self.url]

    @contextlib.contextmanager
    def sqlite(self):
        """The database of a demo on SQLite, to write to it beside the server."""
        with contextlib.closing(sqlite3.connect(self.data / "demo.db", timeout=PATIENCE_S)) as database, database:
            yield database

    def remove(self):
        if self.engine == "postgresql":
            sql(f"drop database {self.name} with (force)", cluster=self.cluster)
        shutil.rmtree(self.folder, ignore_errors=True)


def postgres():
    """The address of the PostgreSQL server of this run."""
    address = os.environ.get("PARTERRE_TEST_POSTGRES")
    assert address, "there is no PostgreSQL: run `tests/with-postgres python -m pytest tests/outside`"
    return address


def create_database(name, cluster=None):
    sql(f"create database {name}", cluster=cluster)
    return address_of(name, cluster)


def address_of(database, cluster=None):
    """The address of a database, on the server of this run or on a cluster of a test's own."""
    server = cluster.address if cluster else postgres()
    return re.sub(r"^(postgres(?:ql)?://[^/]*/)[^?]*", rf"\g<1>{database}", server)


def sql(statement, database="postgres", cluster=None):
    """Runs a statement by PostgreSQL's own client and returns what it prints."""
    address = address_of(database, cluster)
    command = ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", address, "-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Cluster:
    """A PostgreSQL of one test, which syncs its disk as one in use does, and may crash."""

    def __init__(self):
        # Debian keeps the programs out of PATH; the newest version wins.
        found = pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres")
        newest = max(found, key=lambda path: float(path.parts[-3]), default=shutil.which("postgres"))
        assert newest, "PostgreSQL's own programs are not here"
        self.programs = pathlib.Path(newest).parent
        # A socket's path has at most 107 bytes, and PostgreSQL's own user has to be able to enter it.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="parterre-pg-", dir="/tmp"))
        self.folder.chmod(0o711)
        # It refuses to run as root.
        self.owner = []
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            self.owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self.address = f"postgres:///postgres?host={self.folder}&user=postgres"
        initdb = [self.programs / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*self.owner, *initdb], check=True, capture_output=True, cwd="/")

    @property
    def data(self):
        return self.folder / "data"

    def start(self):
        """Starts it, and waits until it has recovered from a crash."""
        settings = {
            "listen_addresses": "", "unix_socket_directories": self.folder, "max_connections": 50,
            "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        asks = [self.programs / "pg_isready", "-q", "-h", self.folder, "-U", "postgres"]
        waiting = threading.Event()
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with open(self.folder / "log", "ab") as log:
                self.process = subprocess.Popen(
                    [*self.owner, self.programs / "postgres", "-D", self.data, *options],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                )
            Server.processes.append(self.process)
            while self.process.poll() is None and time.monotonic() < deadline:
                if subprocess.run(asks).returncode == 0:
                    return self
                waiting.wait(0.05)
            # Those who served the connections of the one that was killed are not all gone yet.
            waiting.wait(0.1)
        raise AssertionError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")

    def kill(self):
        """Ends it as a crash does."""
        self.process.kill()
        self.process.wait()

    def freeze(self):
        """Stops all its processes where they are: the system goes on taking what they are sent."""
        self.process.send_signal(signal.SIGSTOP)
        # From then on it makes no others.
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        self._signal_children(signal.SIGSTOP)

    def thaw(self):
        self._signal_children(signal.SIGCONT)
        self.process.send_signal(signal.SIGCONT)

    def _signal_children(self, number):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for child in children.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), number)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.thaw()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=PATIENCE_S)
        shutil.rmtree(self.folder, ignore_errors=True)


def environment(**more):
    """The environment of this process without options of Parterre."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PARTERRE_")}
    return own | more


def run(*arguments, place=None, env=None, stdin="", prefix=()):
    """Runs a command to its end. Nothing confidential may be on its standard error."""
    options = place.options if place else []
    env = environment(**(place.environment if place else {}) | (env or {}))
    done = subprocess.run(
        [*prefix, BINARY, *arguments, *options],
        input=stdin, capture_output=True, text=True, env=env, timeout=PATIENCE_S,
    )
    assert not leaks(done.stderr), f"standard error gives away {leaks(done.stderr)}"
    return done


class Server:
    """A running server."""

    # Whatever a test has left running is ended with the run.
    processes = []

    # So high that no test meets them by chance.
    UNLIMITED = [
        "--sign-in-per-minute", "1000000",
        "--sign-in-per-account", "1000000",
        "--registrations-per-hour", "1000000", "--exports-per-hour", "1000000",
    ]

    def __init__(self, place, *options, demo=True, env=None, prefix=()):
        self.place = place
        self.said = []
        self.lines = queue.Queue()
        arguments = ["serve", "--listen", "127.0.0.1:0", *self.UNLIMITED, *place.options]
        if demo:
            arguments.append("--demo")
        self.log = open(place.folder / f"log-{secrets.token_hex(4)}", "w+b")
        self.process = subprocess.Popen(
            [*prefix, BINARY, *arguments, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=environment(**place.environment | (env or {})),
        )
        self.processes.append(self.process)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self.said.append(line)
            self.lines.put(line)
        self.lines.put(None)

    def ready(self):
        """Waits until it listens."""
        while line := self.lines.get(timeout=PATIENCE_S):
            found = re.fullmatch(r"listening on ((https?)://([0-9.]+):([0-9]+))\n", line)
            if found:
                self.url, self.host, self.port = found[1], found[3], int(found[4])
                return self
        raise AssertionError(f"the server did not start: {self.logged()}")

    @property
    def address(self):
        return self.host, self.port

    def logged(self):
        with open(self.log.name, encoding="utf-8") as log:
            return log.read()

    def wait(self):
        """Waits for the end of the process, checks the log, and returns the exit code."""
        try:
            code = self.process.wait(timeout=PATIENCE_S)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        logged = self.logged()
        assert not leaks(logged), f"the log gives away {leaks(logged)}"
        assert "panic" not in logged, logged
        return code

    def stop(self, by=signal.SIGTERM):
        """Asks the process to stop and waits until it has."""
        self.process.send_signal(by)
        return self.wait()

    def kill(self):
        """Ends the process as a crash does."""
        self.process.kill()
        self.wait()

    def __enter__(self):
        return self.ready()

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            code = self.stop()
            assert code == 0 or error, f"the server stopped with {code}: {self.logged()}"
