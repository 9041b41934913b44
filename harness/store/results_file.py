"""results.json: written the same way each time, read strictly in every version, described by a JSON Schema."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from harness.records.base import Record, describe_problems
from harness.records.entry import Entry
from harness.records.errors import HarnessError, ResultsFileError
from harness.records.files import read_bytes
from harness.records.results import SCHEMA_VERSION, Results
from harness.records.text import encoded
from harness.store.disk import write_whole

JsonValue: TypeAlias = "None | bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | Record"
"""Records stand for what they dump, which is made when their turn comes."""


def json_text(value: JsonValue) -> str:
    """The same text for the same value each time: keys as given, floats by repr; ValueError for NaN."""
    return "".join(json_parts(value))


def json_line(record: Record) -> bytes:
    """A record as one line of JSON in UTF-8, also where it names a file whose name is none; ValueError for NaN."""
    try:
        return record.model_dump_json().encode()
    except PydanticSerializationError:
        return encoded(_plain(record.model_dump(mode="json")))


def json_parts(value: JsonValue, *, indent: int = 0) -> Iterator[str]:
    """The text in parts, so that of a large value nobody needs to hold all of it."""
    if isinstance(value, Record):
        value = value.model_dump(mode="json")
    if isinstance(value, dict) and value:
        named = ((f"{_plain(key)}: ", item) for key, item in value.items())
        yield from _block("{}", named, indent)
    elif isinstance(value, list) and any(isinstance(item, dict | list | Record) for item in value):
        yield from _block("[]", (("", item) for item in value), indent)
    else:
        yield _plain(value)


def _block(brackets: str, items: Iterable[tuple[str, JsonValue]], indent: int) -> Iterator[str]:
    inner = "\n" + " " * (indent + 1)
    start = brackets[0] + inner
    for name, item in items:
        yield start + name
        yield from json_parts(item, indent=indent + 1)
        start = f",{inner}"
    yield "\n" + " " * indent + brackets[1]


def _plain(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


RESULTS_NAME = "results.json"
MAX_RESULTS_BYTES = 512 * 1024 * 1024
"""More than any journal that was accepted becomes, indented."""


_KNOWN_VERSIONS: Final = (1, SCHEMA_VERSION)
_VERIFICATION_1: Final = (
    "accuracy",
    "accuracy_reason",
    "accuracy_drop",
    "fidelity",
    "fidelity_reason",
    "worst_layers",
    "layers_reason",
)
"""Fields that stood in the artifact's own record until version 1."""


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
    version = _version(file, content)
    try:
        return Results.model_validate_json(content if version == SCHEMA_VERSION else _from_version_1(content))
    except ValidationError as error:
        raise ResultsFileError(
            f"{file}: not a results file of schema version {version}: {describe_problems(error)}; "
            "it was damaged or edited, run the benchmark again"
        ) from error


def _from_version_1(content: bytes) -> bytes:
    """A file of version 1 as one of version 2; what is no JSON object of a results file is left for the reader."""
    document = from_json(content)
    entries = document.get("entries")
    for entry in entries if isinstance(entries, list) else ():
        _nest_verification(entry)
    return to_json(document | {"schema_version": SCHEMA_VERSION}, inf_nan_mode="constants")


def parse_entry(line: bytes) -> Entry:
    """One entry as a journal has it, of this version or of version 1. Raises ValidationError."""
    try:
        return Entry.model_validate_json(line)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] == "json_invalid":
            raise
        entry = from_json(line)
        _nest_verification(entry)
        return Entry.model_validate_json(to_json(entry, inf_nan_mode="constants"))


def _nest_verification(entry: Any) -> None:  # noqa: ANN401 - JSON that nobody has checked yet
    """Move, in an entry of version 1, what an artifact's own record had of its verification into one of its own."""
    holders = (entry, entry.get("baseline")) if isinstance(entry, dict) else ()
    for holder in holders:
        artifact = holder.get("artifact") if isinstance(holder, dict) else None
        if isinstance(artifact, dict) and "verification" not in artifact:
            artifact["verification"] = {name: artifact.pop(name) for name in _VERIFICATION_1 if name in artifact}


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


def _version(file: Path, content: bytes) -> int:
    """The file's schema version. Raises ResultsFileError for one that is not known here."""
    try:
        version = _Versioned.model_validate_json(content).schema_version
    except ValidationError as error:
        problem = error.errors()[0]
        if problem["type"] != "json_invalid":
            raise ResultsFileError(f"{file}: no schema_version: expected the {RESULTS_NAME} of a run") from error
        raise ResultsFileError(
            f"{file}: not JSON ({problem['msg']}); it was damaged, run the benchmark again"
        ) from error
    if type(version) is not int or version not in _KNOWN_VERSIONS:
        raise ResultsFileError(
            f"{file}: schema version {str(version)[:40]!r}, but this harness knows versions 1 to {SCHEMA_VERSION}; "
            "read it with the harness that wrote it, or a newer one"
        )
    return version
