"""Files by their hash, environments from tars."""

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from agent.agent_conversation import PYTHON, Steward
from edge_agent.store import Store
from support.needs import need_root

Start = Callable[..., Steward]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_is_admitted_is_not_missing(steward: Start) -> None:
    one = steward()
    sha256 = one.put(b"a model")
    assert one.ask("have", sha256=[sha256, "0" * 64])[0]["missing"] == ["0" * 64]
    assert (one.cache / "store" / sha256).read_bytes() == b"a model"
    assert list((one.cache / "incoming").iterdir()) == []


def test_what_no_session_used_for_a_month_is_removed(steward: Start) -> None:
    one = steward()
    used, unused = one.put(b"used"), one.put(b"unused")
    other = one.cache / "agents" / ("ab" * 32)
    (other / "edge_agent").mkdir(parents=True)
    a_month_ago = time.time() - 31 * 24 * 3600
    for path in (one.cache / "store" / used, one.cache / "store" / unused, other):
        os.utime(path, (a_month_ago, a_month_ago))
    assert one.ask("have", sha256=[used])[0]["missing"] == []
    one.ask("release")
    one.wait()
    assert [path.name for path in (steward().cache / "store").iterdir()] == [used]
    assert not other.exists()


def test_a_clean_board_has_this_agent_alone(steward: Start) -> None:
    one = steward()
    one.put(bytes(1 << 20))
    (one.cache / "envs" / "litert" / "site").mkdir(parents=True)
    (one.cache / "agents" / "another").mkdir()
    assert one.ask("clean")[0]["event"] == "cleaned"
    assert {path.name for path in one.cache.rglob("*")} == {"agents", "store", "incoming", "envs"}
    again = one.put(b"a model")
    assert one.ask("have", sha256=[again])[0]["missing"] == []


def test_runtimes_are_removed_and_models_stay(steward: Start) -> None:
    one = steward()
    model = one.put(b"a model")
    (one.cache / "envs" / "litert" / "site").mkdir(parents=True)
    assert one.ask("clean", runtimes_only=True)[0]["event"] == "cleaned"
    assert list((one.cache / "envs").iterdir()) == []
    assert one.ask("have", sha256=[model])[0]["missing"] == []


def test_a_request_that_takes_long_says_that_it_is_at_work(tmp_path: Path) -> None:
    ticks: list[int] = []
    store = Store(tmp_path, lambda: ticks.append(1))
    store.make()
    content = bytes(3 << 20)
    (tmp_path / "store" / digest(content)).write_bytes(content)
    assert store.missing([digest(content)]) == []
    assert len(ticks) == 3


