"""index.html beside the runs: all of them on one page with their main figure's way, a search and filters."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from harness.records.base import Record
from harness.records.errors import ResultsFileError
from harness.records.files import read_bytes
from harness.records.operating_point import fingerprint_at
from harness.records.results import Results
from harness.records.status import Status
from harness.records.text import visible
from harness.report.charts.sparkline import MOST, sparkline
from harness.report.labels import EXIT_MEANINGS, STATUS_WORDS, device_title, shown_status
from harness.report.numbers import format_value, value_of
from harness.report.page import PAGE_NAME, TEMPLATES, hash_of, style_and_hash, templates
from harness.store import load_results
from harness.store.disk import locked, write_whole
from harness.store.results_file import RESULTS_NAME

INDEX_NAME = "index.html"
CACHE_NAME = "index.jsonl"
"""What the page says of each run, a line each, so that a thousand results need not be read again."""

_NAMED = 4
"""Candidates of a run that its row names; the search knows all."""
_MOST_CACHE_BYTES = 64 * 1024 * 1024
_WORST_FIRST = sorted(Status, key=lambda status: -status.severity)
_WORDS = {status.value: STATUS_WORDS[status] for status in _WORST_FIRST} | {
    "EMPTY": "nothing measured",
    "INTERRUPTED": "interrupted",
    "INCOMPLETE": "incomplete",
}


class MainFigure(Record):
    """The median latency of the first entry that has one, and the series to which it belongs."""

    series: tuple[str, ...]
    """Device, its fingerprint, candidate, recipe, test, branch and estimator: of these alone figures are compared."""
    subject: str
    """The entry's candidate with its recipe."""
    value_s: float


class RunLine(Record):
    """A run as the index shows it, and which file that was read from."""

    folder: str
    stamp: str
    """Size and time of change of its results.json."""
    id: str
    created_at: str
    commit: str | None
    devices: tuple[str, ...]
    """With their labels: "rpi4 (simulated board)"."""
    candidates: tuple[str, ...]
    branch: str | None = None
    counts: dict[str, int]
    status: str
    exit_code: int
    figure: MainFigure | None


@dataclass(frozen=True)
class Index:
    """The page that was written, and a sentence on each folder that is not on it."""

    page: Path
    skipped: tuple[str, ...]


def write_index(reports_dir: Path, read: Mapping[str, Results] | None = None) -> Index:
    """Write index.html of a reports folder, newest run first; what was read before is not read again.

    ``read`` has the results, by their folders' names, that the caller has read.
    Raises HarnessError where the page cannot be written.
    """
    with locked(reports_dir / f".{CACHE_NAME}.lock"):
        known = _read_cache(reports_dir / CACHE_NAME)
        lines, skipped = [], []
        for file in sorted(reports_dir.glob(f"*-*/{RESULTS_NAME}"), reverse=True):
            if file.parent.is_symlink():
                continue
            try:
                lines.append(_line(file, known, read or {}))
            except (ResultsFileError, OSError) as error:
                skipped.append(f"left out of the index: {error}")
        text = "".join(line.model_dump_json() + "\n" for line in lines)
        write_whole(reports_dir / CACHE_NAME, text.encode())
        page = reports_dir / INDEX_NAME
        write_whole(page, index_page(lines, skipped, reports_dir).encode())
    return Index(page, tuple(skipped))


def index_page(lines: Iterable[RunLine], skipped: Iterable[str], reports_dir: Path) -> str:
    """The page's text; its one script is allowed by its hash, and there is a page without it, too."""
    style, style_hash = style_and_hash()
    script = (TEMPLATES / "index.js").read_text(encoding="utf-8")
    rows = [_row(line, way, reports_dir) for line, way in _with_ways(lines)]
    return (
        templates()
        .get_template("index.html")
        .render(
            rows=rows,
            skipped=list(skipped),
            statuses=[pair for pair in _WORDS.items() if any(row["status"] == pair[0] for row in rows)],
            devices=sorted({device for row in rows for device in row["devices"]}),
            branches=sorted({row["branch"] for row in rows} - {""}),
            style=style,
            script=script,
            style_hash=style_hash,
            script_hash=hash_of(script),
        )
    )


