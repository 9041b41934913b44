"""The end of a run that a command measured: written, drawn and shown, also where Ctrl-C came or something failed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.records.results import Results
from harness.records.text import escaped_json
from harness.report import ReportRenderer
from harness.session.finish_run import RunStart, close_run, way_on
from harness.session.progress_line import ProgressLine
from harness.session.session import Session
from harness.store.results_file import results_text


@dataclass
class EndedRun:
    """What became of it."""

    code: int = 1
    early: bool = False
    """Whether not all was measured that was to be."""


@contextmanager
def ended_run(
    session: Session, start: RunStart, *, live: ProgressLine, report: ReportRenderer, as_json: bool
) -> Iterator[EndedRun]:
    """Measure in the body; at its end the boards are released, the run is written, drawn and shown.

    The first Ctrl-C or SIGTERM ends the body after the trial that runs, the second at once. HarnessError where
    results.json cannot be written; what was measured is then kept in the run's folder all the same.
    """
    ended, log, folder = EndedRun(), session.log, session.folder
    try:
        with session.stop.listening():
            yield ended
    except KeyboardInterrupt:
        log.end, log.sentence = "interrupted", session.stop.heard or "Ctrl-C"
    finally:
        with log.ending.holding_signals():
            live.clear()
            session.close()
            results = close_run(folder, settings=session.settings, start=start, seconds=session.seconds, log=log)
            log.ending.attempt("the report", lambda: report.render(folder.path, results), None)
            ended.code = results.run.exit_code
            ended.early = results.run.outcome is not None and results.run.outcome.lacking
            _show(results, session, as_json=as_json)


def _show(results: Results, session: Session, *, as_json: bool) -> None:
    """The table and where the report lies; as JSON the whole of results.json on stdout, the prose on stderr."""
    from harness.report import PAGE_NAME, table

    folder = session.folder
    prose = sys.stderr if as_json else sys.stdout
    page = folder.path / PAGE_NAME
    lines = [f"harness: {problem}" for problem in session.log.ending.problems]
    lines += [f"report: {page}"] if page.exists() else []
    lines += [f"go on with: {way}"] if (way := way_on(folder, ["harness", *sys.argv[1:]])) else []
    prose.write(f"{table(results)}\n" + "".join(f"{line}\n" for line in lines))
    if as_json:
        sys.stdout.write(escaped_json(results_text(results)))
