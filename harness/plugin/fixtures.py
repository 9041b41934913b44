"""The ``bench`` fixture."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING

import pytest

from harness.plugin.failures import UNREACHED_PROPERTY, USAGE_PROPERTY, holding_statuses, in_one_line, refuse
from harness.plugin.hooks import BENCH_CALLS, BENCHMARK_SESSION

if TYPE_CHECKING:
    from harness.records.candidate import Candidate
    from harness.records.entry import Entry

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
    bench_session = request.config.stash.get(BENCHMARK_SESSION, None)
    if bench_session is None:
        refuse(request.node, USAGE_PROPERTY, "no device named: give --device NAME")
    if not harness_device:
        refuse(
            request.node,
            USAGE_PROPERTY,
            "pytest does not see that this test asks for bench: let it ask for harness_device too",
        )
    from harness.plugin.properties import entry_properties

    request.node.stash[BENCH_CALLS] = 0

    with _one_line(request):
        bench_session.session.open(harness_device)

    def run(*given: "Candidate | str | PathLike[str]", **keywords: object) -> "Entry":
        from harness.pipeline.candidates.make_candidates import single_candidate
        from harness.plugin.tuning_marker import marked_tuning

        request.node.stash[BENCH_CALLS] += 1
        with _one_line(request):
            candidate = single_candidate(_only_argument(given, keywords), request.path.parent)
            bench_session.budgets.record_call(request.node, candidate)
            limits = bench_session.budgets.limits(request.node, candidate, harness_device)
            share = bench_session.budgets.limit_alpha(
                request.node,
                candidate,
                limits,
                alpha=bench_session.settings.alpha,
                kept=bench_session.session.kept,
            )
            entry = bench_session.session.measure(
                candidate,
                harness_device,
                test=request.node.nodeid,
                limits=limits,
                share=share,
                tuning=marked_tuning(request.node, bench_session.session.profiles[harness_device].tuning),
            )
        bench_session.budgets.leave_alpha(limits, entry, share)
        request.node.user_properties.extend(entry_properties(entry))
        _raise_unless_held(request, entry, warn=bench_session.settings.inconclusive == "warn")
        return entry

    return run


def _only_argument(given: Sequence[object], keywords: Mapping[str, object]) -> object:
    """What ``bench`` was given; several as a list. Raises CandidateSpecError for a keyword that it does not have."""
    from harness.records.errors import CandidateSpecError

    unknown = [name for name in keywords if name != "candidate"]
    if unknown:
        raise CandidateSpecError(
            f"bench takes one candidate, a name or a path, and no {', '.join(unknown)}: parametrize the test, "
            f'@pytest.mark.parametrize("candidate", candidates(..., {unknown[0]}=...)), and call bench(candidate)'
        )
    everything = [*given, *keywords.values()]
    return everything[0] if len(everything) == 1 else everything or None


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
        refuse(request.node, kind, sentence)
    pytest.fail(in_one_line(request.config, sentence), pytrace=False)


def _raise_unless_held(request: pytest.FixtureRequest, entry: "Entry", *, warn: bool) -> None:
    if entry.status not in holding_statuses(warn=warn):
        from harness.report.labels import verdict_lines

        told = verdict_lines(entry)
        said = [text for line in told for text in (f"{line.status.value} {line.reason}", line.detail) if text]
        pytest.fail("\n".join(in_one_line(request.config, sentence) for sentence in said), pytrace=False)
