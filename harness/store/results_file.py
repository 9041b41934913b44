"""results.json: written the same way each time, read strictly, described by a JSON Schema."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.records.errors import HarnessError, ResultsFileError
from harness.records.files import read_bytes
from harness.records.results import SCHEMA_VERSION, Results
from harness.records.text import encoded
from harness.store.disk import write_whole
from harness.store.json_text import json_parts
from harness.store.problems import describe

RESULTS_NAME = "results.json"
MAX_RESULTS_BYTES = 512 * 1024 * 1024
"""More than any journal that was accepted becomes, indented."""


class _Versioned(BaseModel):
    """The version alone: the rest of a large file is passed over without being kept."""

    schema_version: Any


def results_text(results: Results) -> str:
    """The content of results.json: keys in the records' order, floats by repr; HarnessError for NaN."""
    return b"".join(_parts(results)).decode()


def save_results(results: Results, path: Path) -> None:
    """Write results.json by an atomic rename; HarnessError, and nothing written, where nobody could read it back."""
    write_whole(path, _within_limit(_parts(results), path))


def _parts(results: Results) -> Iterator[bytes]:
    fields = {name: getattr(results, name) for name in Results.model_fields}
    try:
        for part in json_parts(fields):
            yield encoded(part)
    except ValueError as error:
        raise HarnessError(f"results of run {results.run.id}: not valid JSON ({error}); report this") from error
    yield b"\n"


def _within_limit(parts: Iterable[bytes], path: Path) -> Iterator[bytes]:
    size = 0
    for part in parts:
        size += len(part)
        if size > MAX_RESULTS_BYTES:
            raise HarnessError(
                f"{path}: more than the {MAX_RESULTS_BYTES} bytes a results file may have; what was measured is kept "
                "in the journal beside it; measure fewer entries a run"
            )
        yield part


def load_results(path: Path) -> Results:
    """Results from a results.json or from a run folder; what else names a run is for ``stored_runs.find_run``.

    ResultsFileError, one line with every problem, for a file that is missing, of another schema or damaged.
    """
    file = path / RESULTS_NAME if path.is_dir() else path
    if not file.parent.name.isprintable():
        raise ResultsFileError(f"{str(file)!a}: the folder's name cannot be shown: rename it")
    content = _read(file)
    _check_version(file, content)
    try:
        return Results.model_validate_json(content)
    except ValidationError as error:
        raise ResultsFileError(
            f"{file}: not a results file of schema version {SCHEMA_VERSION}: {describe(error)}; "
            "it was damaged or edited, run the benchmark again"
        ) from error


def results_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of results.json."""
    schema = Results.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _read(file: Path) -> bytes:
    try:
        return read_bytes(file, max_bytes=MAX_RESULTS_BYTES)
    except OSError as error:
        raise ResultsFileError(
            f"{file}: cannot be read ({error.strerror}): expected a run folder or its {RESULTS_NAME}; "
            "a run that was killed has none"
        ) from error


def _check_version(file: Path, content: bytes) -> None:
    try:
        version = _Versioned.model_validate_json(content).schema_version
    except ValidationError as error:
        problem = error.errors()[0]
        if problem["type"] != "json_invalid":
            raise ResultsFileError(f"{file}: no schema_version: expected the {RESULTS_NAME} of a run") from error
        raise ResultsFileError(
            f"{file}: not JSON ({problem['msg']}); it was damaged, run the benchmark again"
        ) from error
    if version != SCHEMA_VERSION:
        raise ResultsFileError(
            f"{file}: schema version {str(version)[:40]!r}, but this harness knows version {SCHEMA_VERSION}; "
            "read it with the harness that wrote it, or a newer one"
        )
