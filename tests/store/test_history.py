import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from multiprocessing import get_context

import pytest
from sqlalchemy import create_engine, inspect, text
from support.postgres import postgres
from support.sample_results import results as sample_results

from harness.records.errors import UsageError
from harness.records.operating_point import OperatingPoint
from harness.store.history import History, import_runs
from harness.store.history.addresses import shown, without_secrets
from harness.store.history.schema import METADATA, NEWEST, bring_up_to_date
from harness.store.results_file import results_text

WRITERS, RUNS_EACH = 8, 200
SAMPLE = sample_results()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A history that is empty; on PostgreSQL in a database of its own."""
    if request.param == "sqlite":
        return str(tmp_path / "history.db")
    server = request.getfixturevalue("server")
    name = f"h{abs(hash(request.node.name)) % 10**9}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")


def engine_of(url):
    return create_engine(url if "://" in url else f"sqlite:///{url}")


def run_of(number, *, writer=0):
    """A run of its own id, its time by its number."""
    results = SAMPLE
    stamp = f"2026-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    return results.model_copy(
        update={"run": results.run.model_copy(update={"id": f"{writer}-{number}", "created_at": stamp})}
    )


def write_many(url, writer):
    history = History.open(url)
    for number in range(RUNS_EACH):
        history.append(run_of(number, writer=writer))


def test_what_is_appended_is_read_back(url):
    history = History.open(url)
    assert history.append(run_of(0)) and history.append(run_of(1))
    (first, *_) = series = history.series(metrics=["latency_p50"])
    entry = next(e for e in run_of(0).entries if (e.candidate, e.recipe) == (first.candidate, first.recipe))
    wanted = next(m for m in entry.measurements if m.metric == "latency_p50")
    assert [point.run_id for point in first.points] == ["0-0", "0-1"]
    assert (first.points[0].value, first.points[0].ci_low, first.unit) == (wanted.value, wanted.ci_low, wanted.unit)
    assert {found.device for found in series} == {e.device for e in run_of(0).entries if e.measurements}


def test_a_run_is_kept_once_and_its_figures_never_change(url):
    history = History.open(url)
    assert history.append(run_of(0))
    before = history.series()
    assert not history.append(run_of(0))
    assert history.series() == before and len(history.run_ids()) == 1


def test_attempts_at_one_commit_are_all_kept(url):
    history = History.open(url)
    for number in range(3):
        history.append(run_of(number))
    points = history.series(metrics=["model_size"])[0].points
    assert len(points) == 3 and len({point.commit for point in points}) == 1


def test_boards_of_unlike_fingerprints_are_series_apart(url):
    changed = run_of(1)
    devices = {name: record.model_copy(update={"fingerprint": "f" * 64}) for name, record in changed.devices.items()}
    history = History.open(url)
    history.append(run_of(0))
    history.append(changed.model_copy(update={"devices": devices}))
    series = history.series(metrics=["model_size"])
    assert all(len(found.points) == 1 for found in series)


def test_operating_points_are_series_apart(url):
    point = OperatingPoint(power_mode="15W", clocks=(), cpus="0-1")
    other = run_of(2)
    entries = [entry.model_copy(update={"operating_point": point}) for entry in other.entries]
    history = History.open(url)
    for results in (run_of(1), other.model_copy(update={"entries": entries})):
        history.append(results)
    found = history.series(metrics=["model_size"])
    assert all(len(one.points) == 1 for one in found)
    apart = [one for one in found if (one.fingerprint or "").endswith(" at power mode 15W; measuring on CPUs 0-1")]
    assert 0 < 2 * len(apart) == len(found)


def test_a_boards_next_kernel_goes_on_in_its_series(url):
    history = History.open(url)
    for number, kernel in enumerate(("6.6.31", "6.6.31", "6.12.34")):
        run = run_of(number)
        text = f"0a1b2c{number:02d} (a board, 4x Cortex-A72, 1.5 GHz, kernel {kernel}, governor performance)"
        devices = {name: one.model_copy(update={"fingerprint": text}) for name, one in run.devices.items()}
        history.append(run.model_copy(update={"devices": devices}))
    for found in history.series(metrics=["model_size"]):
        assert [point.kernel for point in found.points] == ["6.6.31", "6.6.31", "6.12.34"]
        assert found.fingerprint == text
        assert [one.at for one in found.breaks] == [2]


@pytest.mark.parametrize("changed", [{"runtime": "litert 2.4.0"}, {"delegate": "none"}, {"num_threads": 4}])
def test_other_runtimes_and_settings_are_series_apart(url, changed):
    other = run_of(1)
    entries = [entry.model_copy(update=changed) for entry in other.entries]
    history = History.open(url)
    history.append(run_of(0))
    history.append(other.model_copy(update={"entries": entries}))
    assert all(len(found.points) == 1 for found in history.series(metrics=["model_size"]))


def test_two_tests_of_one_candidate_are_two_series_and_a_run_counts_once_in_each(url):
    history = History.open(url)
    for number in range(2):
        results = run_of(number)
        again = [entry.model_copy(update={"test": "benchmarks/test_more.py::test_again"}) for entry in results.entries]
        history.append(results.model_copy(update={"entries": [*results.entries, *again, *again]}))
    series = history.series(metrics=["model_size"], candidate="digits_cnn/int8", device="rpi4")
    assert [(one.test.rpartition("::")[2], one.repeat) for one in series] == [
        ("test_model", 1),
        ("test_again", 1),
        ("test_again", 2),
    ]
    assert all([point.run_id for point in one.points] == ["0-0", "0-1"] for one in series)
    assert {one.test for one in history.attempts(SAMPLE.run.commit)} == {one.test for one in series}


def test_branches_are_series_apart_and_one_can_be_asked_for(url):
    history = History.open(url)
    for number, branch in enumerate(["main", "feature", "main", None]):
        results = run_of(number)
        history.append(results.model_copy(update={"run": results.run.model_copy(update={"branch": branch})}))
    size = {"metrics": ["model_size"], "candidate": "digits_cnn/int8", "device": "rpi4"}
    found = {one.branch: [point.run_id for point in one.points] for one in history.series(**size)}
    assert found == {"main": ["0-0", "0-2"], "feature": ["0-1"], None: ["0-3"]}
    (main,) = history.series(**size, branch="main")
    assert main.branch == "main"


def test_estimators_are_series_apart_but_for_what_is_exact(url):
    history = History.open(url)
    for number, estimator in enumerate([1, 2, 2]):
        results = run_of(number)
        history.append(results.model_copy(update={"run": results.run.model_copy(update={"estimator": estimator})}))
    asked = {"candidate": "digits_cnn/int8", "device": "rpi4"}
    found = history.series(metrics=["latency_p50"], **asked)
    assert {one.estimator: len(one.points) for one in found} == {1: 1, 2: 2}
    assert [len(one.points) for one in history.series(metrics=["model_size"], **asked)] == [3]


def test_a_candidate_is_found_by_its_name_and_by_the_name_that_is_shown(url):
    history = History.open(url)
    odd = [entry.model_copy(update={"candidate": "a/b", "recipe": "c/d"}) for entry in SAMPLE.entries[:1]]
    history.append(SAMPLE.model_copy(update={"entries": [*SAMPLE.entries, *odd]}))
    for named, recipes in (("digits_cnn", 4), ("digits_cnn/int8", 1), ("a/b", 1), ("a/b/c/d", 1), ("digits_cnn/x", 0)):
        found = history.series(metrics=["model_size"], candidate=named)
        assert len({(one.candidate, one.recipe) for one in found}) == recipes, named


def test_names_and_fingerprints_of_any_length_are_kept(url):
    long = run_of(0)
    fingerprint = (
        "1c2d3e4f (Raspberry Pi 4 Model B Rev 1.4, Cortex-A72, 1.5 GHz, kernel 6.12.34+rpt-rpi-v8, performance)"
    )
    devices = {name: record.model_copy(update={"fingerprint": fingerprint}) for name, record in long.devices.items()}
    entries = [entry.model_copy(update={"candidate": entry.candidate + "x" * 300}) for entry in long.entries]
    history = History.open(url)
    history.append(long.model_copy(update={"devices": devices, "entries": entries}))
    assert {found.fingerprint for found in history.series(metrics=["model_size"])} == {fingerprint}


def test_the_newest_runs_alone(url):
    history = History.open(url)
    for number in range(5):
        history.append(run_of(number))
    points = history.series(metrics=["model_size"], newest=2)[0].points
    assert [point.run_id for point in points] == ["0-3", "0-4"]


def test_what_became_of_every_attempt_at_a_commit_is_known_measured_or_not(url):
    history = History.open(url)
    runs = [run_of(0), run_of(1)]
    elsewhere = run_of(2)
    runs.append(elsewhere.model_copy(update={"run": elsewhere.run.model_copy(update={"commit": "other"})}))
    for results in runs:
        history.append(results)
    found = history.attempts(SAMPLE.run.commit)
    assert [one.run_id for one in found] == ["0-0"] * len(SAMPLE.entries) + ["0-1"] * len(SAMPLE.entries)
    assert [one.status for one in found[: len(SAMPLE.entries)]] == [str(entry.status) for entry in SAMPLE.entries]
    assert "ERROR" in {one.status for one in found}


def keep_folder(reports, number, text=None):
    results = run_of(number)
    folder = reports / f"20260101T00000{number}Z-{results.run.id}"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(text or results_text(results))
    return folder


def test_finished_runs_are_taken_in_once_and_what_cannot_be_read_is_told(tmp_path):
    for number in range(3):
        keep_folder(tmp_path, number)
    keep_folder(tmp_path, 3, text="{")
    (tmp_path / "latest").symlink_to("20260101T000002Z-0-2")
    (tmp_path / "not-a-run").mkdir()
    history = History.open(str(tmp_path / "history.db"))
    (skipped,) = import_runs(history, tmp_path)
    assert "left out of the history" in skipped and "-0-3" in skipped and "\n" not in skipped
    assert history.run_ids() == {"0-0", "0-1", "0-2"}
    assert len(import_runs(history, tmp_path)) == 1
    assert len(history.series(metrics=["model_size"])[0].points) == 3


def test_of_many_runs_the_newest_may_be_taken_in_alone(tmp_path):
    for number in range(4):
        keep_folder(tmp_path, number)
    history = History.open(str(tmp_path / "history.db"))
    assert import_runs(history, tmp_path, most=2) == []
    assert history.run_ids() == {"0-2", "0-3"}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_writers_beside_each_other_lose_nothing(kind, tmp_path, request):
    url = str(tmp_path / "many.db") if kind == "sqlite" else request.getfixturevalue("server")
    context = get_context("forkserver")
    context.set_forkserver_preload(["harness.store.history", "harness.testing"])
    writers = [context.Process(target=write_many, args=(url, writer)) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    history = History.open(url)
    assert len(history.run_ids()) == WRITERS * RUNS_EACH
    points = [len(found.points) for found in history.series(metrics=["model_size"])]
    assert set(points) == {WRITERS * RUNS_EACH}


def test_a_schema_of_version_1_is_upgraded_with_what_it_holds(url):
    engine = engine_of(url)
    bring_up_to_date(engine, target="0001")
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into runs (id, created_at, harness_version, command, status, exit_code) "
                "values ('old', '2025-01-01T00:00:00Z', '0.0.1', 'pytest', 'MEASURED', 0)"
            )
        )
        connection.execute(
            text(
                "insert into entries (id, run_id, device, test, candidate, status, reason) "
                "values (1000, 'old', 'rpi4', 't', 'kws', 'MEASURED', '')"
            )
        )
        connection.execute(
            text(
                "insert into measurements (entry_id, metric, unit, better, value, n) "
                "values (1000, 'latency_p50', 's', 'lower', 0.004, 10)"
            )
        )
    engine.dispose()
    history = History.open(url)
    assert history.append(run_of(0))
    old = history.series(candidate="kws", device="rpi4", metrics=["latency_p50"])
    assert [(found.fingerprint, found.points[0].value) for found in old if found.points[0].run_id == "old"] == [
        (None, 0.004)
    ]


def test_the_steps_lead_to_the_tables_as_they_are_declared(url):
    engine = engine_of(url)
    bring_up_to_date(engine)
    found = inspect(engine)
    for table in METADATA.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: bool(column.nullable) for column in table.columns}
    engine.dispose()


def test_a_history_of_a_newer_harness_is_left_alone(url):
    engine = engine_of(url)
    bring_up_to_date(engine)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UsageError, match=f"schema 9999, this harness knows {NEWEST}"):
        History.open(url)


@pytest.mark.parametrize("url", ["/dev/null/history.db", "nosuch://x/y", "postgresql+psycopg://x@/y?host=/nowhere"])
def test_what_is_no_history_is_one_line(url):
    with pytest.raises(UsageError) as caught:
        History.open(url)
    assert "\n" not in str(caught.value) and "history" in str(caught.value)


def test_a_damaged_file_is_one_line(tmp_path):
    path = tmp_path / "history.db"
    path.write_bytes(b"this is no database " * 100)
    with pytest.raises(UsageError, match="not a database"):
        History.open(str(path))


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://bench:secret@127.0.0.1:1/x",
        "postgresql+psycopg://bench:secret@more:secret@127.0.0.1:1/x",
        "postgresql+psycopg://bench:secret/secret@127.0.0.1:1/x",
        "postgresql+psycopg://bench@127.0.0.1:1/x?password=secret",
        "postgresql+psycopg://bench:secret@127.0.0.1:port/x",
        "postgresql+psycopg://bench:secret@127.0.0.1:1/x?nosuch=secret",
        "nosuch://bench:secret@x/y",
    ],
)
def test_a_password_in_a_url_is_not_shown(address):
    with pytest.raises(UsageError) as caught:
        History.open(address, wait_s=2)
    told = str(caught.value)
    assert "secret" not in told and "history" in told and "\n" not in told
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("postgresql://bench:secret@lab/runs", "postgresql://bench:***@lab/runs"),
        ("postgresql://bench@lab/runs?password=secret", "postgresql://bench@lab/runs?***"),
        ("postgresql://lab/runs", "postgresql://lab/runs"),
        ("reports/history.db", "reports/history.db"),
    ],
)
def test_a_history_is_named_by_its_address_without_secrets(address, name):
    assert shown(address) == name


def test_a_drivers_message_loses_the_secrets_in_it():
    said = without_secrets('bad dsn "password=s3cr%t host=lab"', "postgresql://bench:s3cr%25t@lab/runs")
    assert said == 'bad dsn "password=*** host=lab"'


def test_a_run_that_breaks_amid_is_not_kept_at_all(url):
    history = History.open(url)
    broken = run_of(0)
    twice = broken.entries[0].model_copy(update={"measurements": broken.entries[0].measurements * 2})
    with pytest.raises(UsageError):
        history.append(broken.model_copy(update={"entries": [*broken.entries[1:], twice]}))
    assert len(history.run_ids()) == 0


def test_opening_a_history_that_is_up_to_date_loads_no_alembic(tmp_path):
    path = tmp_path / "history.db"
    History.open(str(path))
    code = f"import sys; from harness.store.history import History; History.open({str(path)!r}); "
    said = subprocess.run(
        [sys.executable, "-c", code + "print('alembic' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "False"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select version_num from alembic_version").fetchone() == (NEWEST,)
