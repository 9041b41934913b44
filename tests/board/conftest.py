"""Boards to open: this machine and a loopback sshd, each with a lease and a cache of its own."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.sshd import Sshd, loopback_sshd

from harness.records.device import Connection, DeviceProfile


@dataclass(frozen=True)
class Place:
    """A board as tests see it: its profile, its cache folder, its server where it has one."""

    profile: DeviceProfile
    cache: Path
    lease: str
    server: Sshd | None


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Sshd]:
    with loopback_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def here(tmp_path, monkeypatch) -> Place:
    """This machine by the local transport."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Place(profile_of(Connection(transport="local")), tmp_path / "cache" / "edge-harness", new_lease(), None)


@pytest.fixture
def remote(server) -> Place:
    """This machine by SSH."""
    return Place(profile_of(connection_to(server)), server.cache, new_lease(), server)


@pytest.fixture(params=["here", "remote"])
def place(request) -> Place:
    """Either of them."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def change() -> Callable[..., Place]:
    """A place with another interpreter."""

    def changed(place: Place, python: str) -> Place:
        connection = place.profile.connection.model_copy(update={"python": python})
        return Place(profile_of(connection), place.cache, place.lease, place.server)

    return changed


def profile_of(connection: Connection) -> DeviceProfile:
    return DeviceProfile(name="pi", lineage=("pi",), connection=connection)


def connection_to(server: Sshd) -> Connection:
    return Connection(
        host=server.host,
        port=server.port,
        user=server.user,
        identity_file=str(server.identity_file),
        known_hosts=str(server.known_hosts),
        python=server.python,
    )


def new_lease() -> str:
    return f"edge-harness-test-{secrets.token_hex(6)}"
