"""Commands on boards where one profile of many is broken, and the first profile of all."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.sshd import Sshd, loopback_sshd

from harness.board.doctor import examine
from harness.board.runtime_proof import addition_model
from harness.cli import doctor
from harness.cli.boards import add_device
from harness.records.errors import UsageError

if TYPE_CHECKING:
    from support.user_folder import Place

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


def test_doctor_runs_a_model_and_a_broken_runtime_names_its_cause_and_provision(place: "Place") -> None:
    """The same sentence from doctor and in a run's entry."""
    place.write("devices/mine.toml", '[connection]\ntransport = "local"\n[runtime]\npackage = "tflite"\n')
    env = "cache/edge-harness/envs/tflite-9"
    place.write(f"{env}/env.json", json.dumps({"package": "tflite", "version": "9"}))
    place.write(f"{env}/site/tflite_runtime/__init__.py", "")
    place.write(
        f"{env}/site/tflite_runtime/interpreter.py", "raise ImportError('advice\\nOriginal error was: no x.so')"
    )
    place.folder.joinpath("m.tflite").write_bytes(addition_model())
    cause = "tflite_runtime.interpreter cannot be imported by"
    remedy = "no x.so; put a working runtime there with: harness provision mine"
    doctored = place.harness("doctor", "mine", "--json")
    assert doctored.code == 10
    (line,) = [check for check in json.loads(doctored.out)["checks"] if check["status"] == "fail"]
    assert line["name"] == "model run"
    assert line["said"].startswith(f"tflite 9 does not run a model: {cause}") and line["said"].endswith("no x.so")
    assert line["fix"] == "harness provision mine"
    assert place.harness("run", "m.tflite", "--device=mine").code == 1
    (entry,) = place.results()["entries"]
    assert cause in entry["reason"]
    assert entry["reason"].endswith(remedy)


def test_doctor_runs_a_model_where_the_runtime_works(place: "Place") -> None:
    place.write("devices/mine.toml", '[connection]\ntransport = "local"\n')
    assert place.harness("doctor", "mine").out.splitlines()[-1] == "fit to measure"


def test_a_board_by_ipv6_with_keys_named_from_this_folder(place: "Place", tmp_path: Path) -> None:
    with loopback_sshd(tmp_path / "six", options="ListenAddress ::1") as six:
        key = place.write("keys/lab", six.identity_file.read_text())
        key.chmod(0o600)
        place.write("keys/known", f"[::1]:{six.port} {' '.join(six.known_hosts.read_text().split()[1:3])}\n")
        there = f"{six.user}@[::1]:{six.port}"
        said = place.harness("add", "mine", there, "--identity-file=keys/lab", "--known-hosts=keys/known")
        assert said.code == 0, said.text
        profile = tomllib.loads((place.folder / "devices/mine.toml").read_text())
        assert (profile["connection"]["host"], profile["connection"]["port"]) == ("::1", six.port)
        assert profile["connection"]["identity_file"] == str(key)
        place.write("elsewhere/odd", "")
        elsewhere = replace(place, folder=place.folder / "elsewhere")
        doctored = elsewhere.harness("doctor", "mine", f"--devices-dir={place.folder}/devices", "--json")
        assert json.loads(doctored.out)["facts"]["hostname"]


@pytest.mark.parametrize(
    "address", ["me@", "me@[::1", "pi:\u00b2", "pi:99999", "a..b", "-oProxyCommand=x", "me@@pi", ""]
)
def test_an_address_that_is_none_is_one_line(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        add_device("mine", address, devices_dir=None, extra={}, as_json=False)
    assert repr(address) in str(caught.value) and "expected" in str(caught.value)


def test_words_of_add_that_cannot_be_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for extra, said in (
        ({"identity_file": "a\0b"}, "identity_file: expected a text without control characters"),
        ({"proxy_jump": "gate:0"}, "'gate:0': port 0, expected one from 1 to 65535"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            add_device("mine", "me@pi", devices_dir=None, extra=extra, as_json=False)


def test_doctor_says_what_a_run_that_died_had_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    relative = "sys/devices/system/cpu/cpufreq/policy0/scaling_governor"
    governor = tmp_path / "root" / relative
    governor.parent.mkdir(parents=True)
    governor.write_text("performance\n")
    cache = tmp_path / "cache" / "edge-harness"
    cache.mkdir(parents=True)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    record = {"boot": boot, "root": str(tmp_path / "root"), "files": {relative: "ondemand"}}
    (cache / "steward.json").write_text(json.dumps(record))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    own = partial(examine, root=str(tmp_path / "root"), lease=f"edge-harness-{tmp_path}"[-90:])
    monkeypatch.setattr(doctor, "examine", own)
    doctor.examine_device("local", devices_dir=None, as_json=False)
    assert f"left by a run that died: {relative} back to ondemand" in capsys.readouterr().out.splitlines()
    assert governor.read_text().strip() == "ondemand"
