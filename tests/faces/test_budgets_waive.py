"""harness budgets waive: as it is typed, on stored runs that broke limits; what it writes lets the run pass."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.commands import run_here
from support.sample_results import devices, entry, run

from harness.records.entry import Finding
from harness.records.results import Results
from harness.records.status import Status
from harness.store.results_file import save_results

STAMP = "20260101T000000Z-3f9a1c"
BUDGETS = """# what the boards must keep
[rpi4."digits_cnn/int8"]
latency_p50 = "1.3 ms"  # as of May
model_size = "100 kB"

# the rest
[local."*"]
latency_p50 = "1 ms"
"""
REASON = "the kernel is slower until its driver is out"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a budgets file that one stored run broke twice."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/test_models.py").write_text("")
    (tmp_path / "benchmarks/budgets.toml").write_text(BUDGETS)
    keep(tmp_path, judged(Status.FAIL))
    (tmp_path / "reports/latest").symlink_to(STAMP)
    return tmp_path


def judged(status):
    """Two entries; the int8 one beyond both of its limits, where the status is FAIL."""
    slow = entry("rpi4", "digits_cnn", "int8", status, reason="slow", p50_s=0.00145)
    findings = [
        failed(status, "latency_p50", 0.0013, 0.00145, bound_low=0.00143, bound_high=0.001473),
        failed(status, "model_size", 100_000.0, 112_700.0),
    ]
    held = entry("local", "digits_cnn", "int8", Status.PASS, reason="held", p50_s=0.000052)
    return [slow.model_copy(update={"findings": findings}), held]


def failed(status, metric, limit, value, **bounds):
    return Finding(
        gate="budget", metric=metric, status=status, reason=f"{metric}: {value:g}, limit {limit:g}", limit=limit,
        value=value, origin=f'benchmarks/budgets.toml [rpi4."digits_cnn/int8"] {metric}', **bounds,
    )  # fmt: skip


def keep(folder, entries):
    home = folder / "reports" / STAMP
    home.mkdir(parents=True, exist_ok=True)
    save_results(Results(run=run(), devices=devices(), entries=entries), home / "results.json")


def waive(*arguments):
    return run_here(["budgets", "waive", *arguments], Path.cwd())


def one_line(done, *words):
    assert done.code == 4, done.out + done.err
    (line,) = done.err.splitlines()
    assert line.startswith("harness: ") and all(word in line for word in words), line


def in_days(days):
    return datetime.now(UTC).date() + timedelta(days=days)


def written(project):
    return tomllib.loads((project / "benchmarks/budgets.toml").read_text())["waiver"]


def test_every_limit_that_failed_gets_a_waiver_and_the_file_keeps_the_rest(project):
    done = waive("latest", "--reason", REASON)
    assert done.code == 0, done.err
    until = in_days(30)
    assert done.out.splitlines() == [
        "benchmarks/budgets.toml",
        f"  rpi4, digits_cnn/int8: latency_p50 waived to 1.7 ms until {until}",
        "    latency_p50: 0.00145, limit 0.0013",
        f"  rpi4, digits_cnn/int8: model_size waived to 120 kB until {until}",
        "    model_size: 112700, limit 100000",
        f"2 waivers written (run 3f9a1c: {REASON})",
    ]
    text = (project / "benchmarks/budgets.toml").read_text()
    assert text.startswith(BUDGETS)
    first, second = written(project)
    assert first == {
        "device": "rpi4",
        "candidate": "digits_cnn/int8",
        "metric": "latency_p50",
        "limit": "1.7 ms",
        "until": until,
        "issue": "run 3f9a1c",
        "reason": REASON,
    }
    assert (second["metric"], second["limit"]) == ("model_size", "120 kB")
    assert run_here(["judge", "latest"], Path.cwd()).code == 0


def test_twice_the_same_changes_nothing(project):
    waive("latest", "--reason", REASON)
    before = (project / "benchmarks/budgets.toml").read_bytes()
    done = waive("3f9a1c", "--reason", REASON)
    assert done.code == 0
    assert done.out.splitlines()[-1] == "2 waivers stood there already, nothing was written"
    assert (project / "benchmarks/budgets.toml").read_bytes() == before


def test_a_waiver_that_stands_is_changed_where_it_stands(project):
    waive("latest", "--reason", REASON, "--metric", "latency_p50")
    budgets = project / "benchmarks/budgets.toml"
    budgets.write_text(budgets.read_text() + "# the end\n")
    done = waive("latest", "--reason", "the driver is late", "--until", str(in_days(60)), "--issue", "#7")
    assert done.code == 0, done.err
    text = budgets.read_text()
    assert text.count("[[waiver]]") == 2 and REASON not in text and "# the end\n" in text
    assert {one["issue"] for one in written(project)} == {"#7"}
    assert {one["until"] for one in written(project)} == {in_days(60)}


@pytest.mark.parametrize(
    "named", [("--metric", "model_size"), ("--metric=model_size", "--entry=digits_cnn/int8", "--device=rpi4")]
)
def test_only_what_is_named_is_waived(project, named):
    done = waive("latest", "--reason", REASON, *named)
    assert done.code == 0, done.err
    assert [one["metric"] for one in written(project)] == ["model_size"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--reason", " "), ["--reason", "write why"]),
        (("--reason", "x" * 501), ["--reason", "at most 500 characters"]),
        (("--reason", REASON, "--until", "soon"), ["--until soon: is no day: write it as 20"]),
        (("--reason", REASON, "--until", "2020-01-01"), ["--until 2020-01-01", "at most 90 days"]),
        (("--reason", REASON, "--until", "2099-01-01"), ["--until 2099-01-01", "what is to stay is a new limit"]),
        (("--reason", REASON, "--metric", "latency_p5"), ["--metric latency_p5", "latency_p50"]),
        (("--reason", REASON, "--entry", "digits_cnn"), ["--entry digits_cnn", "digits_cnn/int8"]),
        (("--reason", REASON, "--device", "local"), ["--device local", "rpi4"]),
        (("--reason", REASON, "--issue", ""), ["--issue: says nothing"]),
        (("--reason", REASON, "--budgets", "no/where.toml"), ["--budgets no/where.toml", "make it first"]),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(project, arguments, words):
    one_line(waive("latest", *arguments), *words)
    assert (project / "benchmarks/budgets.toml").read_text() == BUDGETS


def test_a_reason_is_required(project):
    done = waive("latest")
    assert done.code == 4 and "--reason" in done.err


def test_a_run_in_which_nothing_failed_is_refused(project):
    keep(project, judged(Status.PASS))
    one_line(waive("latest", "--reason", REASON), "has no limit that failed", "nothing to waive")


def test_a_limit_that_was_moved_since_is_refused(project):
    budgets = project / "benchmarks/budgets.toml"
    budgets.write_text(BUDGETS.replace("1.3 ms", "2 ms"))
    one_line(
        waive("latest", "--reason", REASON), "latency_p50 is limited to 2 ms by now, so 1.7 ms would waive nothing"
    )
    budgets.write_text(BUDGETS.replace('latency_p50 = "1.3 ms"  # as of May\n', ""))
    one_line(waive("latest", "--reason", REASON), "no budget limits latency_p50 there any more")


def test_a_file_that_is_wrong_already_is_refused(project):
    (project / "benchmarks/budgets.toml").write_text("[rpi4\n")
    one_line(waive("latest", "--reason", REASON), "budgets.toml")


def test_machines_read_what_was_written(project):
    done = waive("latest", "--reason", REASON, "--json")
    (told,) = json.loads(done.out)
    assert (told["file"], told["new"], told["written"]) == ("benchmarks/budgets.toml", False, True)
    assert [one["limit"] for one in told["waivers"]] == ["1.7 ms", "120 kB"]


def test_a_marker_s_limit_is_waived_in_a_new_file(project):
    (project / "benchmarks/budgets.toml").unlink()
    slow, held = judged(Status.FAIL)
    marked = [one.model_copy(update={"origin": "marker of test_digits"}) for one in slow.findings]
    keep(project, [slow.model_copy(update={"findings": marked}), held])
    done = waive("latest", "--reason", REASON)
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "benchmarks/budgets.toml (new)"
    assert len(written(project)) == 2
