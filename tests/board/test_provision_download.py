"""Wheels for another machine, fetched and packed on this one."""

import hashlib
import struct
import tarfile
import zipfile

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
    assert said.startswith("ai-edge-litert==2.3.0 and numpy==2.4.6 for aarch64, Python 3.11 could not be fetched: ")
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


@pytest.fixture
def known_wheels(tmp_path, monkeypatch):
    """A folder with wheels that say nothing but their names, and their hashes as the published ones."""
    wheels = choose_wheels("aarch64", "3.11.2", "glibc 2.36")
    folder, lines = tmp_path / "wheels", []
    folder.mkdir()
    for requirement in wheels.requirements:
        name, _, version = requirement.partition("==")
        path = write_wheel(folder, name.replace("-", "_"), version, "cp311-cp311-manylinux_2_27_aarch64")
        lines.append(f"{requirement} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    known = tmp_path / "wheel_hashes.txt"
    known.write_text("# Made by a test.\n" + "".join(lines))
    monkeypatch.setattr("harness.board.wheels.WHEEL_HASHES", known)
    return wheels, folder


def write_wheel(folder, name, version, tag):
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        info = f"{name}-{version}.dist-info"
        wheel.writestr(f"{name}/__init__.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def test_wheels_come_from_a_folder_without_an_index(tmp_path, known_wheels):
    wheels, folder = known_wheels
    with tarfile.open(fetch_wheels(wheels, tmp_path / "cache", folder)) as tar:
        assert "site/ai_edge_litert/__init__.py" in tar.getnames()


def test_a_wheel_that_was_changed_is_refused(tmp_path, known_wheels):
    wheels, folder = known_wheels
    (changed,) = folder.glob("numpy-*.whl")
    with zipfile.ZipFile(changed, "a") as wheel:
        wheel.writestr("numpy/evil.py", "")
    with pytest.raises(BoardUnfitError) as caught:
        fetch_wheels(wheels, tmp_path / "cache", folder)
    sha256 = hashlib.sha256(changed.read_bytes()).hexdigest()
    assert str(caught.value) == (
        f"numpy==2.4.6 has sha256 {sha256}, which no published file of it has: "
        "it is not put on a board; see where it came from"
    )
    assert list(archive_path(wheels, tmp_path / "cache").parent.iterdir()) == []


def test_a_folder_that_lacks_a_wheel_says_where_to_put_it(tmp_path):
    wheels = choose_wheels("aarch64", "3.11.2", "glibc 2.36")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BoardUnfitError) as caught:
        fetch_wheels(wheels, tmp_path / "cache", tmp_path / "empty")
    assert str(caught.value).endswith(f"put them into {tmp_path / 'empty'}")


def test_a_version_that_the_table_does_not_know_is_fetched_by_the_indexs_hash(tmp_path, known_wheels):
    _, folder = known_wheels
    pinned = choose_wheels("aarch64", "3.11.2", "glibc 2.36", package="litert==2.1.0")
    write_wheel(folder, "ai_edge_litert", "2.1.0", "cp311-cp311-manylinux_2_27_aarch64")
    with tarfile.open(fetch_wheels(pinned, tmp_path / "cache", folder)) as tar:
        assert "site/ai_edge_litert/__init__.py" in tar.getnames()
