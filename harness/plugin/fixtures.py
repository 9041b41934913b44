"""The ``bench`` fixture."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from harness.plugin.failures import STATUS_PROPERTY, UNREACHED_PROPERTY
from harness.plugin.hooks import BENCHING

if TYPE_CHECKING:
    from harness.plugin.benching import Benching
    from harness.records.candidate import Candidate
    from harness.records.results import Entry

    Bench = Callable[[Candidate], Entry]


@pytest.fixture(scope="session")
def harness_device(request: pytest.FixtureRequest) -> str:
    """The device this test runs on."""
    return str(request.param)


@pytest.fixture
def bench(request: pytest.FixtureRequest, harness_device: str) -> "Bench":
    """``bench(candidate)`` builds, ships, measures and judges a candidate on this test's device.

    It returns the entry; it raises, after recording, where a limit is broken or nothing could be measured.
    """
    from harness.records.errors import BoardUnavailableError, UsageError

    benching: Benching = request.config.stash[BENCHING]
    try:
        benching.session.open(harness_device)
    except BoardUnavailableError as error:
        _unreached(request, error)
    except UsageError as error:
        pytest.exit(str(error), returncode=error.exit_code)

    def run(candidate: "Candidate") -> "Entry":
        limits = benching.limits(request, candidate, harness_device)
        try:
            entry = benching.session.measure(candidate, harness_device, test=request.node.nodeid, limits=limits)
        except BoardUnavailableError as error:
            _unreached(request, error)
        request.node.user_properties.append((STATUS_PROPERTY, entry.status.value))
        _raise_unless_held(entry, warn=benching.settings.inconclusive == "warn")
        return entry

    return run


def _unreached(request: pytest.FixtureRequest, error: Exception) -> Any:  # noqa: ANN401 - never returns
    request.node.user_properties.append((UNREACHED_PROPERTY, str(error)))
    pytest.fail(str(error), pytrace=False)


def _raise_unless_held(entry: "Entry", *, warn: bool) -> None:
    from harness.records.status import Status

    held = {Status.MEASURED, Status.PASS} | ({Status.INCONCLUSIVE} if warn else set())
    if entry.status not in held:
        pytest.fail(f"{entry.status.value}: {entry.reason}", pytrace=False)