def test_another_hash_is_refused_and_removed(steward: Start) -> None:
    one = steward()
    upload = one.cache / "incoming" / "upload"
    upload.write_bytes(b"damaged")
    kind, message = one.refusal("admit", sha256=digest(b"whole"), incoming="upload")
    assert kind == "bad_request"
    assert digest(b"damaged") in message
    assert not upload.exists()
    assert list((one.cache / "store").iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../steward.json", "/etc/passwd", "a/b"])
def test_only_plain_names_are_admitted(steward: Start, name: str) -> None:
    assert steward().refusal("admit", sha256="0" * 64, incoming=name)[0] == "bad_request"


def test_no_upload(steward: Start) -> None:
    assert steward().refusal("admit", sha256="0" * 64, incoming="nothing")[0] == "not_found"


def test_a_damaged_file_counts_as_missing(steward: Start) -> None:
    one = steward()
    sha256 = one.put(b"a model")
    (one.cache / "store" / sha256).write_bytes(b"a m0del")
    assert one.ask("have", sha256=[sha256])[0]["missing"] == [sha256]
    assert not (one.cache / "store" / sha256).exists()


def test_the_cache_is_for_its_user_alone(steward: Start) -> None:
    one = steward()
    assert one.first["event"] == "ready"
    assert {path.stat().st_mode & 0o777 for path in one.cache.iterdir() if path.is_dir()} == {0o700}


def test_what_cut_links_left_is_removed_by_the_next_holder(steward: Start, tmp_path: Path) -> None:
    incoming, half = tmp_path / "cache" / "incoming", tmp_path / "cache" / "envs" / ".env.123"
    half.mkdir(parents=True)
    incoming.mkdir()
    link = incoming / "link"
    link.symlink_to(tmp_path)
    old, new = ["agent-old", "upload-old"], ["agent-new", "upload-new"]
    files = [incoming / "0123-model", half / "file", *(incoming / name for name in (*old, *new))]
    for path in files:
        path.write_text("half a file")
    for name in old:
        os.utime(incoming / name, (0, 0))
    assert steward().first["event"] == "ready"
    assert [path.exists() for path in (*files, half)] == [False, False, False, False, True, True, False]
    assert not link.is_symlink()
    assert tmp_path.is_dir()


def test_who_does_not_get_the_lease_removes_nothing(steward: Start) -> None:
    upload = steward().cache / "incoming" / "0123-model"
    upload.write_text("on its way")
    assert steward().first["event"] == "held"
    assert upload.exists()


def tar(*members: tarfile.TarInfo, mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, size, link, 0o755
    return info


SITE = member("site", tarfile.DIRTYPE)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_environment_is_unpacked_and_found(steward: Start, mode: str) -> None:
    one = steward()
    sha256 = one.put(tar(SITE, member("site/package/module.py", size=5), mode=mode))
    info = {"package": "tflite", "version": "2.14.0"}
    assert one.ask("unpack", sha256=sha256, env="tflite-2.14.0", info=info)[-1]["event"] == "done"
    folder = one.cache / "envs" / "tflite-2.14.0"
    assert (folder / "site" / "package" / "module.py").read_text() == "xxxxx"
    assert json.loads((folder / "env.json").read_text()) == info
    found = [runtime for runtime in one.ask("probe")[0]["facts"]["runtimes"] if runtime["site"]]
    assert found == [
        {
            "package": "tflite",
            "version": "2.14.0",
            "python": PYTHON,
            "site": str(folder / "site"),
            "numpy": None,
        }
    ]


def test_an_environment_is_replaced(steward: Start) -> None:
    one = steward()
    for name in ("site/old", "site/new"):
        one.ask("unpack", sha256=one.put(tar(SITE, member(name))), env="env", info={})
    folder = one.cache / "envs"
    assert [path.name for path in folder.iterdir()] == ["env"]
    assert [path.name for path in (folder / "env" / "site").iterdir()] == ["new"]


@pytest.mark.parametrize(
    "content",
    [
        tar(SITE, member("../outside")),
        tar(SITE, member("/outside")),
        tar(SITE, member("site/../../outside")),
        tar(SITE, member("site/link", tarfile.SYMTYPE, link="/etc/passwd")),
        tar(SITE, member("site/link", tarfile.LNKTYPE, link="/etc/passwd")),
        tar(SITE, member("site/device", tarfile.CHRTYPE)),
        tar(SITE, member("site/pipe", tarfile.FIFOTYPE)),
        tar(member("elsewhere")),
        tar(SITE, member("site/file", size=100_000))[:-50],
        tar(SITE, member("site/file", size=100_000), mode="w")[:50_000],
        b"no tar",
        b"",
    ],
    ids=["up", "root", "over", "symlink", "link", "device", "pipe", "no-site", "cut-gz", "cut", "text", "empty"],
)
def test_a_bad_tar_leaves_nothing(steward: Start, content: bytes, tmp_path: Path) -> None:
    one = steward()
    sha256 = one.put(content)
    kind, _ = one.refusal("unpack", sha256=sha256, env="env", info={})
    assert kind == "bad_request"
    assert list((one.cache / "envs").iterdir()) == []
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b"])
def test_only_plain_names_are_environments(steward: Start, name: str) -> None:
    one = steward()
    sha256 = one.put(tar(SITE))
    assert one.refusal("unpack", sha256=sha256, env=name, info={})[0] == "bad_request"


def test_an_environment_for_another_machine_is_not_found(steward: Start) -> None:
    one = steward()
    sha256 = one.put(tar(SITE))
    one.ask("unpack", sha256=sha256, env="env", info={"package": "tflite", "machine": "riscv64"})
    assert [found for found in one.ask("probe")[0]["facts"]["runtimes"] if found["site"]] == []


def test_a_full_disk_is_said_and_leaves_nothing(agent: Path, tmp_path: Path) -> None:
    need_root()
    disk = tmp_path / "disk"
    disk.mkdir()
    # A small disk that only this steward sees.
    small = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=400k none "$0" && exec "$@"', str(disk)]
    options = {"cache": str(disk / "cache"), "root": "/", "holder": "x", "lease": f"edge-harness-{tmp_path}"[-90:]}
    one = Steward(agent, options, prefix=small)
    try:
        one.cache = Path(f"/proc/{one.process.pid}/root{disk}/cache")
        sha256 = one.put(tar(SITE, member("site/large", size=5_000_000)))
        kind, message = one.refusal("unpack", sha256=sha256, env="env", info={})
        assert (kind, message) == ("disk_full", "environment env cannot be unpacked: no space left on device")
        assert list((one.cache / "envs").iterdir()) == []
    finally:
        one.end()
