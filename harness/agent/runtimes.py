"""Which interpreter packages a board has.

"litert" is ai_edge_litert, "tflite" is tflite_runtime installed by pip (or uv), as in an environment made by
provisioning. "system" is what the board's vendor installed: a tflite_runtime without pip's mark (Coral's and
Debian's packages), else the interpreter inside TensorFlow.
"""

from __future__ import annotations

import json
import platform
import re
import struct
import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from edge_agent.sysfs import read_text

_INSTALLERS = ("pip", "uv")
_TENSORFLOW = ("tensorflow", "tensorflow_cpu", "tensorflow_aarch64", "tensorflow_cpu_aws")


def machine() -> str:
    """The architecture of this process: a 32-bit system may run on a 64-bit kernel."""
    kernel = platform.machine()
    return "armv7l" if kernel == "aarch64" and struct.calcsize("P") == 4 else kernel


class Installed(NamedTuple):
    """A distribution found on the module path, and whether pip put it there."""

    version: str
    by_pip: bool


def find_installed(name: str, paths: List[str]) -> Optional[Installed]:
    """The distribution of that (normalised) name that comes first on the paths, else None."""
    form = re.compile(re.escape(name) + r"-([^-]+?)(-py.*)?\.(dist|egg)-info")
    for folder in paths:
        for info in sorted(Path(folder or ".").glob(name + "-*.*-info")):
            match = form.fullmatch(info.name)
            if match:
                return Installed(match.group(1), by_pip=read_text(info / "INSTALLER") in _INSTALLERS)
    return None


def system_module(paths: List[str]) -> Optional[str]:
    """The module with the vendor's own interpreter, by the rule in this module's docstring."""
    vendor = find_installed("tflite_runtime", paths)
    unmarked = vendor is None and any((Path(path) / "tflite_runtime").is_dir() for path in paths if path)
    if unmarked or (vendor is not None and not vendor.by_pip):
        return "tflite_runtime.interpreter"
    if any(find_installed(name, paths) for name in _TENSORFLOW):
        return "tensorflow.lite.python.interpreter"
    return None


def find_runtimes(cache: Path) -> List[Dict[str, Any]]:
    """RuntimeFound records: of this Python, then of every provisioned environment."""
    return _of_this_python() + [
        record for record in map(_of_env, sorted((cache / "envs").glob("*/env.json"))) if record is not None
    ]


def _of_this_python() -> List[Dict[str, Any]]:
    versions: Dict[str, str] = {}
    litert, tflite = find_installed("ai_edge_litert", sys.path), find_installed("tflite_runtime", sys.path)
    if litert is not None:
        versions["litert"] = litert.version
    if tflite is not None and tflite.by_pip:
        versions["tflite"] = tflite.version
    system = _system_version()
    if system is not None:
        versions["system"] = system
    numpy = find_installed("numpy", sys.path)
    return [
        {
            "package": package,
            "version": version,
            "python": sys.executable,
            "site": None,
            "numpy": numpy.version if numpy else None,
        }
        for package, version in versions.items()
    ]


def _system_version() -> Optional[str]:
    module = system_module(sys.path)
    if module is None:
        return None
    names = ("tflite_runtime",) if module.startswith("tflite") else _TENSORFLOW
    known = [dist.version for dist in (find_installed(name, sys.path) for name in names) if dist is not None]
    return known[0] if known else "unknown"


def _of_env(file: Path) -> Optional[Dict[str, Any]]:
    """An environment's own account of itself; None where it is incomplete or not for this machine."""
    try:
        info = json.loads(read_text(file) or "")
    except ValueError:
        return None
    site = file.parent / "site"
    if not isinstance(info, dict) or info.get("package") not in ("litert", "tflite", "system"):
        return None
    if not site.is_dir() or info.get("machine", machine()) != machine():
        return None
    python, numpy = info.get("python"), find_installed("numpy", [str(site)])
    return {
        "package": info["package"],
        "version": str(info.get("version", "unknown")),
        "python": python if isinstance(python, str) else sys.executable,
        "site": str(site),
        "numpy": numpy.version if numpy else None,
    }
