"""--baseline in whole sessions on this machine: each kind of base, its verdicts and exit codes."""

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.pipeline import Builder, candidates_from_paths
from harness.pipeline.builder.artifact_folder import export_artifacts

if TYPE_CHECKING:
    from support.user_folder import Place

LOOSE = 'latency_p50_regression="2000 %", model_size_regression="100 %"'
LONG_ENOUGH = ("--device=local", "--trials=12", "--min-secs=0.02", "--num-runs=5", "--time-limit=120")
"""Twelve trials an arm are six blocks: the fewest that a limit on latency is judged by."""


def git(place: "Place", *arguments: str) -> str:
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=place.folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def grown(place: "Place", name: str, by: int) -> Path:
    """A copy of the tiny model with so many unread bytes more."""
    path = place.folder / name
    path.write_bytes((place.folder / "models" / "tiny.tflite").read_bytes() + b"\0" * by)
    return path


def only_entry(place: "Place") -> dict[str, Any]:
    (entry,) = place.results()["entries"]
    return dict(entry)


def test_against_a_file_both_arms_are_measured_and_the_verdict_says_how_sure(place: "Place") -> None:
    grown(place, "old.tflite", 16)
    place.benchmark(LOOSE)
    said = place.pytest(*LONG_ENOUGH, "--baseline=old.tflite", quick=False)
    assert said.code == 0, said.text
    entry = only_entry(place)
    assert entry["status"] == "PASS"
    base = entry["baseline"]
    assert (base["state"], base["sentence"], base["commit"]) == ("measured", "the file old.tflite", None)
    assert base["artifact"]["size_bytes"] == entry["artifact"]["size_bytes"] + 16
    arms = [trial["arm"] for trial in entry["trials"]]
    assert arms.count("candidate") == arms.count("baseline") == 2
    turns = [told["arm"] for told in entry["figures"] if told["kind"] == "slices"]
    assert turns.count("candidate") == turns.count("baseline") == 12
    assert base["measured_by"].startswith("p50 and mean by turns in slices of 20 ms, at equal clock")
    (ratio,) = (one for one in base["ratios"] if one["metric"] == "latency_p50")
    assert ratio["ci_low"] <= ratio["ratio"] <= ratio["ci_high"]
    judged = {finding["metric"]: finding for finding in entry["findings"]}
    assert 0 < judged["latency_p50"]["blocks"] <= 6, "a restless block does not count"
    assert judged["latency_p50"]["alpha"] == 0.005
    assert judged["model_size"]["alpha"] is None
    assert place.results()["run"]["gate"]["budgeted_metrics"] == 1
    assert "false alarm at most 1 session in 200" in " ".join(said.out.split())


def test_against_a_folder_a_model_that_grew_fails(place: "Place") -> None:
    (candidate,) = candidates_from_paths([str(place.folder / "models" / "tiny.tflite")])
    with Builder(cache_dir=place.folder / "cache") as builder:
        export_artifacts(place.folder / "exported", [(candidate, builder.build(candidate))])
    grown(place, "models/tiny.tflite", 400)
    place.benchmark('model_size_regression="10 %"')
    said = place.pytest("--device=local", "--baseline=exported")
    assert said.code == 1, said.text
    entry = only_entry(place)
    assert (entry["status"], entry["baseline"]["state"]) == ("FAIL", "measured")
    assert "model_size" in entry["reason"]


def test_against_a_revision_what_is_the_same_is_not_measured_and_what_is_new_is_said(place: "Place") -> None:
    place.benchmark(LOOSE)
    place.write(".gitignore", "cache\nreports\n")
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "one")
    grown(place, "models/young.tflite", 8)
    said = place.pytest(*LONG_ENOUGH, "--baseline=main", quick=False)
    same, new = place.results()["entries"]
    assert (same["status"], same["baseline"]["state"], same["trials"]) == ("PASS", "identical", [])
    assert (new["candidate"], new["baseline"]["state"]) == ("young", "new")
    assert "young is new" in new["baseline"]["sentence"]
    assert same["baseline"]["commit"] == git(place, "rev-parse", "main")
    assert said.code == 0, said.text
    assert len(git(place, "worktree", "list").splitlines()) == 1


