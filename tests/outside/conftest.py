"""Servers and places for the tests from outside, on both engines."""

import pytest

from parterre import BINARY, Place, Server


def pytest_sessionstart():
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is missing: run `cargo build`", returncode=2)


def pytest_sessionfinish():
    for process in Server.processes:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture(params=["sqlite", "postgresql"], scope="session")
def engine(request):
    return request.param


@pytest.fixture
def place(engine):
    """An empty place for a server, on each engine."""
    place = Place(engine)
    yield place
    place.remove()


@pytest.fixture
def folder():
    """An empty place for a server, on SQLite."""
    place = Place("sqlite")
    yield place
    place.remove()


@pytest.fixture
def new_demo(place):
    """A demo that no other test has touched, on each engine."""
    with Server(place) as server:
        yield server


@pytest.fixture(scope="module")
def demo(engine):
    """A demo that the tests of one file share, on each engine."""
    place = Place(engine)
    with Server(place) as server:
        yield server
    place.remove()
