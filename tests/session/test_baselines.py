"""What --baseline may be, what is refused in one line; what a file, a folder or a stored run has for a candidate."""

import subprocess
from dataclasses import replace
from math import log
from pathlib import Path
from statistics import stdev

import pytest

from harness.board.runtime_proof import addition_model
from harness.pipeline import Builder, candidates_from_paths
from harness.pipeline.builder.artifact_folder import export_artifacts
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.entry import ArtifactRecord, Histogram, Measurement, TrialMetrics, TrialSummary
from harness.records.errors import UsageError
from harness.records.metrics import METRICS
from harness.records.results import DeviceRecord, Outcome, Results, Run
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session.baselines import BaselineContext, check_baseline, open_baseline
from harness.session.baselines.kinds import FileBaseline, FolderBaseline, StoredBaseline
from harness.store import RunFolder
from harness.store.history import open_history
from harness.testing import make_artifact, make_entry, make_facts, make_profile, make_runner

CANDIDATE = Candidate("model", "tflite", "model.tflite", None)
OTHER = Candidate("other", "tflite", "other.tflite", None)
SKETCH = make_entry()


def device(**facts: object) -> DeviceRecord:
    return DeviceRecord(profile=make_profile(), facts=make_facts(**facts), fingerprint="f", label="simulated board")


def git(*arguments: str, cwd: Path) -> str:
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two commits on branch main, the current folder."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    for text in ("one", "two"):
        (folder / "file").write_text(text, encoding="utf-8")
        git("add", ".", cwd=folder)
        git("commit", "--quiet", "-m", text, cwd=folder)
    monkeypatch.chdir(folder)
    return folder


def refused(given: str) -> str:
    with pytest.raises(UsageError) as caught:
        check_baseline(Settings(baseline=given))
    said = str(caught.value)
    assert "\n" not in said
    assert caught.value.exit_code == 4
    return said


def test_no_baseline_and_a_good_one_are_not_refused(repository: Path) -> None:
    (repository / "old.tflite").write_bytes(addition_model())
    sha = git("rev-parse", "HEAD", cwd=repository)
    for good in (None, "old.tflite", "main", "HEAD~1", sha, f"rev:{sha[:10]}", "rev:main"):
        check_baseline(Settings(baseline=good))


def test_files_and_folders_that_are_no_base_are_refused(repository: Path) -> None:
    (repository / "notes.txt").write_text("", encoding="utf-8")
    (repository / "folder").mkdir()
    assert "there is no such file" in refused("gone.tflite")
    assert "gone.json" in refused("gone.json")
    assert "this file is no .tflite and no results.json" in refused("notes.txt")
    assert "has no index.json and no results.json" in refused("folder")
    (repository / "folder" / "index.json").write_text("{", encoding="utf-8")
    assert "index.json is damaged" in refused("folder")
    (repository / "results.json").write_text("[]", encoding="utf-8")
    assert "results.json" in refused("results.json")


def test_revisions_that_git_does_not_know_are_refused(repository: Path) -> None:
    assert "git knows no revision 'origin/gone'" in refused("origin/gone")
    assert "git knows no revision '--all'" in refused("--all")
    assert "git knows no revision 'abcdef12'" in refused("rev:abcdef12")


def test_files_alone_have_no_revision_to_be_compared_with(repository: Path) -> None:
    with pytest.raises(UsageError, match=r"--baseline main: there is no such file: expected a \.tflite file"):
        check_baseline(Settings(baseline="main"), benchmarks=False)


def test_without_a_common_ancestor_the_exact_commit_is_advised(repository: Path) -> None:
    git("checkout", "--quiet", "--orphan", "island", cwd=repository)
    git("commit", "--quiet", "-m", "alone", cwd=repository)
    assert "rev:main takes it as it is" in refused("main")
    check_baseline(Settings(baseline="rev:main"))


