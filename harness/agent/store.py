"""Files on the board by their sha256, and environments unpacked from them."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import tarfile
import time
import zlib
from pathlib import Path
from typing import IO, Any, Callable, Dict, List

from edge_agent.spec import is_digest
from edge_agent.wire import AgentError

_CHUNK = 1 << 20
_FOLDERS = ("agents", "store", "incoming", "envs")
_AGENT_UPLOAD = "agent-"
"""Uploads of the agent itself come before the lease: another session's may be on its way."""
_RESUMED_UPLOAD = "upload-"
"""What a cut link left of a file, named by the hash of the whole: the next session goes on with it."""
_ABANDONED_S = 24 * 3600.0
"""An upload that is older belongs to nobody any more."""
_UNUSED_S = 30 * 24 * 3600.0
"""Files and agents that no session used for so long are removed: what is needed again is sent again."""
_CLOCK_IS_SET = 1577836800.0
"""The year 2020: a board without a battery starts in 1970, when nothing has an age."""


class Store:
    """The cache folder's content."""

    def __init__(self, cache: Path, tick: Callable[[], None] = lambda: None) -> None:
        self.cache = cache
        self._tick = tick
        """Called while a file is read or an archive unpacked: these may take minutes on an SD card."""

    def make(self) -> None:
        """Make the folders, for this user only, and remove what cut links left; raises AgentError if it cannot be.

        Whoever calls holds the lease, without which nobody sends files or makes environments.
        """
        try:
            for name in _FOLDERS:
                (self.cache / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _disk_error(error, "the cache folder %s cannot be made" % self.cache) from error
        for left in [*(self.cache / "incoming").iterdir(), *(self.cache / "envs").glob(".*")]:
            _remove_left(left)
        self._remove_unused()

    def clean(self, agent: str, runtimes_only: bool) -> int:
        """Remove all files, environments and other agents; gives the bytes that are free now and were not.

        With ``runtimes_only`` nothing but the environments goes.
        """
        before = shutil.disk_usage(str(self.cache)).free
        if runtimes_only:
            for left in (self.cache / "envs").iterdir():
                _remove(left)
            return max(0, shutil.disk_usage(str(self.cache)).free - before)
        for name in ("store", "envs", "incoming"):
            for left in (self.cache / name).iterdir():
                _remove(left)
        for other in self._other_agents(agent):
            _remove(other)
        return max(0, shutil.disk_usage(str(self.cache)).free - before)

    def _remove_unused(self) -> None:
        agent = Path(sys.argv[0]).name
        now = time.time()
        with contextlib.suppress(OSError):
            os.utime(str(self.cache / "agents" / agent))
        if now < _CLOCK_IS_SET:
            return
        for path in [*(self.cache / "store").iterdir(), *self._other_agents(agent)]:
            with contextlib.suppress(OSError):
                if now - path.lstat().st_mtime > _UNUSED_S:
                    _remove(path)

    def _other_agents(self, agent: str) -> List[Path]:
        """All agents but one, with what was noted of them."""
        return [path for path in (self.cache / "agents").iterdir() if not path.name.startswith(agent)]

    def path(self, sha256: str) -> Path:
        """Where a file of the store lies; raises AgentError if the name is no sha256 or it is not there."""
        _check_digest(sha256)
        path = self.cache / "store" / sha256
        if not path.is_file():
            raise AgentError("not_found", "no file %s in the board's store" % sha256)
        return path

    def missing(self, digests: List[str]) -> List[str]:
        """Those that are not in the store; a damaged file is removed and counts as missing."""
        return [digest for digest in digests if not self._sound(digest)]

    def _sound(self, digest: str) -> bool:
        _check_digest(digest)
        path = self.cache / "store" / digest
        if not path.is_file():
            return False
        if self._sha256(path) == digest:
            os.utime(str(path))
            return True
        path.unlink()
        return False

    def admit(self, sha256: str, incoming: str) -> None:
        """Check an upload's hash and move it into the store; a wrong one is removed."""
        _check_digest(sha256)
        if not incoming or incoming != Path(incoming).name or incoming in (".", ".."):
            raise AgentError("bad_request", "%r is no plain file name" % incoming)
        upload = self.cache / "incoming" / incoming
        if not upload.is_file():
            raise AgentError("not_found", "no upload %s to admit" % incoming)
        found = self._sha256(upload)
        if found != sha256:
            upload.unlink()
            raise AgentError("bad_request", "the upload %s has sha256 %s instead of %s" % (incoming, found, sha256))
        try:
            upload.replace(self.cache / "store" / sha256)
        except OSError as error:
            raise _disk_error(error, "the upload %s cannot be stored" % incoming) from error

    def unpack(self, sha256: str, env: str, info: Dict[str, Any]) -> None:
        """Make ``envs/ENV`` from a tar that holds ``site/``, with ``env.json``; whole or not at all."""
        archive = self.path(sha256)
        if not env or env != Path(env).name or env.startswith("."):
            raise AgentError("bad_request", "%r is no plain name of an environment" % env)
        making = self.cache / "envs" / (".%s.%d" % (env, os.getpid()))
        shutil.rmtree(str(making), ignore_errors=True)
        try:
            _extract(archive, making, self._tick)
            (making / "env.json").write_text(json.dumps(info), encoding="utf-8")
            _swap_in(making, self.cache / "envs" / env)
        except OSError as error:
            raise _disk_error(error, "environment %s cannot be unpacked" % env) from error
        finally:
            shutil.rmtree(str(making), ignore_errors=True)

    def _sha256(self, path: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                digest.update(chunk)
                self._tick()
        return digest.hexdigest()


def _remove_left(path: Path) -> None:
    with contextlib.suppress(OSError):
        if (
            path.name.startswith((_AGENT_UPLOAD, _RESUMED_UPLOAD))
            and time.time() - path.lstat().st_mtime < _ABANDONED_S
        ):
            return
    _remove(path)


def _remove(path: Path) -> None:
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
    except OSError as error:
        sys.stderr.write("%s is left as it is: %s\n" % (path, error.strerror))
        return
    shutil.rmtree(str(path), ignore_errors=True)


def _extract(archive: Path, target: Path, tick: Callable[[], None]) -> None:
    try:
        with tarfile.open(str(archive)) as tar:
            for member in tar:
                _extract_member(tar, member, target)
                tick()
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise AgentError("bad_request", "%s is no whole tar file: %s" % (archive.name, error)) from error
    if not (target / "site").is_dir():
        raise AgentError("bad_request", "%s holds no folder site/" % archive.name)


def _extract_member(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    parts = Path(member.name).parts
    if member.name.startswith("/") or ".." in parts or not (member.isdir() or member.isreg()):
        raise AgentError("bad_request", "the tar member %r is neither a file nor a folder below its top" % member.name)
    path = target.joinpath(*parts)
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    if source is None:
        raise AgentError("bad_request", "the tar member %r has no content" % member.name)
    with source, path.open("wb") as file:
        _copy(source, file)
    path.chmod(0o600 | (member.mode & 0o755))


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    shutil.copyfileobj(source, target, _CHUNK)


def _swap_in(making: Path, final: Path) -> None:
    old = making.with_name(making.name + ".old")
    if final.exists():
        final.rename(old)
    making.rename(final)
    shutil.rmtree(str(old), ignore_errors=True)


def _check_digest(value: object) -> None:
    if not is_digest(value):
        raise AgentError("bad_request", "%r is no sha256 in hexadecimal" % (value,))


def _disk_error(error: OSError, what: str) -> AgentError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return AgentError("disk_full" if full else "unfit", "%s: %s" % (what, (error.strerror or str(error)).lower()))
