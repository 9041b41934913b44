"""--baseline REV on a scratch repository: which commit, what is built there, what is measured against it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.own_lease import own_lease

from harness.board.runtime_proof import addition_model
from harness.gates import parse_limits
from harness.pipeline import candidates_from_paths
from harness.profiles import load
from harness.records.candidate import Candidate
from harness.records.entry import Entry
from harness.records.results import DeviceRecord
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session.baselines import BaselineContext
from harness.session.baselines.revision import RevisionBaseline
from harness.session.session import Session
from harness.store import RunFolder
from harness.testing import make_artifact, make_entry, make_facts, make_profile

BENCHMARK = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("../models"), ids=str)
def test_models(bench, candidate):
    bench(candidate)
"""
DEVICE = DeviceRecord(profile=make_profile("local"), facts=make_facts(), fingerprint=None)
LIMITS = parse_limits({"model_size_regression": "10 %"}, origin="marker")


def git(*arguments: str, cwd: Path) -> str:
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, **files: bytes) -> str:
    """Write files and commit them; in a name, "__" is a slash and the last part the ending."""
    for name, content in files.items():
        path = folder / ".".join(name.replace("__", "/").rsplit("_", 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "-m", "more", cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Branch main went on after branch work, which is checked out, left it with another model and a new one."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    one = addition_model()
    commit(folder, benchmarks__bench_py=BENCHMARK.encode(), models__same_tflite=one, models__changed_tflite=one)
    git("branch", "work", cwd=folder)
    commit(folder, models__changed_tflite=one + b"\0" * 32, models__same_tflite=one + b"\0" * 48)
    git("checkout", "--quiet", "work", cwd=folder)
    commit(folder, models__changed_tflite=one + b"\0" * 16, models__new_tflite=one)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def candidates_here() -> tuple[Candidate, ...]:
    return tuple(candidates_from_paths(["models"]))


def around() -> BaselineContext:
    return BaselineContext(
        Settings(devices=("local",)),
        build=lambda _: make_artifact(),
        say=lambda _: None,
        benchmarks=(Path("benchmarks/bench.py").absolute(),),
        expected=candidates_here(),
    )


def opened(given: str) -> RevisionBaseline:
    return RevisionBaseline.open(given, around())


def worktrees(folder: Path) -> int:
    return len(git("worktree", "list", "--porcelain", cwd=folder).split("\n\n"))


def size(base: RevisionBaseline, name: str) -> int | None:
    """Bytes that the base's model has more than the one of its first commit; None where it has none."""
    (candidate,) = (one for one in candidates_here() if one.name == name)
    found = base.arm_for(candidate, DEVICE, make_entry()).artifact
    return None if found is None else Path(found.path).stat().st_size - len(addition_model())


def test_a_branch_that_went_on_is_taken_at_the_merge_base_and_leaves_nothing_behind(repository: Path) -> None:
    sha = git("merge-base", "main", "work", cwd=repository)
    base = opened("main")
    assert worktrees(repository) == 1
    assert (size(base, "same"), size(base, "changed"), size(base, "new")) == (0, 0, None)
    (new,) = (one for one in candidates_here() if one.name == "new")
    told = base.arm_for(new, DEVICE, make_entry()).record
    assert (told.state, told.commit) == ("new", sha)
    assert f"commit {sha[:12]}, the merge base with main" in told.sentence
    assert base.folder.exists()
    base.close()
    assert not base.folder.exists()


@pytest.mark.parametrize("index", [".git/index", "{repository}/.git/index"])
def test_in_a_hook_of_git_the_user_s_index_stays_as_it_is(
    repository: Path, monkeypatch: pytest.MonkeyPatch, index: str
) -> None:
    (repository / "staged.txt").write_text("staged", encoding="utf-8")
    git("add", "staged.txt", cwd=repository)
    before = git("status", "--porcelain", "--untracked-files=no", cwd=repository)
    monkeypatch.setenv("GIT_INDEX_FILE", index.format(repository=repository))
    base = opened("main")
    assert size(base, "same") == 0
    base.close()
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert git("status", "--porcelain", "--untracked-files=no", cwd=repository) == before


def test_an_exact_commit_is_taken_as_it_is(repository: Path) -> None:
    base = opened("rev:main")
    assert (size(base, "same"), size(base, "changed")) == (48, 32)
    (same,) = (one for one in candidates_here() if one.name == "same")
    assert base.arm_for(same, DEVICE, make_entry()).record.sentence == f"commit {base.commit.sha[:12]}"
    base.close()


def test_a_base_whose_benchmarks_cannot_be_collected_is_missing_with_the_reason(repository: Path) -> None:
    broken = commit(repository, benchmarks__bench_py=b"import no_such_module\n")
    git("revert", "--no-edit", "HEAD", cwd=repository)
    base = opened(f"rev:{broken}")
    assert worktrees(repository) == 1
    for candidate in candidates_here():
        told = base.arm_for(candidate, DEVICE, make_entry()).record
        assert told.state == "missing"
        assert "no_such_module" in told.sentence
        assert "\n" not in told.sentence
    base.close()


def test_a_base_without_the_benchmarks_has_nothing_and_everything_is_new(repository: Path) -> None:
    git("rm", "--quiet", "benchmarks/bench.py", cwd=repository)
    without = commit(repository, other__notes_py=b"")
    git("revert", "--no-edit", "HEAD", cwd=repository)
    base = opened(f"rev:{without}")
    assert {base.arm_for(one, DEVICE, make_entry()).record.state for one in candidates_here()} == {"new"}
    base.close()


def test_a_folder_that_the_base_does_not_have_is_no_obstacle(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "later").mkdir()
    here = around()
    monkeypatch.chdir(repository / "later")
    base = RevisionBaseline.open("main", here)
    states = {one.name: base.arm_for(one, DEVICE, make_entry()).record.state for one in here.expected}
    assert states == {"same": "measured", "changed": "measured", "new": "new"}
    base.close()


@pytest.fixture
def leased() -> Iterator[None]:
    """Nobody else has this machine's lease."""
    with own_lease():
        yield


def measured(given: str, tmp_path: Path, *names: str) -> dict[str, Entry]:
    """The entries of a session on this machine."""
    settings = Settings(
        devices=("here",),
        devices_dir=Path("devices"),
        reports_dir=tmp_path / "reports",
        trials=2,
        min_secs=0.02,
        num_runs=5,
        baseline=given,
    )
    chosen = [one for one in candidates_here() if one.name in names]
    session = Session(
        settings,
        {"here": load("here", Path("devices"))},
        RunFolder.create(settings.reports_dir),
        expected={"here": chosen},
        benchmarks=(Path("benchmarks/bench.py").absolute(),),
    )
    with session:
        return {one.name: session.measure(one, "here", test="t", limits=LIMITS) for one in chosen}


def test_what_is_identical_is_not_measured_what_changed_is_in_both_arms_and_the_new_has_no_rival(
    repository: Path, tmp_path: Path, leased: None
) -> None:
    commit(repository, devices__here_toml=b'extends = "local"\n')
    entries = measured("main", tmp_path, "same", "changed", "new")
    base = {name: entry.baseline for name, entry in entries.items()}
    assert {name: record.state for name, record in base.items() if record} == {
        "same": "identical",
        "changed": "measured",
        "new": "new",
    }
    assert entries["same"].status is Status.PASS
    assert entries["same"].trials == []
    changed, was = entries["changed"], base["changed"]
    assert changed.artifact is not None
    assert was is not None
    assert was.artifact is not None
    assert changed.artifact.sha256 != was.artifact.sha256
    assert changed.artifact.size_bytes == was.artifact.size_bytes + 16
    assert {trial.arm for trial in changed.trials} == {"candidate", "baseline"}
    assert was.commit == git("merge-base", "main", "work", cwd=repository)
    assert {trial.arm for trial in entries["new"].trials} == {"candidate"}
    assert worktrees(repository) == 1


def test_the_profile_of_the_base_gives_its_arm_its_own_threads(repository: Path, tmp_path: Path, leased: None) -> None:
    before = commit(repository, devices__here_toml=b'extends = "local"\n[runtime]\nnum_threads = 1\n')
    commit(repository, devices__here_toml=b'extends = "local"\n[runtime]\nnum_threads = 2\n')
    entry = measured(f"rev:{before}", tmp_path, "same")["same"]
    assert entry.baseline is not None
    assert entry.baseline.state == "measured"
    assert (entry.num_threads, entry.baseline.num_threads) == (2, 1)
    assert entry.baseline.not_compared == []


def test_a_base_that_cannot_be_built_is_an_error_and_never_green(
    repository: Path, tmp_path: Path, leased: None
) -> None:
    broken = commit(repository, benchmarks__bench_py=b"raise RuntimeError('the base is broken')\n")
    git("revert", "--no-edit", "HEAD", cwd=repository)
    commit(repository, devices__here_toml=b'extends = "local"\n')
    entry = measured(f"rev:{broken}", tmp_path, "same")["same"]
    assert entry.status is Status.ERROR
    assert "the base is broken" in entry.reason
