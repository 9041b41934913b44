"""Wheels for another machine, fetched and packed on this one."""

import struct
import tarfile

import pytest
from support import needs

from harness.board.wheels import archive_path, choose_wheels, fetch_wheels, pack_site
from harness.records.errors import BoardUnfitError

MACHINES = {183: "aarch64", 62: "x86_64", 40: "arm"}
"""ELF's e_machine."""


def fetched(wheels, cache_dir):
    try:
        return fetch_wheels(wheels, cache_dir)
    except BoardUnfitError as error:
        needs.missing(f"no package index can be reached: {error}")
        raise


def machine_of(content):
    assert content[:4] == b"\x7fELF"
    return MACHINES[struct.unpack_from("<H", content, 18)[0]]


@pytest.mark.parametrize("package", ["litert", "tflite"])
def test_what_a_raspberry_pi_4_needs_is_downloaded_and_packed(tmp_path, package):
    wheels = choose_wheels("aarch64", "3.11.2", "glibc 2.36", package=package)
    archive = fetched(wheels, tmp_path)
    module = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}[package]
    with tarfile.open(archive) as tar:
        members = {member.name: member for member in tar}
        libraries = [name for name in members if name.endswith(".so") or ".so." in name]
        machines = {machine_of(tar.extractfile(name).read(64)) for name in libraries}
    assert machines == {"aarch64"}
    assert f"site/{module}/interpreter.py" in members
    assert any(name.startswith(f"site/{module}/") for name in libraries)
    assert f"site/numpy-{wheels.numpy}.dist-info/METADATA" in members
    assert all(member.isdir() or member.isreg() for member in members.values())
    assert fetch_wheels(wheels, tmp_path) == archive
    assert [path.name for path in archive.parent.iterdir()] == ["site.tar.gz"]


def test_the_cache_answers_without_an_index(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wheels = choose_wheels("aarch64", "3.11.2", "glibc 2.36")
    archive = archive_path(wheels, tmp_path)
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"as it was")
    assert fetch_wheels(wheels, tmp_path).read_bytes() == b"as it was"


def test_without_an_index_pips_reason_is_one_line_and_nothing_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    wheels = choose_wheels("aarch64", "3.11.2", "glibc 2.36")
    with pytest.raises(BoardUnfitError) as caught:
        fetch_wheels(wheels, tmp_path / "cache")
    said = str(caught.value)
    assert said.startswith("ai-edge-litert==2.3.0 and numpy==2.4.6 for aarch64, Python 3.11 could not be downloaded: ")
    assert "Could not find a version" in said
    assert "\n" not in said
    assert list(archive_path(wheels, tmp_path / "cache").parent.iterdir()) == []


def test_the_archive_is_the_same_bytes_each_time_and_leaves_out_tests(tmp_path):
    site = tmp_path / "site"
    for name in ("b.py", "a/x.so", "a/tests/test_x.py", "a/tests.py", "bin/tool"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(name)
    pack_site(site, tmp_path / "first.tar.gz")
    (site / "b.py").touch()
    (site / "b.py").chmod(0o600)
    pack_site(site, tmp_path / "second.tar.gz")
    assert (tmp_path / "first.tar.gz").read_bytes() == (tmp_path / "second.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "first.tar.gz") as tar:
        assert tar.getnames() == ["site", "site/a/tests.py", "site/a/x.so", "site/b.py"]
        assert {(member.uid, member.uname, member.mtime) for member in tar} == {(0, "", 0)}
