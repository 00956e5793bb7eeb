"""Every command of the documents works when pasted into a terminal beside a fresh demo, and is answered as shown.

The commands run in the order of the page, by curl. An answer must have the keys and values that the page shows, all of them
and no others; `…` stands for anything. Ids that are made on the way are other ones: the page's id is put in place of the
server's in all that follows. Times and barcodes need only look like such. Where an answer is not shown, it must be one of
success.
"""

import json
import os
import re
import shlex
import shutil
import subprocess

import pytest

from parterre import PATIENCE_S, ROOT

ID = re.compile(r"\b[0-9a-f]{24}\b")
# What is another at each run, and looks alike.
ALIKE = [
    re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"),
    re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    re.compile(r"\d{20}"),
]
# The blocks of code of a page, each with its language.
BLOCKS = re.compile(r"```(\w*)\n(.*?)```\n", re.DOTALL)


def examples(document):
    """The commands of a page with the answer that it shows, or None."""
    text = (ROOT / document).read_text("utf-8")
    found, end = [], 0
    for part in BLOCKS.finditer(text):
        kind, lines = part[1], part[2].splitlines()
        between, end = text[end:part.start()], part.end()
        if kind == "json" and found and not between.strip():
            found[-1] = found[-1][0], part[2]
        elif kind == "sh":
            while lines:
                command = taken(lines)
                if not command.startswith("#"):
                    found.append((command, None))
        elif lines[0].startswith("$ "):
            while lines:
                command = taken(lines)[2:]
                answer = []
                while lines and not lines[0].startswith("$ "):
                    answer.append(lines.pop(0))
                found.append((command, "\n".join(answer).strip() or None))
    return found


def taken(lines):
    """The first command of some lines, which it takes away."""
    command = lines.pop(0)
    while lines and not whole(command):
        command += "\n" + lines.pop(0)
    return command


def whole(command):
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")


class Terminal:
    """Where somebody pastes the commands of one page."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.variables = {}
        self.ids = {}
        self.fixed = set()
        shutil.copy(ROOT / "docs" / "api-page.png", folder / "poster.png")
        (folder / ".curlrc").write_text('silent\nshow-error\nwrite-out = "\\n%{http_code}"\n')

    def pastes(self, command, shown):
        # What a page names before any answer has shown it is the same in every demo.
        self.fixed.update(id for id in ID.findall(command) if id not in self.ids)
        command = ID.sub(lambda id: self.ids.get(id[0], id[0]), command)
        command = command.replace("http://127.0.0.1:8080", self.server.url)
        if assigned := re.match(r"([A-Z_]+)=", command):
            (value,) = shlex.split(command)
            self.variables[assigned[1]] = value.partition("=")[2]
            return
        assert command.startswith("curl "), command
        status, answer = self.run(command)
        refused = shown is not None and '"error"' in shown
        assert (status >= 400) == refused, answer
        if shown is not None:
            self.compare(shown, answer)
        if re.search(" -d | --data-binary ", command) and "-X" not in command:
            self.remember(command, answer)

    def run(self, command):
        done = subprocess.run(
            ["bash", "-uc", command], cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE_S,
            env=os.environ | self.variables | {"CURL_HOME": str(self.folder), "no_proxy": "*"},
        )
        assert done.returncode == 0, done.stderr
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), answer

    def compare(self, shown, answer):
        if shown.startswith("HTTP/"):
            head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
            shown_head, body_begins, shown_body = re.split(r"(^[\[{])", shown, maxsplit=1, flags=re.MULTILINE)
            for line in shown_head.splitlines():
                assert line in ("…", *head.splitlines()), f"{line} is not in {head}"
            shown, answer = body_begins + shown_body, body
        # Where members were left out, only those that are shown are looked at.
        self.whole = ",…" not in shown
        self.shows(json.loads(shown.replace(",…", "")), json.loads(answer), "answer")

    def shows(self, shown, answered, where):
        if isinstance(shown, dict) and isinstance(answered, dict):
            keys = shown.keys() if not self.whole else shown.keys() | answered.keys()
            for key in keys:
                assert key in shown and key in answered, f"{where}.{key} is in one of {shown} and {answered}"
                self.shows(shown[key], answered[key], f"{where}.{key}")
        elif isinstance(shown, list) and isinstance(answered, list):
            assert len(shown) == len(answered), f"{where}: {len(answered)} items instead of {len(shown)}"
            for number, pair in enumerate(zip(shown, answered)):
                self.shows(*pair, f"{where}[{number}]")
        elif isinstance(shown, str) and isinstance(answered, str):
            self.says(shown, answered, where)
        else:
            assert type(shown) is type(answered) and shown == answered, f"{where}: {answered!r}, not {shown!r}"

    def says(self, shown, answered, where):
        if ID.fullmatch(shown) and shown not in self.fixed:
            assert ID.fullmatch(answered), where
            assert self.ids.setdefault(shown, answered) == answered, f"{where} is another one's id"
        elif "…" in shown:
            pattern = ".*".join(map(re.escape, shown.split("…")))
            assert re.fullmatch(pattern, answered), f"{where}: {answered!r}, not {shown!r}"
        elif not any(alike.fullmatch(shown) and alike.fullmatch(answered) for alike in ALIKE):
            assert shown == answered, f"{where}: {answered!r}, not {shown!r}"

    def remember(self, command, answer):
        """`$ORDER` is the id of the order that was made last; `$TICKET` that of its first ticket."""
        made = re.search(r"resources/[^?\s\"']*?(\w+)(?:\?|\"|\s|$)", command)
        answer = json.loads(answer[answer.index("{"):])
        answer = answer.get("data", answer)
        if made and isinstance(answer.get("id"), str):
            self.variables[made[1].rstrip("s").upper()] = answer["id"]
        if made and made[1] == "orders":
            ticket, *_ = answer["tickets"]
            self.variables["TICKET"] = ticket if isinstance(ticket, str) else ticket["id"]


@pytest.mark.parametrize("document", ["README.md", "docs/api.md", "docs/deals.md"])
def test_what_a_page_says_is_so(new_demo, tmp_path, document):
    terminal = Terminal(new_demo, tmp_path)
    for command, shown in examples(document):
        try:
            terminal.pastes(command, shown)
        except Exception as error:
            raise AssertionError(f"{document}: {command}: {error}") from error


def test_the_pages_have_what_is_to_be_tried():
    counts = {document: len(examples(document)) for document in ("README.md", "docs/api.md", "docs/deals.md")}
    assert counts["README.md"] >= 9 and counts["docs/api.md"] >= 30 and counts["docs/deals.md"] >= 2, counts


def test_what_the_demo_prints_works_when_pasted(demo, tmp_path):
    terminal = Terminal(demo, tmp_path)
    # It says them after it says that it listens, and this last.
    while not demo.said[-1].startswith("The API: "):
        demo.lines.get(timeout=PATIENCE_S)
    commands = [line.strip() for line in demo.said if line.startswith("  curl ")]
    assert len(commands) == 3
    for command in commands:
        terminal.pastes(command, None)
