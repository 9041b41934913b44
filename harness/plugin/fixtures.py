"""The ``bench`` fixture."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, NoReturn

import pytest

from harness.plugin.failures import UNREACHED_PROPERTY, USAGE_PROPERTY, held
from harness.plugin.flags import spelled
from harness.plugin.hooks import BENCHING

if TYPE_CHECKING:
    from harness.records.candidate import Candidate
    from harness.records.results import Entry

    Bench = Callable[[Candidate | str | PathLike[str]], Entry]


@pytest.fixture(scope="session")
def harness_device(request: pytest.FixtureRequest) -> str:
    """The device this test runs on."""
    return str(getattr(request, "param", ""))


@pytest.fixture
def bench(request: pytest.FixtureRequest, harness_device: str) -> "Bench":
    """``bench(candidate)`` builds, ships, measures and judges a candidate on this test's device.

    A name or a path, relative to the test's file, is taken as ``candidates`` takes it. It returns the entry, of which
    ``entry["latency_p50"].value`` is a figure in its SI base unit; it raises, after recording, where a limit is broken
    or nothing could be measured.
    """
    benching = request.config.stash.get(BENCHING, None)
    if benching is None:
        _refuse(request, USAGE_PROPERTY, "no device named: give --device NAME")
    if not harness_device:
        _refuse(
            request,
            USAGE_PROPERTY,
            "pytest does not see that this test asks for bench: let it ask for harness_device too",
        )
    from harness.plugin.properties import properties_of

    with _one_line(request):
        benching.session.open(harness_device)

    def run(candidate: "Candidate | str | PathLike[str]") -> "Entry":
        from harness.pipeline.candidates import single_candidate

        with _one_line(request):
            candidate = single_candidate(candidate, request.path.parent)
            limits = benching.budgets.limits(request.node, candidate, harness_device)
            share = benching.budgets.share(request.node, candidate, limits, alpha=benching.settings.alpha)
            entry = benching.session.measure(
                candidate, harness_device, test=request.node.nodeid, limits=limits, share=share
            )
        request.node.user_properties.extend(properties_of(entry))
        _raise_unless_held(request, entry, warn=benching.settings.inconclusive == "warn")
        return entry

    return run


@contextmanager
def _one_line(request: pytest.FixtureRequest) -> Iterator[None]:
    """Turn what the harness says into one line without a traceback, and tell the session of which kind it is."""
    from harness.records.errors import BoardUnavailableError, HarnessError, UsageError

    try:
        yield
        return
    except BoardUnavailableError as error:
        kind, sentence = UNREACHED_PROPERTY, str(error)
    except UsageError as error:
        kind, sentence = USAGE_PROPERTY, str(error)
    except HarnessError as error:
        kind, sentence = "", str(error)
    # Raised out here, so that pytest does not tell both errors.
    if kind:
        _refuse(request, kind, sentence)
    pytest.fail(_in_one_line(request, sentence), pytrace=False)


def _refuse(request: pytest.FixtureRequest, kind: str, sentence: str) -> NoReturn:
    line = _in_one_line(request, sentence)
    request.node.user_properties.append((kind, line))
    raise pytest.fail.Exception(line, pytrace=False) from None


def _raise_unless_held(request: pytest.FixtureRequest, entry: "Entry", *, warn: bool) -> None:
    if entry.status not in held(warn=warn):
        from harness.report.words import sentences

        said = (f"{status.value}: {reason}" for status, reason in sentences(entry))
        pytest.fail("\n".join(_in_one_line(request, sentence) for sentence in said), pytrace=False)


def _in_one_line(request: pytest.FixtureRequest, sentence: str) -> str:
    """As pytest prints it, at a line's start."""
    from harness.plugin.github import for_log

    return for_log(spelled(" ".join(sentence.split()), request.config))
