"""Provisioning for real: this machine, and an account behind sshd that has Python and nothing else."""

import os
import platform
import sys

import pytest
from support import needs
from support.sshd import loopback_sshd

from harness.board import choose_runner, open_board
from harness.board.provision import provision
from harness.board.wheels import archive_path, choose_wheels, fetch_wheels, pack_site
from harness.profiles import load
from harness.records.cache_dir import default_cache_dir
from harness.records.errors import BoardUnfitError

LEASE = f"provisioning-tests-{os.getpid()}"
"""Not the machine's own: another harness may be at work on it."""


@pytest.fixture(scope="module")
def wheel_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """This machine as a board whose cache is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "edge-harness"


def wheels_here(package):
    libc = " ".join(platform.libc_ver())
    return choose_wheels(platform.machine(), platform.python_version(), libc, package=package)


def wheels_for_this_machine(package, cache_dir):
    """The wheels, downloaded; without an index the test is skipped."""
    wheels = wheels_here(package)
    try:
        fetch_wheels(wheels, cache_dir)
    except BoardUnfitError as error:
        needs.missing(f"no package index can be reached: {error}")
    return wheels


def test_tflite_stands_beside_litert_on_this_machine(own_cache, wheel_cache):
    if sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime is published up to Python 3.11")
    wheels = wheels_for_this_machine("tflite", wheel_cache)
    said = []
    found = provision(load("local"), "tflite", cache_dir=wheel_cache, say=said.append, lease=LEASE)
    assert (found.package, found.version, found.numpy) == ("tflite", "2.14.0", "1.26.4")
    assert found.site == str(own_cache / "envs" / wheels.env / "site")
    assert said[-1] == "tflite 2.14.0 runs a model"

    again = []
    assert provision(load("local"), "tflite", cache_dir=wheel_cache, say=again.append, lease=LEASE) == found
    assert again == ["tflite 2.14.0 is on the board and runs a model"]

    with open_board(load("local"), tune=False, lease=LEASE) as board:
        assert choose_runner(board.profile, board.facts).package == "litert"
        assert choose_runner(board.profile, board.facts, package="tflite").site == found.site


def test_a_runtime_that_fails_its_proof_is_not_left_behind(own_cache, tmp_path):
    if sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime is published up to Python 3.11")
    wheels = wheels_here("tflite")
    module = tmp_path / "site" / "tflite_runtime"
    module.mkdir(parents=True)
    (module / "__init__.py").write_text("")
    (module / "interpreter.py").write_text("raise ImportError('GLIBC_2.99 not found')\n")
    archive = archive_path(wheels, tmp_path)
    archive.parent.mkdir(parents=True)
    pack_site(tmp_path / "site", archive)
    with pytest.raises(BoardUnfitError) as caught:
        provision(load("local"), "tflite", cache_dir=tmp_path, lease=LEASE)
    said = str(caught.value)
    assert said.startswith("local: tflite-runtime==2.14.0 and numpy==1.26.4")
    assert "was put on the board, but does not run there" in said
    assert "GLIBC_2.99 not found" in said
    assert "\n" not in said
    with open_board(load("local"), tune=False, lease=LEASE) as board:
        assert "tflite" not in {found.package for found in board.facts.runtimes}
    assert list((own_cache / "envs" / wheels.env / "site").iterdir()) == []


def test_what_cannot_be_provisioned_names_the_device(own_cache):
    with pytest.raises(BoardUnfitError, match=r'^local: "system==0.1" comes with the board'):
        provision(load("local"), "system==0.1", lease=LEASE)


def test_the_hosts_cache_honours_xdg(own_cache):
    assert default_cache_dir() == own_cache


def test_an_account_without_any_runtime_gets_one_over_ssh(tmp_path, wheel_cache):
    needs.need_root()
    with loopback_sshd(tmp_path, account="edge", env={"PYTHONPATH": ""}) as sshd:
        devices = tmp_path / "devices"
        devices.mkdir()
        (devices / "board.toml").write_text(sshd.profile_text("board", python="/usr/bin/python3"))
        profile = load("board", devices)
        with open_board(profile, tune=False, lease=LEASE) as board:
            facts = board.facts
        assert facts.runtimes == ()
        try:
            fetch_wheels(choose_wheels(facts.arch, facts.python, facts.libc), wheel_cache)
        except BoardUnfitError as error:
            needs.missing(f"nothing fits the system's Python, or no package index can be reached: {error}")
        found = provision(profile, cache_dir=wheel_cache, lease=LEASE)
        assert found.package == "litert"
        assert found.python == "/usr/bin/python3"
        assert found.site == str(sshd.cache / "envs" / found.site.split("/")[-2] / "site")
        assert [path.name for path in sshd.home.iterdir() if path.is_dir()] == [".cache"]
        assert [path.name for path in (sshd.home / ".cache").iterdir()] == ["edge-harness"]
        assert list((sshd.cache / "incoming").iterdir()) == []
