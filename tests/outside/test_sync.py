"""That on SQLite a change is on the disk before it is answered, as the system's calls tell."""

import concurrent.futures
import dataclasses
import re

import pytest

from parterre import EVENTS, NANOBILET, Server
from selling import AGENT, DEALS, ORDERS, ORGANIZER, Caller, Event, ok

# Read and written bytes begin with what is looked for; the names of the calls that SQLite and the server may use.
STRACE = ["strace", "--daemonize=grandchild", "--follow-forks", "--decode-fds=path", "--string-limit=32"]
CALLS = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync_file_range"

CALL = re.compile(r"(?P<thread>\d+) +(?P<call>\w+)\((?P<rest>.*)")
RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)")
FILE = re.compile(r"(?P<number>\d+)<(?P<path>[^>]*)>")

READS, WRITES = ("read", "readv", "recvfrom", "recvmsg"), ("write", "writev", "sendto", "sendmsg")
LOG_WRITES, SYNCS = (*WRITES, "pwrite64", "pwritev", "pwritev2"), ("fsync", "fdatasync")


@dataclasses.dataclass
class Request:
    """What is known of a change that was asked for and is not answered yet."""

    written: bool = False
    synced: bool = False


class Witness:
    """Follows a trace and notes each answer to a change that was sent before its change was synced."""

    def __init__(self):
        self.open = {}
        self.begun = {}
        self.syncing = {}
        self.answered, self.too_early = 0, []

    def read(self, lines):
        for line in lines:
            if found := RESUMED.match(line):
                self.ends(found["thread"], self.begun.pop(found["thread"], None), found["rest"])
            elif found := CALL.match(line):
                file = FILE.match(found["rest"])
                call = found["call"], file and file["number"], file["path"] if file else ""
                self.begins(found["thread"], call, found["rest"], line)
                if line.rstrip().endswith("<unfinished ...>"):
                    self.begun[found["thread"]] = call
                else:
                    self.ends(found["thread"], call, found["rest"])
        return self

    def begins(self, thread, call, rest, line):
        name, number, path = call
        if path.endswith("-wal") and name in LOG_WRITES:
            for request in self.open.values():
                request.written = True
                if len(self.open) == 1:
                    # This is a part of its change, so the sync before did not reach all of it. With more than one, it
                    # may be the change of another.
                    request.synced = False
        elif path.endswith("-wal") and name in SYNCS:
            self.syncing[thread] = [request for request in self.open.values() if request.written]
        elif name in WRITES and number in self.open and '"HTTP/1.1 20' in rest:
            self.answered += 1
            if not self.open.pop(number).synced:
                self.too_early.append(line)

    def ends(self, thread, call, rest):
        if call is None:
            return
        name, number, path = call
        if name in READS and re.search(r'"(POST|PATCH|DELETE) ', rest):
            self.open[number] = Request()
        elif path.endswith("-wal") and name in SYNCS and rest.rstrip().endswith("= 0"):
            for request in self.syncing.pop(thread, []):
                request.synced = True


def test_the_witness_sees_what_is_wrong():
    asked = '7 recvfrom(9<socket:[1]>, "POST /v1/resources/deals HTTP/1.1", 8192, 0, NULL, NULL) = 300'
    written = '8 pwrite64(5</data/parterre.db-wal>, "x", 24, 0) = 24'
    synced = "8 fdatasync(5</data/parterre.db-wal>) = 0"
    sent = '7 writev(9<socket:[1]>, [{iov_base="HTTP/1.1 200 OK\\r\\n"..., iov_len=500}], 1) = 500'
    cases = {
        (asked, written, synced, sent): 0,
        (asked, written, sent, synced): 1,
        (asked, synced, written, sent): 1,
        (asked, sent): 1,
        (written, synced, asked, sent): 1,
        (asked, written, synced, written, sent): 1,
        (asked, written, synced.replace("= 0", "= -1 EIO (Input/output error)"), sent): 1,
        (asked, written, "8 fdatasync(5</data/parterre.db-wal> <unfinished ...>", sent,
         "8 <... fdatasync resumed>) = 0"): 1,
        (asked, written, "8 fdatasync(5</data/parterre.db-wal> <unfinished ...>", "8 <... fdatasync resumed>) = 0",
         sent): 0,
    }
    for lines, early in cases.items():
        witness = Witness().read(lines)
        assert (witness.answered, len(witness.too_early)) == (1, early), lines


@pytest.mark.parametrize("clients", [1, 4])
def test_a_change_is_synced_before_it_is_answered(folder, clients):
    trace = folder.folder / "trace"
    with Server(folder, prefix=[*STRACE, f"--trace={CALLS}", f"--output={trace}"]) as server:
        on_sale = Event.on_sale(server, 10 * clients)
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            changes = sum(pool.map(lambda number: trade(server, EVENTS[number], on_sale), range(clients)))
        assert server.stop() == 0
    with open(trace, encoding="utf-8", errors="replace") as lines:
        witness = Witness().read(lines)
    assert witness.answered >= changes
    assert witness.too_early == []


def trade(server, event, on_sale):
    """Proposes deals for one event and withdraws them, and sells tickets of another; returns how many changes these were."""
    changes = 0
    with Caller(server) as caller:
        for _ in range(10):
            deal = {"event": event, "subj": NANOBILET, "term": {"org": 80}}
            changes += walk(caller, ORGANIZER, DEALS, deal, "canceled")
            order = {"event": on_sale.id, "random": {on_sale.sets[0]: 1}}
            changes += walk(caller, AGENT, ORDERS, order, "in_progress", "done")
    return changes


def walk(caller, key, path, new, *statuses):
    """Makes something and brings it through these statuses; returns how many changes these were."""
    made = ok(caller.ask("POST", path, new, key))
    for status in statuses:
        assert ok(caller.ask("PATCH", f"{path}/{made['id']}", {"status": status}, key))["status"] == status
    return 1 + len(statuses)
