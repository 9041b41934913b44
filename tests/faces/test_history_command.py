import json
from pathlib import Path

from support.commands import outer_environment
from support.sample_results import results
from support.warm import run_warm

from harness.store.history import History
from harness.store.results_file import save_results


def keep_run(reports, number, *, factor=1.0, code=1):
    sample = results()
    entries = [
        entry.model_copy(
            update={
                "measurements": [
                    m.model_copy(update={"value": m.value and m.value * factor}) for m in entry.measurements
                ]
            }
        )
        for entry in sample.entries
    ]
    stamp = f"2026-01-0{number}T00:00:00Z"
    run = sample.run.model_copy(update={"id": f"run{number}", "created_at": stamp, "exit_code": code})
    folder = reports / f"2026010{number}T000000Z-run{number}"
    folder.mkdir(parents=True)
    save_results(sample.model_copy(update={"run": run, "entries": entries}), folder / "results.json")


def history(*arguments, cwd):
    return run_warm("harness", ["history", *arguments], cwd, outer_environment())


def test_a_metric_from_run_to_run(tmp_path):
    for number in (1, 2):
        keep_run(tmp_path / "reports", number)
    told = history(cwd=tmp_path).out
    assert "latency p50" in told and "2026-01-01T00:00" in told and "2026-01-02T00:00" in told
    keep_run(tmp_path / "reports", 3)
    series = json.loads(history("--json", "--metric", "model_size", cwd=tmp_path).out)
    assert {tuple(point["run_id"] for point in found["points"]) for found in series} == {("run1", "run2", "run3")}
    assert {found["unit"] for found in series} == {"B"}


def test_a_figure_of_a_run_that_is_not_whole_says_so(tmp_path):
    for number, code in ((1, 0), (2, 2), (3, 11)):
        keep_run(tmp_path / "reports", number, code=code)
    lines = with_runs(history("--device", results().entries[0].device, cwd=tmp_path).out)
    said = {
        run: {line.rpartition(", ")[2] for line in lines if f"  {run} " in line} for run in ("run1", "run2", "run3")
    }
    assert (said["run2"], said["run3"]) == ({"run interrupted"}, {"run incomplete"})
    assert not any("run" in word and "incomplete" in word for word in said["run1"])


def with_runs(told):
    """The lines of runs, each with what stands below it of its run."""
    return told.replace("\n    run ", ", run ").splitlines()


def test_a_figure_that_held_in_a_run_that_did_not_says_what_became_of_the_run(tmp_path):
    codes = {1: "run failed", 3: "run ended by an error of pytest", 4: "run refused", 10: "run not judged"}
    for number, code in enumerate(codes, 1):
        keep_run(tmp_path / "reports", number, code=code)
    done = history(cwd=tmp_path)
    assert done.code == 0
    lines = with_runs(done.out)
    for number, words in enumerate(codes.values(), 1):
        assert any(line.endswith(f" PASS, {words}") for line in lines if f"  run{number} " in line)
    failed = [line for line in lines if line.endswith(" FAIL") and "attempts" not in line]
    assert [line.split()[1] for line in failed] == ["run1"], "that a run failed is told once"


def test_one_device_and_a_database_elsewhere(tmp_path):
    keep_run(tmp_path / "reports", 1)
    device = results().entries[0].device
    place = str(tmp_path / "elsewhere/all.db")
    series = json.loads(history("--device", device, "--database", place, "--json", cwd=tmp_path).out)
    assert series and {found["device"] for found in series} == {device}
    assert Path(place).is_file() and not (tmp_path / "reports/history.db").exists()


def test_what_cannot_be_shown_is_one_line(tmp_path):
    nowhere = history(cwd=tmp_path)
    assert (nowhere.code, nowhere.out) == (4, "") and "there are no runs in reports" in nowhere.err
    keep_run(tmp_path / "reports", 1)
    mistyped = history("--metric", "latency_p5", cwd=tmp_path)
    assert mistyped.code == 4 and "did you mean latency_p50?" in mistyped.err
    assert history("--device", "nobody", cwd=tmp_path).out == "no run measured what was asked for\n"
    (tmp_path / "reports/20260101T000000Z-run1/results.json").write_text("{")
    (tmp_path / "reports/history.db").unlink()
    damaged = history(cwd=tmp_path)
    assert damaged.code == 0 and len(damaged.err.splitlines()) == 1
    assert "left out of the history: reports/20260101T000000Z-run1/results.json: not JSON" in damaged.err


