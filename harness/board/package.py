"""The agent's modules as one zip file, the same bytes every time."""

import io
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from harness.board.boot_code import digest_of

PACKAGE = "edge_agent"
"""The name under which the agent's modules import each other on the board."""
# Zip's earliest date: the package must not depend on when the files were written.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


@dataclass(frozen=True)
class AgentPackage:
    """The zip file, and its name on the board: the sha256 of the modules in it, each with its name."""

    content: bytes
    sha256: str


@cache
def agent_package() -> AgentPackage:
    """The agent as it is shipped: ``__main__.py`` on top, every module in the package ``edge_agent``."""
    sources = {
        entry.name: entry.read_bytes()
        for entry in files("harness").joinpath("agent").iterdir()
        if entry.name.endswith(".py")
    }
    return pack(sources)


def pack(sources: dict[str, bytes]) -> AgentPackage:
    """A zip of modules given as file name -> source."""
    contents = {"__main__.py": sources["__main__.py"]}
    contents |= {f"{PACKAGE}/{name}": sources[name] for name in sorted(sources)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in contents.items():
            _add(archive, name, source)
    return AgentPackage(buffer.getvalue(), digest_of(contents))


def _add(archive: zipfile.ZipFile, name: str, source: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _MODE
    entry.create_system = 3  # Unix, wherever this host runs
    archive.writestr(entry, source)
