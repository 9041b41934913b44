"""Commands on boards where one profile of many is broken, and the first profile of all."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sshd import Sshd, loopback_sshd

if TYPE_CHECKING:
    from faces.conftest import Place

BROKEN = '[connection]\nhots = "x"\n'


@pytest.fixture
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """This machine over ssh."""
    with loopback_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def add(place: "Place", board: Sshd, folder: str) -> tuple[str, ...]:
    """The words that add the board as "mine"."""
    return (
        "add",
        "mine",
        f"{board.user}@{board.host}:{board.port}",
        f"--identity-file={board.identity_file}",
        f"--known-hosts={board.known_hosts}",
        f"--devices-dir={place.folder / folder}",
    )


def test_devices_lists_the_others_and_says_what_is_wrong_with_one(place: "Place") -> None:
    place.write("devices/odd.toml", BROKEN)
    for words in (("devices",), ("devices", "--json")):
        said = place.harness(*words)
        assert said.code == 4, said.text
        assert "rpi4" in said.out
        (line,) = said.err.strip().splitlines()
        assert all(word in line for word in ("odd.toml", "connection.hots", "host"))


def test_every_broken_profile_has_its_line(place: "Place") -> None:
    place.write("devices/odd.toml", BROKEN)
    place.write("devices/queer.toml", "no toml")
    place.write("devices/heir.toml", 'extends = "odd"\n')
    said = place.harness("devices")
    assert said.code == 4
    assert len(said.err.strip().splitlines()) == 3
    assert "rpi4" in said.out


def test_a_board_is_added_beside_a_broken_profile(place: "Place", board: Sshd) -> None:
    place.write("lab/odd.toml", BROKEN)
    said = place.harness(*add(place, board, "lab"), "--json")
    assert said.code == 0, said.text
    assert "odd.toml" in said.err
    assert json.loads(said.out)["profile"].endswith("lab/mine.toml")
    listed = place.harness("devices", "--devices-dir=lab")
    assert listed.code == 4
    assert "mine" in listed.out


def test_the_first_board_of_a_folder_that_is_not_there_yet(place: "Place", board: Sshd) -> None:
    said = place.harness(*add(place, board, "fleet/pi"))
    assert said.code == 0, said.text
    assert (place.folder / "fleet/pi/mine.toml").is_file()
    doctored = place.harness("doctor", "mine", "--devices-dir=fleet/pi", "--json")
    assert json.loads(doctored.out)["facts"]["hostname"]
    assert place.harness(*add(place, board, "fleet/pi")).code == 4
