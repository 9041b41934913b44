"""A base carried in a folder of artifacts: which commit it must be, what a shallow clone believes, what is damaged."""

import json
import shutil
from pathlib import Path

import pytest
from session.test_revision_base import DEVICE, around, candidates_here, commit, git, repository, size, worktrees

from harness.records.errors import UsageError
from harness.records.settings import Settings
from harness.session.baselines import BaselineContext, check_baseline, open_baseline
from harness.session.baselines.carried import write_carried
from harness.session.baselines.revision import RevisionBaseline
from harness.session.baselines.worktree import BaselineBuild, resolve_commit
from harness.testing import make_artifact, make_entry

__all__ = ["repository"]


def carry(artifacts: Path, given: str = "main") -> None:
    order = BaselineBuild(around().benchmarks, candidates_here(), None, 0, 1)
    write_carried(artifacts, given, resolve_commit(given), order, say=lambda _what: None)


def opened(artifacts: Path, given: str = "main") -> RevisionBaseline:
    settings = Settings(devices=("local",), artifacts=artifacts)
    base = open_baseline(given, BaselineContext(settings, build=lambda _: make_artifact(), say=lambda _: None))
    assert isinstance(base, RevisionBaseline)
    return base


def refused(artifacts: Path, given: str = "main") -> str:
    with pytest.raises(UsageError) as caught:
        check_baseline(Settings(baseline=given, artifacts=artifacts))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_was_carried_is_the_base_and_stays(repository: Path) -> None:
    artifacts = repository / "artifacts"
    carry(artifacts)
    assert worktrees(repository) == 1
    check_baseline(Settings(baseline="main", artifacts=artifacts))
    base = opened(artifacts)
    assert base.commit.sha == git("merge-base", "main", "work", cwd=repository)
    assert (size(base, "same"), size(base, "changed"), size(base, "new")) == (0, 0, None)
    (same,) = (one for one in candidates_here() if one.name == "same")
    record = base.arm_for(same, DEVICE, make_entry()).record
    assert (record.state, record.commit, record.sentence) == ("measured", base.commit.sha, base.commit.words)
    base.close()
    assert (artifacts / "baseline/index.json").is_file()


def test_another_commit_than_the_one_named_here_is_refused(repository: Path) -> None:
    artifacts = repository / "artifacts"
    carry(artifacts)
    git("merge", "--quiet", "-s", "ours", "-m", "merged", "main", cwd=repository)
    said = refused(artifacts)
    assert "and artifacts carries commit" in said.replace(f"{repository}/", "")
    assert said.endswith(f"write it again with harness build --out {artifacts} --baseline main")
    carry(artifacts)
    check_baseline(Settings(baseline="main", artifacts=artifacts))
    base = opened(artifacts)
    assert (size(base, "same"), size(base, "changed")) == (48, 32), "what was carried before is gone"


def test_a_shallow_clone_believes_what_was_built_of_its_own_commit(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = tmp_path / "artifacts"
    carry(artifacts)
    git("clone", "--quiet", "--depth=1", "--branch=work", f"file://{repository}", "shallow", cwd=tmp_path)
    monkeypatch.chdir(tmp_path / "shallow")
    check_baseline(Settings(baseline="main", artifacts=artifacts))
    base = opened(artifacts)
    (same,) = (one for one in candidates_here() if one.name == "same")
    told = base.arm_for(same, DEVICE, make_entry()).record.not_compared
    assert any("this clone does not have the base's commit" in reason for reason in told)
    assert "this clone is shallow" in refused(artifacts, "origin/main")
    commit(tmp_path / "shallow", more_txt=b"more")
    assert "this clone is shallow" in refused(artifacts)


def test_a_damaged_record_is_one_line(repository: Path) -> None:
    artifacts = repository / "artifacts"
    carry(artifacts)
    file = artifacts / "baseline/commit.json"
    good = json.loads(file.read_text(encoding="utf-8"))
    for wrong in ("{", "[]", json.dumps(good | {"commit": "--all"}), json.dumps(good | {"schema_version": 2})):
        file.write_text(wrong, encoding="utf-8")
        assert "commit.json is damaged or of another version" in refused(artifacts)
    file.unlink()
    file.mkdir()
    assert "cannot be read" in refused(artifacts)
    shutil.rmtree(artifacts)
    check_baseline(Settings(baseline="main", artifacts=artifacts))
