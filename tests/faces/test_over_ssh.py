"""Whole sessions over a real sshd, on an account of its own: same entries, nothing sent twice, nothing left."""

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import needs
from support.sshd import Sshd, free_port, loopback_sshd

if TYPE_CHECKING:
    from support.user_folder import Place


@pytest.fixture
def board(tmp_path_factory: pytest.TempPathFactory, leased: None) -> Iterator[Sshd]:
    """An account that is nobody else's, reached by ssh in the test's own network."""
    needs.need("sshd")
    needs.need_root()
    with loopback_sshd(tmp_path_factory.mktemp("sshd"), account="edge") as server:
        yield server


def profile(place: "Place", board: Sshd, name: str = "board") -> Path:
    """A profile of the board, in another folder than the default."""
    return place.write(f"lab/{name}.toml", board.profile_text(name))


def outside_the_cache(board: Sshd) -> set[str]:
    """Files in the account's home that are not in the cache folder."""
    return {
        str(path.relative_to(board.home))
        for path in board.home.rglob("*")
        if path.is_file() and not path.is_relative_to(board.cache)
    }


def test_a_session_sends_models_once_and_leaves_only_its_cache(place: "Place", board: Sshd) -> None:
    profile(place, board)
    place.benchmark('model_size="1 MB"')
    before = outside_the_cache(board)
    said = place.pytest("--device=board", "--devices-dir=lab")
    assert said.code == 0, said.text
    first = place.results()
    assert [entry["status"] for entry in first["entries"]] == ["PASS"]
    assert first["devices"]["board"]["label"] == "loopback ssh on this machine, no edge board"
    size = (place.folder / "models" / "tiny.tflite").stat().st_size
    assert first["run"]["bytes_sent"]["board"] > size
    assert place.pytest("--device=board", "--devices-dir=lab").code == 0
    assert place.results()["run"]["bytes_sent"]["board"] == 0
    assert outside_the_cache(board) == before
    assert board.processes() == []


def test_two_boards_on_two_workers_end_in_one_report(place: "Place", board: Sshd) -> None:
    for name in ("one", "two"):
        profile(place, board, name)
    place.benchmark('model_size="1 MB"')
    said = place.pytest("--device=one", "--device=two", "--devices-dir=lab", "-n2")
    assert said.code == 0, said.text
    assert sorted(entry["device"] for entry in place.results()["entries"]) == ["one", "two"]
    assert len(list((place.folder / "reports").glob("*/results.json"))) == 2, "one run, and the link to the latest"


def test_a_model_that_aborts_costs_its_own_entry_only(place: "Place", board: Sshd) -> None:
    bad = needs.need_shared("bad/abort_blockwise_quantized.tflite")
    (place.folder / "models" / "abort.tflite").write_bytes(bad.read_bytes())
    profile(place, board)
    place.benchmark('model_size="1 MB"')
    said = place.pytest("--device=board", "--devices-dir=lab")
    assert said.code == 1
    by_name = {entry["candidate"]: entry["status"] for entry in place.results()["entries"]}
    assert by_name == {"abort": "ERROR", "tiny": "PASS"}


def test_an_unknown_host_key_is_refused_with_the_remedy(place: "Place", board: Sshd) -> None:
    place.benchmark()
    empty = place.write("known_hosts", "")
    place.write("lab/board.toml", board.profile_text("board", known_hosts=str(empty)))
    said = place.pytest("--device=board", "--devices-dir=lab")
    assert said.code == 11, said.text
    assert "ssh-keyscan" in said.text


def test_a_wrong_key_is_refused(place: "Place", board: Sshd) -> None:
    place.benchmark()
    other = place.folder / "other_key"
    place.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other))
    place.write("lab/board.toml", board.profile_text("board", identity_file=str(other)))
    said = place.pytest("--device=board", "--devices-dir=lab")
    assert said.code == 11, said.text
    assert board.user in said.text


def test_a_closed_port_is_one_line(place: "Place", board: Sshd) -> None:
    place.benchmark()
    place.write("lab/board.toml", board.profile_text("board", port=free_port()))
    assert place.pytest("--device=board", "--devices-dir=lab").code == 11


def test_add_writes_a_profile_that_measures(place: "Place", board: Sshd) -> None:
    keys = (f"--identity-file={board.identity_file}", f"--known-hosts={board.known_hosts}")
    said = place.harness("add", "mine", f"{board.user}@{board.host}:{board.port}", *keys)
    assert said.code == 0, said.text
    assert (place.folder / "devices" / "mine.toml").exists()
    again = place.harness("add", "mine", f"{board.user}@{board.host}:{board.port}", *keys)
    assert again.code == 4, again.text
    assert place.harness("doctor", "mine").code == 0
    done = place.harness("run", "models/tiny.tflite", "--device=mine", "--trials=2", "--min-secs=0.02")
    assert done.code == 0, done.text
    assert list((board.cache / "store").iterdir())
    cleaned = place.harness("provision", "mine", "--clean")
    assert (cleaned.code, "freed: models and runtimes are sent again" in cleaned.out) == (0, True), cleaned.text
    assert list((board.cache / "store").iterdir()) == []


def test_an_archive_for_a_bug_report_says_neither_who_nor_where(place: "Place", board: Sshd) -> None:
    text = board.profile_text("board") + '[runtime]\nenv = { HF_APIKEY = "swordfish", OMP_WAIT_POLICY = "passive" }\n'
    place.write("lab/board.toml", text)
    place.benchmark()
    assert place.pytest("--device=board", "--devices-dir=lab").code == 0
    said = place.harness("doctor", "board", "--devices-dir=lab", "--archive=bug.zip")
    assert said.code in (0, 10), said.text
    with zipfile.ZipFile(place.folder / "bug.zip") as archive:
        inside = {name: archive.read(name).decode() for name in archive.namelist()}
    assert sorted(inside) == ["doctor.json", "doctor.txt", "profile.json", "results.json", "versions.json"]
    for private in ("swordfish", board.host, board.user, str(board.identity_file), str(board.home)):
        assert [name for name, text in inside.items() if private in text] == [], private
    assert "OMP_WAIT_POLICY" in inside["profile.json"] and "numpy" in inside["versions.json"]
    assert all(json.loads(text) for name, text in inside.items() if name.endswith(".json"))
    again = place.harness("doctor", "board", "--devices-dir=lab", "--archive=bug.zip")
    assert (again.code, "is there already: name another file" in again.err) == (4, True), again.text


def test_a_full_disk_on_the_board_is_one_line(place: "Place", board: Sshd) -> None:
    profile(place, board)
    place.benchmark()
    board.cache.mkdir(parents=True)
    place.run("mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", str(board.cache))
    try:
        os.chown(board.cache, board.home.stat().st_uid, board.home.stat().st_gid)
        (place.folder / "models" / "tiny.tflite").unlink()
        model = needs.need_shared("models/tiny_vww96_fp32.tflite")
        (place.folder / "models" / "large.tflite").write_bytes(model.read_bytes())
        said = place.pytest("--device=board", "--devices-dir=lab")
        assert said.code == 1, said.text
        (entry,) = place.results()["entries"]
        assert entry["status"] == "ERROR"
        for words in ("disk", "board", str(model.stat().st_size)):
            assert words in entry["reason"], entry["reason"]
    finally:
        place.run("umount", str(board.cache))