def test_a_shallow_clone_is_refused_unless_the_exact_commit_is_there(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("clone", "--quiet", "--depth=1", f"file://{repository}", str(tmp_path / "shallow"), cwd=tmp_path)
    monkeypatch.chdir(tmp_path / "shallow")
    for given in ("origin/main", "rev:" + git("rev-parse", "HEAD~1", cwd=repository)):
        said = refused(given)
        assert "this clone is shallow" in said
        assert "git fetch --unshallow" in said
    check_baseline(Settings(baseline="rev:" + git("rev-parse", "HEAD", cwd=repository)))


def test_outside_a_repository_a_revision_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    said = refused("main")
    assert said.startswith("--baseline main: git says: fatal: not a git repository")
    assert said.endswith("give a file, a folder or a results.json")


def test_a_checkout_of_another_owner_is_refused_in_git_s_own_words(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    said = refused("main")
    assert "git says: fatal: detected dubious ownership in repository at" in said
    assert "git config --global --add safe.directory" in said


def test_a_commit_that_cannot_be_checked_out_is_told_in_git_s_own_words(repository: Path) -> None:
    hook = repository / ".git/hooks/post-checkout"
    hook.write_text("#!/bin/sh\necho 'no space left for large files' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    around = BaselineContext(Settings(), lambda _: make_artifact(), lambda _: None)
    with pytest.raises(UsageError, match=r"--baseline main: .* cannot be checked out in .*no space left for large"):
        open_baseline("main", around)


def test_without_git_a_revision_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git cannot be run" in refused("main")


def test_a_file_is_what_every_candidate_is_compared_with(tmp_path: Path) -> None:
    path = tmp_path / "old.tflite"
    path.write_bytes(addition_model())
    asked: list[Candidate] = []

    def build(candidate: Candidate) -> Artifact:
        asked.append(candidate)
        return make_artifact(candidate.name)

    base = open_baseline(str(path), BaselineContext(Settings(), build, lambda _: None))
    assert isinstance(base, FileBaseline)
    for candidate in (CANDIDATE, OTHER):
        found = base.arm_for(candidate, device(), SKETCH)
        assert found.record.state == "measured"
        assert found.artifact is not None
        assert found.artifact.candidate == "old"
    assert [str(one) for one in asked] == ["old", "old"]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder of artifacts with one model that was built, named like CANDIDATE."""
    (tmp_path / "model.tflite").write_bytes(addition_model())
    (candidate,) = candidates_from_paths([str(tmp_path / "model.tflite")])
    with Builder(cache_dir=tmp_path / "cache") as builder:
        export_artifacts(tmp_path / "exported", [(candidate, builder.build(candidate))])
    return tmp_path / "exported"


def test_a_folder_has_the_artifact_of_the_same_name_or_the_candidate_is_new(exported: Path) -> None:
    base = open_baseline(str(exported), BaselineContext(Settings(), lambda _: make_artifact(), lambda _: None))
    assert isinstance(base, FolderBaseline)
    found = base.arm_for(CANDIDATE, device(), SKETCH)
    assert found.record.state == "measured"
    assert found.artifact is not None
    assert Path(found.artifact.path).read_bytes() == addition_model()
    assert Path(found.artifact.path).is_relative_to(exported)
    new = base.arm_for(OTHER, device(), SKETCH)
    assert (new.artifact, new.record.state) == (None, "new")
    assert "other is new" in new.record.sentence


def test_a_damaged_file_in_the_folder_is_missing_and_never_measured(exported: Path) -> None:
    found = FolderBaseline.open(str(exported)).arm_for(CANDIDATE, device(), SKETCH).artifact
    assert found is not None
    with Path(found.path).open("ab") as stream:
        stream.write(b"\0")
    damaged = FolderBaseline.open(str(exported)).arm_for(CANDIDATE, device(), SKETCH)
    assert (damaged.artifact, damaged.record.state) == (None, "missing")
    assert "its sha256 differs" in damaged.record.sentence


def test_two_arms_are_the_same_only_with_the_same_file_stages_and_runtime(exported: Path) -> None:
    found = FolderBaseline.open(str(exported)).arm_for(CANDIDATE, device(), SKETCH)
    assert found.artifact is not None
    own = make_artifact(sha256=found.artifact.sha256)
    assert found.is_same(own, make_runner(), make_runner())
    assert not found.is_same(own, make_runner(num_threads=2), make_runner())
    assert not found.is_same(make_artifact(), make_runner(), make_runner())


@pytest.fixture
def stored(tmp_path: Path) -> Results:
    """A run of one entry with two trials of its own and one of what it was itself compared with."""
    trial = TrialSummary(
        arm="candidate",
        block=0,
        n=10,
        batch=1,
        mean_s=0.004,
        quantiles={"p50": 0.004},
        histogram=Histogram(edges_s=[0.003, 0.005], counts=[10]),
    )
    figures = TrialMetrics(kind="memory", arm="candidate", block=0, values={"init_time": 0.003})
    entry = SKETCH.model_copy(
        update={
            "trials": [trial, trial.model_copy(update={"block": 1}), trial.model_copy(update={"arm": "baseline"})],
            "figures": [figures, figures.model_copy(update={"arm": "baseline"})],
            "measurements": [
                Measurement(
                    metric="latency_p50",
                    unit="s",
                    better="lower",
                    value=0.004,
                    ci_low=0.004,
                    ci_high=0.004,
                    confidence=0.5,
                    n=2,
                    obtained=METRICS["latency_p50"].obtained,
                )
            ],
        }
    )
    run = Run(
        id="aaaaaa",
        created_at="2026-11-23T10:00:00Z",
        harness_version="0",
        commit="1" * 40,
        command="",
        settings={},
        status=Status.MEASURED,
        exit_code=0,
        seconds={},
        bytes_sent={},
    )
    return Results(run=run, devices={"simulated": device()}, entries=[entry])


def test_a_stored_runs_trials_are_the_baselines(stored: Results) -> None:
    found = StoredBaseline("results.json", stored).arm_for(CANDIDATE, device(), SKETCH)
    assert found.record.state == "stored"
    assert found.artifact is None
    assert found.record.commit == "1" * 40
    assert found.record.measurements == stored.entries[0].measurements
    assert "run aaaaaa of 2026-11-23T10:00:00Z, measured at another time" in found.record.sentence
    assert [(trial.arm, trial.block) for trial in found.trials] == [("baseline", 0), ("baseline", 1)]
    assert [figure.arm for figure in found.figures] == ["baseline"]


def test_a_stored_run_comes_with_how_far_runs_differ_where_the_history_tells(stored: Results, tmp_path: Path) -> None:
    settings = Settings(reports_dir=tmp_path)
    measurement = Measurement(metric="latency_p50", unit="s", better="lower", value=0.004, n=10)
    artifact = make_artifact()
    history = open_history(tmp_path, None).history
    for at in range(4):
        one = stored.entries[0].model_copy(
            update={
                "measurements": [measurement.model_copy(update={"value": 0.004 * 1.01**at})],
                "artifact": ArtifactRecord.of(artifact),
            }
        )
        run = stored.run.model_copy(update={"id": f"{at}aaaaa"})
        history.append(stored.model_copy(update={"run": run, "entries": [one]}))
    spread = StoredBaseline("r", stored, settings).arm_for(CANDIDATE, device(), SKETCH).record.run_spread
    assert set(spread) == {"latency_p50"}
    assert spread["latency_p50"].degrees == 3
    assert spread["latency_p50"].sd == pytest.approx(stdev([at * log(1.01) for at in range(4)]))
    other = device().model_copy(update={"fingerprint": "another"})
    assert StoredBaseline("r", stored, settings).arm_for(CANDIDATE, other, SKETCH).record.run_spread == {}
    unusable = Settings(reports_dir=tmp_path, history=str(tmp_path / "missing" / "folder" / "history.db"))
    assert StoredBaseline("r", stored, unusable).arm_for(CANDIDATE, device(), SKETCH).record.run_spread == {}
    assert StoredBaseline("r", stored).arm_for(CANDIDATE, device(), SKETCH).record.run_spread == {}


def test_of_two_tests_of_a_stored_run_the_own_one_is_the_base(stored: Results) -> None:
    entries = [stored.entries[0].model_copy(update={"test": test, "delegate": test}) for test in ("t::a", "t::b")]
    base = StoredBaseline("r", stored.model_copy(update={"entries": entries}))
    for test in ("t::a", "t::b"):
        found = base.arm_for(CANDIDATE, device(), make_entry(test=test, delegate=test))
        assert (found.record.state, found.record.delegate) == ("stored", test)
    assert base.arm_for(CANDIDATE, device(), make_entry(test="t::c", delegate="t::b")).record.delegate == "t::b"


def test_a_stored_run_of_another_board_or_setting_is_unlike(stored: Results) -> None:
    base = StoredBaseline("results.json", stored)
    elsewhere = base.arm_for(CANDIDATE, device(kernel="6.12.34"), SKETCH)
    assert (elsewhere.record.state, elsewhere.trials, elsewhere.record.measurements) == ("unlike", (), [])
    assert "kernel: 6.6.0 against 6.12.34" in elsewhere.record.sentence
    threads = base.arm_for(CANDIDATE, device(), make_entry(num_threads=4))
    assert threads.record.state == "unlike"
    assert "threads: 1 against 4" in threads.record.sentence
    unknown = base.arm_for(CANDIDATE, device().model_copy(update={"facts": None}), SKETCH)
    assert unknown.record.state == "unlike"


def test_a_stored_run_is_compared_across_what_is_named(stored: Results) -> None:
    base = StoredBaseline("results.json", stored, Settings(across="kernel, threads"))
    found = base.arm_for(CANDIDATE, device(kernel="6.12.34"), make_entry(num_threads=4))
    assert found.record.state == "stored"
    assert "compared all the same: kernel: 6.6.0 against 6.12.34; threads: 1 against 4," in found.record.sentence
    further = base.arm_for(CANDIDATE, device(kernel="6.12.34", governor="ondemand"), SKETCH)
    assert further.record.state == "unlike"
    assert further.record.sentence.endswith("was on another setup: governor: performance against ondemand")


def test_what_a_stored_run_did_not_have_is_new_and_what_it_did_not_judge_is_missing(stored: Results) -> None:
    base = StoredBaseline("results.json", stored)
    assert base.arm_for(OTHER, device(), SKETCH).record.state == "new"
    recipe = replace(CANDIDATE, recipe="int8")
    assert base.arm_for(recipe, device(), SKETCH).record.state == "new"
    elsewhere = device().model_copy(update={"profile": make_profile("other")})
    assert base.arm_for(CANDIDATE, elsewhere, SKETCH).record.state == "new"
    for status in (Status.ERROR, Status.INVALID):
        entry = stored.entries[0].model_copy(update={"status": status})
        found = StoredBaseline("r", stored.model_copy(update={"entries": [entry]})).arm_for(CANDIDATE, device(), SKETCH)
        assert (found.record.state, found.trials) == ("missing", ())
        assert str(status) in found.record.sentence


def test_what_an_interrupted_run_lacks_is_missing_and_not_new(stored: Results, tmp_path: Path) -> None:
    outcome = Outcome(end="interrupted", planned=2, measured=0)
    for ended, state in ((outcome, "missing"), (Outcome(), "new"), (None, "new")):
        run = stored.run.model_copy(update={"outcome": ended})
        base = StoredBaseline("results.json", stored.model_copy(update={"run": run, "entries": []}))
        assert base.arm_for(CANDIDATE, device(), SKETCH).record.state == state


def test_a_run_folder_is_opened_like_its_results_file(
    stored: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = RunFolder.create(Path("reports"))
    folder.append_entry(stored.entries[0])
    folder.append_device("simulated", stored.devices["simulated"], bytes_sent=0, seconds={})
    folder.finish(stored.run, stored.entries)
    folder.retire()
    around = BaselineContext(Settings(), lambda _: make_artifact(), lambda _: None)
    for given in (str(folder.path), str(folder.results_path), "reports/latest", "latest"):
        check_baseline(Settings(baseline=given))
        base = open_baseline(given, around)
        assert isinstance(base, StoredBaseline)
        assert base.arm_for(CANDIDATE, device(), SKETCH).record.state == "stored"
