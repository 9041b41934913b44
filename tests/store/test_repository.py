"""The name of a repository: alike in all its clones, without credentials."""

import subprocess
from pathlib import Path

import pytest

from harness.store.git import history_file, history_folder, repository_name


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/team/models.git",
        "https://x-access-token:s3cret@Example.org/team/models",
        "https://gitlab-ci-token:s3cret@example.org/team/models.git/",
        "ssh://git@example.org/team/models.git",
        "git@example.org:team/models.git",
        "https://example.org/team/models?token=s3cret#s3cret",
    ],
)
def test_every_way_to_an_origin_is_one_name_without_credentials(repository: Path, url: str) -> None:
    git(repository, "remote", "add", "origin", url)
    assert repository_name(repository) == "example.org/team/models"
    file = history_file(repository)
    assert file is not None
    assert file.parent == history_folder()
    assert file.name.startswith("example.org-team-models-")


def test_clones_of_a_folder_share_a_name_wherever_they_lie(repository: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        git(tmp_path, "clone", "--quiet", str(repository), name)
    (tmp_path / "two/benchmarks").mkdir()
    assert repository_name(tmp_path / "one") == repository_name(tmp_path / "two/benchmarks") == str(repository)


def test_without_an_origin_the_first_commit_names_it_and_before_that_its_path(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert repository_name(repository) == str(repository)
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "first")
    first = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "second")
    assert repository_name(repository) == f"commit-{first}"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    git(tmp_path / "shallow", "remote", "remove", "origin")
    assert repository_name(tmp_path / "shallow") == str(tmp_path / "shallow")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert repository_name(repository) == str(repository)


def test_outside_of_a_repository_there_is_none(tmp_path: Path) -> None:
    assert repository_name(tmp_path) is None
    assert history_file(tmp_path) is None