def test_attempts_at_a_commit_stand_together_and_lines_fit_80_columns(tmp_path):
    for number in (1, 2, 3):
        keep_run(tmp_path / "reports", number)
    told = history("--device", "rpi4", cwd=tmp_path).out
    assert "    3 attempts at 9db751a: FAIL, FAIL, FAIL" in told
    assert max(len(line) for line in told.splitlines() if line.startswith("  ")) <= 80


def test_a_change_is_told_and_drawn(tmp_path):
    for number in range(1, 10):
        keep_run(tmp_path / "reports", number, factor=1.0 if number < 6 else 1.2)
    asked = ("--device", "rpi4", "--candidate", "digits_cnn")
    told = history(*asked, cwd=tmp_path).out
    assert "latency_p50 of digits_cnn/int8 on rpi4: 1.45 ms -> 1.74 ms (+20 %, worse) from commit 9db751a" in told
    assert "▁▁▁▁▁████" in told
    drawn = history(*asked, "--html", "history.html", cwd=tmp_path)
    assert (drawn.code, drawn.out, drawn.err) == (0, "", "harness: history drawn: history.html\n")
    page = (tmp_path / "history.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1 and "1.45 ms -&gt; 1.74 ms" in page and "<script" not in page
    (series, *_) = json.loads(history(*asked, "--json", cwd=tmp_path).out)
    assert [change["run_id"] for change in series["changes"]] == ["run6"]


def test_a_page_that_cannot_be_written_is_one_line(tmp_path):
    keep_run(tmp_path / "reports", 1)
    refused = history("--html", "nosuch/history.html", cwd=tmp_path)
    assert refused.code == 1 and len(refused.err.splitlines()) == 1


def test_the_database_is_named_in_pyproject(tmp_path):
    keep_run(tmp_path / "reports", 1)
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\nhistory = "kept/all.db"\n')
    assert history(cwd=tmp_path).code == 0
    assert (tmp_path / "kept/all.db").is_file() and not (tmp_path / "reports/history.db").exists()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.harness]\nhistory = "postgresql+psycopg://u:secret@127.0.0.1:1/x"\n'
    )
    refused = history(cwd=tmp_path)
    assert refused.code == 4 and "secret" not in refused.err and len(refused.err.splitlines()) == 1
    (tmp_path / "pyproject.toml").write_text("[tool.harness]\nhistory = 3\n")
    assert "history = 3: expected a text in quotes" in history(cwd=tmp_path).err


def many_runs(place, count):
    kept = History.open(str(place))
    for number in range(count):
        sample = results()
        stamp = f"2026-01-01T{number // 60:02}:{number % 60:02}:00Z"
        run = sample.run.model_copy(update={"id": f"{number:06x}", "created_at": stamp, "branch": "main"})
        kept.append(sample.model_copy(update={"run": run}))


def test_a_long_history_is_shown_to_its_end_and_that_is_said(tmp_path):
    many_runs(tmp_path / "all.db", 30)
    (tmp_path / "reports").mkdir()

    def told(*more):
        return history("--database", "all.db", "--device", "rpi4", *more, cwd=tmp_path).out

    shown = told()
    assert "00001d" in shown and "00000a" in shown and "000009" not in shown
    assert "the newest 20 runs of each; --runs=30 shows more" in shown
    assert "000000" in told("--runs=30") and "of each" not in told("--runs=30")
    assert {len(found["points"]) for found in json.loads(told("--json"))} == {30}
    assert {len(found["points"]) for found in json.loads(told("--json", "--runs=5"))} == {5}
    few = history("--database", "all.db", "--runs=5", cwd=tmp_path)
    assert "of the newest 5 runs; --runs=0 takes all" in few.err


def test_figures_of_an_earlier_estimator_are_a_series_of_their_own_and_said_to_be(tmp_path):
    for number in (1, 2):
        keep_run(tmp_path / "reports", number)
    stored = tmp_path / "reports/20260101T000000Z-run1/results.json"
    document = json.loads(stored.read_text(encoding="utf-8"))
    del document["run"]["estimator"]
    stored.write_text(json.dumps(document), encoding="utf-8")
    told = history("--candidate", "digits_cnn/int8", "--device", "rpi4", cwd=tmp_path).out
    assert told.count("latency p50") == 2
    assert told.count("each run's median over trials, as runs had it once") == 1
    assert history("--metric", "model_size", cwd=tmp_path).out.count("as runs had it once") == 0
