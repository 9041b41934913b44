"""Neither --help nor collecting loads what only measuring needs."""

import subprocess
import sys
from pathlib import Path

HEAVY = ("tensorflow", "paramiko", "scipy", "jinja2", "altair")
ROOT = Path(__file__).resolve().parents[2]


def loaded_after(code: str, among: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of some packages, by default the heavy ones, a fresh Python has loaded after running code."""
    probe = f"{code}\nimport sys\nprint('LOADED', *[name for name in {among!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("LOADED"))
    return set(line.split()[1:])


def test_the_probe_sees_what_is_loaded() -> None:
    assert loaded_after("import paramiko") == {"paramiko"}


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['harness', '--help']\nfrom harness.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    assert loaded_after(code, (*HEAVY, "pydantic")) == set(), "no record is needed to list commands"


def test_collecting_loads_nothing_heavy() -> None:
    code = "import pytest\nassert pytest.main(['--collect-only', '-q', 'benchmarks/']) == 0"
    assert loaded_after(code) == set()


def test_collecting_for_a_device_loads_nothing_heavy() -> None:
    code = "import pytest\nassert pytest.main(['--collect-only', '-q', 'benchmarks/', '--device=rpi4']) == 0"
    assert loaded_after(code) == set()
