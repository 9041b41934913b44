"""Files that anybody may have made: what is no plain file is refused at once, what is written is whole."""

import os
import socket
from pathlib import Path

import pytest

from harness.records.files import (
    expand_home,
    open_for_append,
    read_bytes,
    read_text,
    replace_file,
    replace_link,
    replacing,
)


@pytest.fixture
def outside(tmp_path):
    file = tmp_path / "outside.txt"
    file.write_text("mine")
    return file


def made(tmp_path, kind, outside):
    path = tmp_path / "odd"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        here = socket.socket(socket.AF_UNIX)
        here.bind(str(path))
        here.close()
    elif kind == "folder":
        path.mkdir()
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "terminal":
        path.symlink_to("/dev/tty")
    elif kind == "circle":
        path.symlink_to(path)
    elif kind == "nowhere":
        path.symlink_to(tmp_path / "gone")
    elif kind == "link":
        path.symlink_to(outside)
    return path


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "endless", "terminal", "circle", "nowhere", "absent"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path, outside, kind):
    path = made(tmp_path, kind, outside)

    with pytest.raises(OSError) as caught:
        read_bytes(path, max_bytes=100)
    assert caught.value.strerror


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "endless", "circle", "link"])
def test_nothing_is_appended_to_what_is_no_plain_file(tmp_path, outside, kind):
    path = made(tmp_path, kind, outside)

    with pytest.raises(OSError) as caught:
        open_for_append(path)
    assert caught.value.strerror
    assert outside.read_text() == "mine"


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "x" * 300])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    with pytest.raises(OSError) as caught:
        read_bytes(tmp_path / name, max_bytes=100)
    assert caught.value.strerror


def test_a_link_is_followed_where_that_is_wanted(tmp_path, outside):
    path = made(tmp_path, "link", outside)

    assert read_text(path) == "mine"
    with pytest.raises(OSError, match="it is a symbolic link"):
        read_text(path, follow=False)


def test_no_more_is_read_than_a_file_may_have(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"12345")

    assert read_bytes(path, max_bytes=5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_bytes(path, max_bytes=4)


def test_what_is_not_utf8_says_where(tmp_path):
    path = tmp_path / "latin"
    path.write_bytes(b"caf\xe9")

    with pytest.raises(OSError, match=r"not UTF-8 text \(byte 3\)"):
        read_text(path)


@pytest.mark.parametrize("kind", ["pipe", "endless", "circle", "nowhere", "link"])
def test_a_replaced_file_takes_the_place_of_a_link_and_follows_none(tmp_path, outside, kind):
    path = made(tmp_path, kind, outside)

    replace_file(path, b"new")

    assert path.read_bytes() == b"new"
    assert not path.is_symlink()
    assert outside.read_text() == "mine"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["odd", "outside.txt"]


def test_a_file_that_was_not_written_whole_stays_as_it_was(tmp_path, outside):
    with pytest.raises(RuntimeError), replacing(outside) as stream:
        stream.write(b"half")
        raise RuntimeError
    assert outside.read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["outside.txt"]


def test_the_name_beside_cannot_be_foreseen(tmp_path):
    seen = []
    for _ in range(3):
        with replacing(tmp_path / "file"):
            seen += [file.name for file in tmp_path.iterdir() if file.name != "file"]
    assert len(set(seen)) == 3
    assert not [name for name in seen if str(os.getpid()) in name.split(".")]


def test_a_new_file_has_the_rights_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_file_with_the_longest_name_can_be_replaced(tmp_path):
    replace_file(tmp_path / ("x" * 255), b"new")


def test_a_link_takes_the_place_of_another(tmp_path, outside):
    path = made(tmp_path, "link", outside)

    replace_link(path, "elsewhere")

    assert str(path.readlink()) == "elsewhere"
    assert outside.read_text() == "mine"


def test_a_home_is_spelled_out_and_that_of_nobody_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert expand_home("~/a") == expand_home(Path("~") / "a") == Path("/home/me/a")
    assert expand_home("~nobody-of-that-name/a") == Path("~nobody-of-that-name/a")
    assert expand_home("a~/b") == Path("a~/b")
