"""What a test needs beyond Python: skipped by name and reason here, failed where CI=true; the last line names it.

``TESTS_WITHOUT="sshd chromium runuser root shared"`` runs the tests as on a machine that lacks what is named.
"""

import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest

WITHOUT_EMULATED = "not emulated"
"""How `make test` chooses tests."""
SHARED = Path(__file__).resolve().parents[3] / "shared"

_WHERE = {
    "sshd": ("/usr/sbin/sshd", "install openssh-server"),
    "chromium": ("chromium", "install chromium"),
    "runuser": ("/usr/sbin/runuser", "install util-linux"),
    "gcc": ("gcc", "install gcc"),
    "qemu": ("qemu-system-aarch64", "install qemu-system-arm"),
    "dpkg-deb": ("dpkg-deb", "install dpkg"),
    "debootstrap": ("/usr/sbin/debootstrap", "install debootstrap"),
    "ip": ("ip", "install iproute2"),
    "visudo": ("/usr/sbin/visudo", "install sudo"),
    **{shell: (shell, f"install {shell}") for shell in ("dash", "fish", "tcsh", "zsh")},
}


def need(tool: str) -> str:
    """Path of a program; without it the test is skipped with the reason, or failed where CI=true."""
    program, remedy = _WHERE[tool]
    found = shutil.which(program)
    if found is None or _without(tool):
        missing(f"{tool} is not on this machine: {remedy}")
        raise AssertionError("unreachable")
    return found


def need_root() -> None:
    """Skip, or fail where CI=true, unless the tests run as root."""
    if os.geteuid() != 0 or _without("root"):
        missing("this test makes accounts and needs root")


def need_shared(relative: str) -> Path:
    """A file or folder of sample models beside the repository; always a skip where it is absent."""
    path = SHARED / relative
    if not path.exists() or _without("shared"):
        pytest.skip(f"sample files are not on this machine: {path.name}")
    return path


def missing(reason: str) -> None:
    """Skip here, fail where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Name what this machine lacks, after all else that pytest says."""
    result = yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return result
    skipped = reporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    if reasons:
        told = "; ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
        reporter.write_line(f"skipped on this machine: {told}")
    for line in _emulated_lines(session.config, reporter.getreports("passed")):
        reporter.write_line(line)
    return result


def _emulated_lines(config: pytest.Config, passed: Sequence[pytest.TestReport]) -> Iterator[str]:
    """How long the emulated ARM board took, step by step; or that its tests were left out."""
    if config.getoption("markexpr") == WITHOUT_EMULATED:
        yield "left out: the emulated ARM board (make test-all takes it)"
    told = [
        (report.duration, steps) for report in passed for name, steps in report.user_properties if name == "emulated"
    ]
    for _, steps in told:
        yield "emulated ARM board: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in steps.items())
    if told:
        yield f"emulated ARM boards: {sum(seconds for seconds, _ in told):.0f} s in all"


def _without(thing: str) -> bool:
    return thing in os.environ.get("TESTS_WITHOUT", "").split()
