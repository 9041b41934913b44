from pathlib import Path

import pytest

from harness.pipeline import source_hashes
from harness.pipeline.source_hashes import default_of, harness_source_hashes, meaning_sha256, user_source_hashes


def project(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [str(folder)]


def test_imports_are_followed_within_the_users_code(tmp_path):
    search = project(tmp_path, models="import layers\nimport json", layers="from sizes import SMALL", sizes="SMALL = 1")
    assert set(user_source_hashes("models", search)) == {"models", "layers", "sizes"}


def test_relative_imports_and_packages(tmp_path):
    search = project(tmp_path, nets__small="from . import sizes\nfrom .deep import x", nets__sizes="", nets__deep="")
    (tmp_path / "nets/__init__.py").write_text("")
    assert {"nets.small", "nets.sizes", "nets.deep"} <= set(user_source_hashes("nets.small", search))


def test_an_edit_anywhere_changes_the_hashes(tmp_path):
    search = project(tmp_path, models="import layers", layers="x = 1")
    before = user_source_hashes("models", search)
    project(tmp_path, layers="x = 2")
    assert user_source_hashes("models", search) != before


def test_installed_packages_are_left_out(tmp_path):
    search = [*project(tmp_path, models="import pydantic, harness.pipeline"), *__import__("sys").path]
    assert set(user_source_hashes("models", search)) == {"models"}


def test_imports_in_a_circle_end(tmp_path):
    assert set(user_source_hashes("a", project(tmp_path, a="import b", b="import a"))) == {"a", "b"}


def test_a_file_that_is_no_python_is_hashed_alone(tmp_path):
    assert set(user_source_hashes("a", project(tmp_path, a="def (:"))) == {"a"}


def test_no_such_module(tmp_path):
    assert user_source_hashes("gone", [str(tmp_path)]) == {}
    assert user_source_hashes("gone.deeper", [str(tmp_path)]) == {}


def test_an_environment_made_of_links_is_installed_all_the_same(tmp_path, monkeypatch):
    project(tmp_path / "real", package="x = 1")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/package.py").symlink_to(tmp_path / "real/package.py")
    monkeypatch.setattr(source_hashes, "_INSTALLED", (tmp_path / "site",))
    search = [*project(tmp_path / "mine", models="import package"), str(tmp_path / "site")]
    assert set(user_source_hashes("models", search)) == {"models"}


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\nx = f(1, y=2)",
        "x=f( 1,\n  y = 2 )\n\n\n",
        '"""What it is."""\nx = f(1, y=2)',
        "x = (f(1, y=2))",
    ],
)
def test_comments_layout_and_docstrings_do_not_count(text):
    assert meaning_sha256(text.encode()) == meaning_sha256(b"x = f(1, y=2)")


@pytest.mark.parametrize(
    "text",
    [
        "x = f(2, y=1)",
        "x = f(1, 2)",
        "x = f('1', y=2)",
        "x = f(1.0, y=2)",
        "x = f(True, y=2)",
        "x = f([1], y=2)",
        "x = f(1, y=2); 'text'",
        "x, = f(1, y=2)",
        "x = f(1, z=2)",
        "y = f(1, y=2)",
        "x = f(1, **y)",
    ],
)
def test_what_a_program_does_counts(text):
    assert meaning_sha256(text.encode()) != meaning_sha256(b"x = f(1, y=2)")


def test_blocks_do_not_run_into_each_other():
    assert meaning_sha256(b"if a:\n    b\nc") != meaning_sha256(b"if a:\n    b\n    c")
    assert meaning_sha256(b"def f():\n    'text'") != meaning_sha256(b"def f():\n    'text'\n    'text'")


def test_defaults_are_read_from_the_source(tmp_path):
    search = project(tmp_path, models="def make(width, data='digits', *, n=3, m): ...\ndef other(data=D): ...")
    found = {name: default_of("models", "make", name, search) for name in ("width", "data", "n", "m", "gone")}
    assert found == {"width": None, "data": "digits", "n": 3, "m": None, "gone": None}
    assert default_of("models", "other", "data", search) is None and default_of("gone", "make", "data", search) is None


def test_of_the_harness_only_the_rooms_named_are_followed():
    found = harness_source_hashes("harness.pipeline.model.conversion.convert", ("harness.pipeline.model.conversion",))
    assert "harness.pipeline.model.conversion.convert" in found
    assert all(name.startswith("harness.pipeline.model.conversion.") for name in found)
