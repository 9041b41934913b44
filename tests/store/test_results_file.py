import json
import math
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sample_results import results

from harness.records.base import MOST_INTEGER
from harness.records.entry import Entry, Finding, Histogram, Measurement, TrialSummary
from harness.records.errors import HarnessError, ResultsFileError
from harness.records.results import Results
from harness.records.status import Status
from harness.records.units import MOST_NUMBER
from harness.store import load_results, results_schema
from harness.store.results_file import json_text, results_text, save_results

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden" / "v2.json"
GOLDEN_1 = Path(__file__).parent / "golden" / "v1.json"
PUBLISHED = ROOT / "docs" / "results.schema.json"
PUBLISHED_1 = ROOT / "docs" / "results.schema-1.json"

finite = st.floats(min_value=-MOST_NUMBER, max_value=MOST_NUMBER)
whole = st.integers(min_value=-MOST_INTEGER, max_value=MOST_INTEGER)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
statuses = st.sampled_from(Status)
found = st.builds(
    Finding, gate=words, metric=st.none() | words, status=statuses, reason=words, limit=st.none() | finite
)
numbers = st.builds(
    Measurement,
    metric=words,
    unit=st.sampled_from(["s", "B", "J", "W", "1/s", "1"]),
    better=st.sampled_from(["lower", "higher"]),
    value=st.none() | finite,
    ci_low=st.none() | finite,
    n=st.integers(min_value=0, max_value=2**63 - 1),
)
shapes = st.builds(Histogram, edges_s=st.lists(finite), counts=st.lists(whole, max_size=256))
latencies = st.builds(
    TrialSummary,
    arm=words,
    block=whole,
    n=whole,
    batch=whole,
    mean_s=finite,
    quantiles=st.dictionaries(words, finite, max_size=3),
    histogram=shapes,
    memory=st.none(),
    telemetry=st.none(),
)
some_entries = st.builds(
    Entry,
    device=words,
    test=words,
    candidate=words,
    recipe=st.none() | words,
    artifact=st.none(),
    runtime=st.none() | words,
    delegate=st.none() | words,
    num_threads=st.none() | whole,
    status=statuses,
    reason=words,
    findings=st.lists(found, max_size=2),
    measurements=st.lists(numbers, max_size=2),
    trials=st.lists(latencies, max_size=2),
    seconds=st.dictionaries(words, finite, max_size=2),
)


@given(st.lists(some_entries, max_size=3))
def test_what_is_written_is_read_back_and_written_the_same(entries):
    written = results().model_copy(update={"entries": entries})
    text = results_text(written)
    read = Results.model_validate_json(text)
    assert read == written
    assert results_text(read) == text


def test_golden_file_of_version_1_is_the_one_of_version_2():
    assert load_results(GOLDEN_1) == load_results(GOLDEN)


def test_golden_file_of_version_2_loads_and_what_it_held_serialises_identically():
    loaded = load_results(GOLDEN)
    held = loaded.model_dump(mode="json", exclude_unset=True)
    assert json_text(held) + "\n" == GOLDEN.read_text(encoding="utf-8")
    text = results_text(loaded)
    assert results_text(Results.model_validate_json(text)) == text


def test_published_schema_is_current():
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == results_schema(), (
        'write it anew: python -c "import json; from harness.store import results_schema; '
        'print(json.dumps(results_schema(), indent=2))" > docs/results.schema.json'
    )


def test_the_schema_of_version_1_still_describes_its_files():
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED_1.read_text(encoding="utf-8")))
    assert list(validator.iter_errors(json.loads(GOLDEN_1.read_text(encoding="utf-8")))) == []
    assert list(validator.iter_errors(json.loads(GOLDEN.read_text(encoding="utf-8"))))


def test_published_schema_accepts_the_golden_file_and_refuses_a_stranger():
    validator = jsonschema.Draft202012Validator(results_schema())
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert list(validator.iter_errors(document)) == []
    document["entries"][0]["status"] = "GREEN"
    document["surprise"] = 1
    assert len(list(validator.iter_errors(document))) == 2


def test_a_folder_and_its_file_give_the_same(tmp_path):
    save_results(results(), tmp_path / "results.json")
    assert load_results(tmp_path) == load_results(tmp_path / "results.json") == results()


def test_every_problem_is_told_in_one_line(tmp_path):
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    document["run"]["exit_code"] = "one"
    document["entries"][2]["status"] = "GREEN"
    document["extra\nline\x1b[31m"] = True
    file = tmp_path / "results.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ResultsFileError) as caught:
        load_results(file)
    message = str(caught.value)
    for part in (str(file), "run.exit_code", "entries.2.status", "extra line"):
        assert part in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no schema_version"),
        (b"{}", "no schema_version"),
        (b'{"schema_version": 3}', "schema version '3', but this harness knows versions 1 to 2"),
        (b'{"schema_version": {"a": "\\n"}}', "knows versions 1 to 2"),
        (b'{"schema_version": true}', "schema version 'True'"),
        (b'{"schema_version": 1.0}', "schema version '1.0'"),
        (b'{"schema_version": 2}', "schema version 2: run: Field required"),
        (b'{"schema_version": 1}', "schema version 1: run: Field required"),
        (b'{"schema_version": 1, "entries": {"a": 1}}', "entries: Input should be"),
        (b'{"schema_version": 1, "entries": [1, {"artifact": []}, {"baseline": 2}]}', "entries.0: Input should be"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, content, expected):
    file = tmp_path / "results.json"
    file.write_bytes(content)
    with pytest.raises(ResultsFileError, match=expected) as caught:
        load_results(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("golden", [GOLDEN, GOLDEN_1], ids=lambda path: path.stem)
def test_nan_in_a_file_is_refused(tmp_path, golden):
    text = golden.read_text(encoding="utf-8").replace('"measure": 104.2', '"measure": NaN')
    assert "NaN" in text
    file = tmp_path / "results.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ResultsFileError, match=r"run\.seconds\.measure"):
        load_results(file)


def test_nan_cannot_be_written(tmp_path):
    smuggled = results().run.model_copy(update={"seconds": {"total": math.nan}})
    with pytest.raises(HarnessError, match="not valid JSON"):
        save_results(results().model_copy(update={"run": smuggled}), tmp_path / "results.json")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_run_says_what_was_expected(tmp_path):
    with pytest.raises(ResultsFileError, match=r"cannot be read \(No such file.*run folder"):
        load_results(tmp_path)


def test_lists_of_numbers_take_one_line():
    lines = results_text(results()).splitlines()
    assert any(line.strip().startswith('"counts": [') and line.rstrip().endswith("]") for line in lines)
