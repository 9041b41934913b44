"""Files that anybody may have made: what is no plain file is refused at once, what is written is whole."""

import errno
import os
import re
import socket
from pathlib import Path

import pytest

from harness.records.files import (
    check_plain,
    expand_home,
    open_for_append,
    read_bytes,
    read_text,
    real_path,
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


@pytest.mark.parametrize(("umask", "mode"), [(0o027, 0o640), (0o000, 0o666)])
def test_a_new_file_has_the_rights_of_any_new_file(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        replace_file(tmp_path / "file", b"")
        os.close(open_for_append(tmp_path / "log"))
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("file", "log")] == [mode, mode]


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


def refused(check, path):
    with pytest.raises(OSError) as caught:
        check(path)
    return caught.value.errno, caught.value.strerror, caught.value.filename


def read(path):
    return read_bytes(path, max_bytes=100)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("pipe", (errno.EINVAL, "it is no regular file")),
        ("socket", (errno.ENXIO, "it is no regular file")),
        ("folder", (errno.EISDIR, "Is a directory")),
        ("endless", (errno.EINVAL, "it is no regular file")),
        ("nowhere", (errno.ENOENT, "No such file or directory")),
        ("circle", (errno.ELOOP, "Too many levels of symbolic links")),
    ],
)
def test_a_file_that_is_not_read_says_what_it_is(tmp_path, outside, kind, said):
    path = made(tmp_path, kind, outside)
    assert refused(read, path) == (*said, str(path))


@pytest.mark.parametrize("kind", ["endless", "circle", "nowhere", "link"])
def test_a_link_that_is_not_followed_says_so(tmp_path, outside, kind):
    path = made(tmp_path, kind, outside)
    told = (errno.ELOOP, "it is a symbolic link", str(path))
    assert refused(open_for_append, path) == refused(check_plain, path) == told


def test_a_name_with_a_zero_is_no_name_of_a_file(tmp_path):
    path = tmp_path / "a\x00b"
    told = (errno.EINVAL, "no file can have such a name", ascii(str(path)))
    assert refused(read, path) == refused(open_for_append, path) == refused(check_plain, path) == told


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder"])
def test_what_a_library_is_to_open_is_a_regular_file(tmp_path, outside, kind):
    path = made(tmp_path, kind, outside)
    assert refused(check_plain, path) == (errno.EINVAL, "it is no regular file", str(path))


def test_a_regular_file_and_one_that_is_not_there_are_plain(tmp_path, outside):
    check_plain(outside)
    check_plain(tmp_path / "absent")
    check_plain(outside / "below a file")


def test_a_file_of_the_kernel_s_that_has_nothing_to_say_is_refused(monkeypatch, outside):
    class Silent:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self, _):
            return None

    def opened(descriptor, _):
        os.close(descriptor)
        return Silent()

    monkeypatch.setattr(os, "fdopen", opened)
    assert refused(read, outside) == (errno.EAGAIN, "it is no plain file", str(outside))


@pytest.mark.parametrize(
    ("most", "said"),
    [(2**20, "1 MiB"), (3 * 2**20, "3 MiB"), (2**20 + 1, "1048577 bytes"), (0, "0 bytes"), (100, "100 bytes")],
)
def test_what_is_too_large_names_the_size_that_is_allowed(tmp_path, most, said):
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.truncate(most + 1)
    with pytest.raises(OSError, match=f"it is larger than {said}") as caught:
        read_bytes(path, max_bytes=most)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))


def test_a_text_has_four_mebibytes_at_most(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"x" * 4 * 2**20)
    assert len(read_text(path)) == 4 * 2**20
    path.write_bytes(b"x" * (4 * 2**20 + 1))
    with pytest.raises(OSError, match="larger than 4 MiB"):
        read_text(path)


def test_what_is_appended_stands_after_what_is_there_and_can_be_read(tmp_path, outside):
    for path, content in ((outside, b"mine, too"), (tmp_path / "new", b", too")):
        descriptor = open_for_append(path)
        os.write(descriptor, b", too")
        os.lseek(descriptor, 0, os.SEEK_SET)
        assert os.read(descriptor, 100) == content
        os.close(descriptor)


def test_a_link_that_cannot_be_made_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_link(tmp_path / "folder", "elsewhere")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_the_name_beside_is_hidden_and_short(tmp_path):
    with replacing(tmp_path / ("x" * 60)):
        (beside,) = tmp_path.iterdir()
    assert re.fullmatch(r"\.x{40}\.[0-9a-f]{16}", beside.name)


def test_where_a_path_leads(tmp_path, outside, monkeypatch):
    link = made(tmp_path, "link", outside)
    assert real_path(link) == outside.resolve()
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    assert real_path(circle) == circle
    assert real_path(Path("a\x00b")) == Path("a\x00b")
    monkeypatch.chdir(tmp_path)
    assert real_path(Path("odd")) == outside.resolve()
