"""A runtime for a board that has none, or no internet: fetched here, shipped, unpacked, proved by a model."""

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.board.live import LiveBoard
from harness.board.open_board import open_board
from harness.board.runtime_proof import prove
from harness.board.wheels import WheelSet, choose_wheels, fetch_wheels
from harness.records.board import RuntimeFound
from harness.records.cache_dir import writable_cache
from harness.records.device import DeviceProfile
from harness.records.errors import BoardUnfitError

Say = Callable[[str], None]


def provision(  # noqa: PLR0913 - all but two are named
    profile: DeviceProfile,
    package: str | None = None,
    *,
    cache_dir: Path | None = None,
    wheels: Path | None = None,
    say: Say = lambda _: None,
    lease: str | None = None,
) -> RuntimeFound:
    """The runtime of ``package`` (default: the profile's) on the profile's board, proved by running a model there.

    One that is there and works is left alone; else it is put into an environment of its own in the board's cache.
    The board needs Python, but neither pip nor internet. ``wheels`` is a folder that holds them; without it pip asks
    its index. ``say`` is told what happens; ``lease`` is another lease than
    the board's own.
    Raises BoardUnfitError where no runtime fits the board, none can be downloaded, or it fails its proof.
    """
    with open_board(profile, tune=False, lease=lease) as board:
        try:
            return provision_board(
                board, package or profile.runtime.package, cache_dir=cache_dir, wheels=wheels, say=say
            )
        except BoardUnfitError as error:
            named = str(error).startswith(f"{profile.name}:")
            raise error if named else BoardUnfitError(f"{profile.name}: {error}") from error


def provision_board(
    board: LiveBoard, package: str, *, cache_dir: Path | None, wheels: Path | None = None, say: Say
) -> RuntimeFound:
    """The same on a board that is open already."""
    # LiteRT's CompiledModel is in the same package; beside a program any runtime's numpy will do.
    package = {"compiled": "litert", "command": "auto"}.get(package, package.replace("compiled==", "litert=="))
    there = _find_working(board, package, say)
    if there is not None:
        return there
    facts = board.facts
    chosen = choose_wheels(facts.arch, facts.python, facts.libc, package=package)
    say(f"fetching {chosen}")
    archive = fetch_wheels(chosen, writable_cache(cache_dir), wheels)
    say(f"sending {archive.stat().st_size / 1e6:.0f} MB to {board.profile.name}, unless it is there already")
    return _install(board, chosen, archive, say)


def _find_working(board: LiveBoard, package: str, say: Say) -> RuntimeFound | None:
    """A runtime of that package which is on the board and passes its proof."""
    name, _, version = package.partition("==")
    for found in board.facts.runtimes:
        if name not in ("auto", found.package) or version not in ("", found.version):
            continue
        objection = prove(board, found)
        if objection is None:
            say(f"{found.package} {found.version} is on the board and runs a model")
            return found
        say(f"{found.package} {found.version} on the board does not run: {objection}")
    return None


def _install(board: LiveBoard, wheels: WheelSet, archive: Path, say: Say) -> RuntimeFound:
    _unpack(board, archive, wheels.env, {"package": wheels.package, "version": wheels.version, "machine": wheels.arch})
    found = _find_unpacked(board, wheels)
    objection = "the board does not find what was unpacked" if found is None else prove(board, found)
    if found is None or objection is not None:
        _withdraw(board, wheels.env)
        raise BoardUnfitError(_describe_failure(wheels, objection))
    say(f"{found.package} {found.version} runs a model")
    return found


def _unpack(board: LiveBoard, archive: Path, env: str, info: dict[str, str]) -> None:
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    board.ship(archive, sha256)
    board.unpack(sha256, env=env, info=info)


def _find_unpacked(board: LiveBoard, wheels: WheelSet) -> RuntimeFound | None:
    site = f"/envs/{wheels.env}/site"
    return next((found for found in board.probe().runtimes if (found.site or "").endswith(site)), None)


def _withdraw(board: LiveBoard, env: str) -> None:
    """An environment that failed its proof is emptied, so that no run takes it."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "empty.tar"
        archive.write_bytes(_empty_tar())
        _unpack(board, archive, env, {"package": "none"})


def _empty_tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as tar:
        site = tarfile.TarInfo("site")
        site.type, site.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(site)
    return content.getvalue()


def _describe_failure(wheels: WheelSet, objection: str | None) -> str:
    hint = "" if wheels.numpy else "; is the distribution's python3-numpy installed on the board?"
    return f"{wheels} was put on the board, but does not run there: {objection}{hint}"
