"""HTTP/1.1 byte for byte: what a client library would tidy up, here is seen and can be said."""

import contextlib
import dataclasses
import json
import socket

from parterre import PATIENCE_S


@dataclasses.dataclass
class Answer:
    """An answer as it came."""

    status_line: str
    headers: dict
    body: bytes

    @property
    def status(self):
        return int(self.status_line.split(" ")[1])

    @property
    def json(self):
        return json.loads(self.body)


class Connection:
    """One connection, kept alive."""

    def __init__(self, address, tls=None):
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=address[0])
        self.stream = self.socket.makefile("rb")

    def send(self, data):
        """Sends bytes, or as many of them as the server wants to have before it answers."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def answer(self, to_head=False):
        """Reads one answer."""
        status_line = self._line()
        headers = {}
        while line := self._line():
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        body = b"" if to_head or status_line.split(" ")[1] in ("100", "204", "304") else self._body(headers)
        return Answer(status_line, headers, body)

    def _line(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"the answer broke off: {line!r}")
        return line[:-2].decode("latin-1")

    def _body(self, headers):
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._line(), 16):
                body += self._exactly(size)
                assert self._line() == ""
            assert self._line() == ""
            return body
        return self._exactly(int(headers.get("content-length", 0)))

    def _exactly(self, size):
        data = self.stream.read(size)
        if len(data) != size:
            raise ConnectionError("the answer broke off")
        return data

    def ended(self):
        """Whether the server has closed the connection."""
        try:
            return self.stream.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request(method, target, body=b"", key=None, headers=()):
    """The bytes of a request. `target` and `body` may be any bytes, and are sent as they are."""
    target = target if isinstance(target, bytes) else target.encode()
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1"]
    if key:
        lines.append(b"Authorization: key " + key.encode())
    given = {name.lower() for name, _ in headers}
    if body and "content-type" not in given:
        lines.append(b"Content-Type: application/json")
    if body or method in ("POST", "PATCH", "PUT"):
        lines.append(b"Content-Length: %d" % len(body))
    for name, value in headers:
        lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ask(server, method, target, body=b"", key=None, headers=()):
    """One request on a connection of its own, and its answer."""
    with Connection(server.address) as connection:
        connection.send(request(method, target, body, key, headers))
        return connection.answer(to_head=method == "HEAD")


def ask_over_tls(server, trust, *parts):
    """The same over TLS, if `trust` trusts the server."""
    with Connection(server.address, trust) as connection:
        connection.send(request(*parts))
        return connection.answer()