def _with_ways(lines: Iterable[RunLine]) -> list[tuple[RunLine, Sequence[float]]]:
    """The runs, newest first, each with its series' figures up to its own, oldest first."""
    ways: dict[tuple[str, ...], list[float]] = {}
    found = list[tuple[RunLine, Sequence[float]]]()
    for line in sorted(lines, key=lambda line: (line.created_at, line.id)):
        way = ways.setdefault(line.figure.series, []) if line.figure else []
        if line.figure:
            way.append(line.figure.value_s)
        found.append((line, way[-MOST:]))
    return found[::-1]


def _read_cache(cache: Path) -> dict[tuple[str, str], RunLine]:
    """The lines of the cache; one that is torn or of another version is read anew from its run."""
    try:
        content = read_bytes(cache, max_bytes=_MOST_CACHE_BYTES, follow=False)
    except OSError:
        return {}
    found = {}
    for text in content.splitlines():
        try:
            line = RunLine.model_validate_json(text)
        except ValidationError:
            continue
        found[line.folder, line.stamp] = line
    return found


def _line(file: Path, known: dict[tuple[str, str], RunLine], read: Mapping[str, Results]) -> RunLine:
    stat = file.stat()
    stamp = f"{stat.st_size}-{stat.st_mtime_ns}"
    name = file.parent.name
    return known.get((name, stamp)) or _sum_up(read.get(name) or load_results(file), name, stamp)


def _sum_up(results: Results, folder: str, stamp: str) -> RunLine:
    run = results.run
    names = dict.fromkeys([*results.devices, *(entry.device for entry in results.entries)])
    return RunLine(
        folder=folder,
        stamp=stamp,
        id=run.id,
        created_at=run.created_at,
        commit=run.commit,
        devices=tuple(device_title(name, results.devices) for name in names),
        candidates=tuple(dict.fromkeys(entry.candidate for entry in results.entries)),
        branch=run.branch,
        counts={status.value: count for status, count in Counter(e.status for e in results.entries).items()},
        status=str(run.status),
        exit_code=run.exit_code,
        figure=_main_figure(results),
    )


def _main_figure(results: Results) -> MainFigure | None:
    for entry in results.entries:
        p50 = value_of(entry, "latency_p50")
        if p50 is not None and p50.value is not None:
            record = results.devices.get(entry.device)
            run = results.run
            board = fingerprint_at(record.fingerprint if record else None, entry.operating_point)
            where = (entry.device, board or "")
            what = (entry.candidate, entry.recipe or "", entry.test, run.branch or "", str(run.estimator))
            return MainFigure(series=(*where, *what), subject=entry.subject, value_s=p50.value)
    return None


def _row(line: RunLine, way: Sequence[float], reports_dir: Path) -> dict[str, Any]:
    has_page = (reports_dir / line.folder / PAGE_NAME).is_file()
    counted = [f"{count} {STATUS_WORDS[status]}" for status in _WORST_FIRST if (count := line.counts.get(status.value))]
    more = len(line.candidates) - _NAMED
    commit, _, changed = (line.commit or "").partition("+")
    devices = list(map(visible, line.devices))
    return {
        "line": line,
        "devices": devices,
        "device_list": json.dumps(devices),
        "status": (status := shown_status(line.status, line.exit_code)),
        "word": _WORDS.get(status, status),
        "counts": ", ".join(counted) or "none",
        "when": line.created_at[:16].replace("T", " "),
        "branch": visible(line.branch or ""),
        "candidates": [*map(visible, line.candidates[:_NAMED]), *([f"and {more} more"] if more > 0 else [])],
        "commit": f"{commit[:8]}{'+' if changed else ''}",
        "meaning": EXIT_MEANINGS.get(line.exit_code, "not a code of this harness"),
        "href": f"./{quote(line.folder)}/{PAGE_NAME}" if has_page else None,
        "figure": format_value(line.figure.value_s, "s") if line.figure else "",
        "subject": visible(line.figure.subject) if line.figure else "",
        "spark": sparkline(way, "s"),
        "searched": " ".join(_search_texts(line)).casefold(),
    }


def _search_texts(line: RunLine) -> Iterator[str]:
    yield from (line.id, line.created_at, line.commit or "", line.branch or "", *line.devices, *line.candidates)
