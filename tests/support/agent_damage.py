"""What a power cut, or a failing disk, may leave of the agent on a board."""

import py_compile
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path], None]


def empty_module(agent: Path) -> None:
    """A module without content."""
    (agent / "edge_agent" / "lease.py").write_bytes(b"")


def missing_module(agent: Path) -> None:
    """A module that is not there."""
    (agent / "edge_agent" / "steward.py").unlink()


def missing_start(agent: Path) -> None:
    """Nothing to start."""
    (agent / "__main__.py").unlink()


def one_bit(agent: Path) -> None:
    """A module in which one bit differs."""
    path = agent / "edge_agent" / "latency_trial.py"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def stray_module(agent: Path) -> None:
    """A module that hides one of Python's."""
    (agent / "edge_agent" / "json.py").write_text("raise SystemExit(9)")


def file_in_its_place(agent: Path) -> None:
    """The folder is a file: a part of a zip."""
    shutil.rmtree(agent)
    agent.write_bytes(b"PK\x03\x04" + bytes(1000))


def empty_folder(agent: Path) -> None:
    """The folder is empty."""
    shutil.rmtree(agent)
    agent.mkdir()


def cut_off_compiled(agent: Path) -> None:
    """A compiled module that ends too soon."""
    path = _compiled(agent, "steward")
    path.write_bytes(path.read_bytes()[:200])


def empty_compiled(agent: Path) -> None:
    """A compiled module without content."""
    _compiled(agent, "probe").write_bytes(b"")


def other_compiled(agent: Path) -> None:
    """Compiled from something else, with the header of the right one: Python itself would not notice."""
    path = _compiled(agent, "wire")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "other.py", Path(folder) / "other.pyc"
        source.write_text("raise SystemExit(9)")
        py_compile.compile(str(source), cfile=str(target), doraise=True)
        path.write_bytes(path.read_bytes()[:16] + target.read_bytes()[16:])


SOURCES: tuple[Damage, ...] = (
    empty_module,
    missing_module,
    missing_start,
    one_bit,
    stray_module,
    file_in_its_place,
    empty_folder,
)
COMPILED: tuple[Damage, ...] = (cut_off_compiled, empty_compiled, other_compiled)


def _compiled(agent: Path, module: str) -> Path:
    return next((agent / "edge_agent" / "__pycache__").glob(f"{module}.*.pyc"))