def test_against_a_stored_run_of_this_machine(place: "Place") -> None:
    place.benchmark()
    assert place.pytest(*LONG_ENOUGH, quick=False).code == 0
    before = (place.folder / "reports" / "latest").resolve() / "results.json"
    place.benchmark(LOOSE)
    said = place.pytest(*LONG_ENOUGH, f"--baseline={before}", quick=False)
    assert said.code == 0, said.text
    entry = only_entry(place)
    assert (entry["status"], entry["baseline"]["state"]) == ("PASS", "stored")
    assert {trial["arm"] for trial in entry["trials"]} == {"candidate", "baseline"}
    assert "measured at another time" in entry["baseline"]["sentence"]
    elsewhere = place.pytest(*LONG_ENOUGH, f"--baseline={before}", "--num-threads=2", quick=False)
    assert only_entry(place)["baseline"]["state"] == "unlike"
    assert elsewhere.code == 10, elsewhere.text


def test_without_a_base_its_limits_are_skipped_in_a_line_and_the_others_are_judged(place: "Place") -> None:
    place.benchmark('latency_p50_regression="2 %", model_size_regression="1 %"')
    place.write("budgets.toml", '[local."tiny"]\nmodel_size = "1 MB"\n')
    said = place.pytest("--device=local")
    assert said.code == 0, said.text
    line = "2 limits on regressions skipped: no --baseline was given"
    assert f"harness: {line}" in said.out and f"note: {line}" in said.out and "unfit" not in said.out
    judged = {(one["gate"], one["metric"]): one["status"] for one in only_entry(place)["findings"]}
    assert judged["budget", "model_size"] == "PASS"
    assert judged["regression", "latency_p50"] == judged["regression", "model_size"] == "MEASURED"
    place.write("budgets.toml", '[local."tiny"]\nmodel_size = "100 B"\n')
    assert place.pytest("--device=local").code == 1


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("gone.tflite", "there is no such file"),
        ("models", "this folder has no index.json and no results.json"),
        ("pyproject.toml", "this file is no .tflite and no results.json"),
    ],
)
def test_a_base_that_is_none_is_refused_in_one_line_by_both_faces(place: "Place", base: str, words: str) -> None:
    place.benchmark()
    files = place.harness("run", "models/tiny.tflite", "--device=local", "--baseline", base)
    for said in (place.pytest("--device=local", f"--baseline={base}"), files):
        assert said.code == 4, said.text
        assert sum(words in line and f"--baseline {base}" in line for line in said.text.splitlines()) == 1
    assert not (place.folder / "reports").exists()


def test_files_alone_are_not_compared_with_a_revision(place: "Place") -> None:
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "one")
    said = place.harness("run", "models/tiny.tflite", "--device=local", "--baseline=main")
    assert said.code == 4, said.text
    assert "with a revision, benchmarks are compared that pytest runs" in said.err


def test_a_machine_that_only_measures_gates_with_the_base_that_was_built_with_the_change(place: "Place") -> None:
    place.benchmark('model_size_regression="10 %"')
    place.write(".gitignore", "cache\nreports\nartifacts\n")
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "one")
    git(place, "checkout", "--quiet", "-b", "work")
    grown(place, "models/tiny.tflite", 400)
    git(place, "commit", "--quiet", "--all", "-m", "larger")
    said = place.harness("build", "test_bench.py", "--out=artifacts", "--baseline=main")
    assert said.code == 0, said.text
    assert "building the baseline, commit" in said.err
    assert "baseline: 1 of 1 candidates are there, in artifacts/baseline" in said.err
    # A cache without anything and no worktree: what is compared with comes from the folder.
    measured = place.pytest(
        "--device=local", "--artifacts=artifacts", "--baseline=main", XDG_CACHE_HOME=f"{place.folder}-none"
    )
    assert measured.code == 1, measured.text
    entry = only_entry(place)
    assert (entry["status"], entry["baseline"]["state"]) == ("FAIL", "measured")
    assert entry["baseline"]["commit"] == git(place, "rev-parse", "main")
    without = place.harness("build", "test_bench.py", "--baseline=main")
    assert (without.code, without.err) == (
        4,
        "harness: --baseline main needs --out DIR, the folder that carries the base along\n",
    )
    unknown = place.harness("build", "test_bench.py", "--out=artifacts", "--baseline=origin/main")
    assert unknown.code == 4
    assert "git knows no revision 'origin/main'" in unknown.err
