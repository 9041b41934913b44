from pathlib import Path

from harness.pipeline.building.sources import source_hashes


def project(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [str(folder)]


def test_imports_are_followed_within_the_users_code(tmp_path):
    search = project(tmp_path, models="import layers\nimport json", layers="from sizes import SMALL", sizes="SMALL = 1")
    assert set(source_hashes("models", search)) == {"models", "layers", "sizes"}


def test_relative_imports_and_packages(tmp_path):
    search = project(tmp_path, nets__small="from . import sizes\nfrom .deep import x", nets__sizes="", nets__deep="")
    (tmp_path / "nets/__init__.py").write_text("")
    assert {"nets.small", "nets.sizes", "nets.deep"} <= set(source_hashes("nets.small", search))


def test_an_edit_anywhere_changes_the_hashes(tmp_path):
    search = project(tmp_path, models="import layers", layers="x = 1")
    before = source_hashes("models", search)
    project(tmp_path, layers="x = 2")
    assert source_hashes("models", search) != before


def test_installed_packages_are_left_out(tmp_path):
    search = [*project(tmp_path, models="import pydantic, harness.pipeline"), *__import__("sys").path]
    assert set(source_hashes("models", search)) == {"models"}


def test_imports_in_a_circle_end(tmp_path):
    assert set(source_hashes("a", project(tmp_path, a="import b", b="import a"))) == {"a", "b"}


def test_a_file_that_is_no_python_is_hashed_alone(tmp_path):
    assert set(source_hashes("a", project(tmp_path, a="def (:"))) == {"a"}


def test_no_such_module(tmp_path):
    assert source_hashes("gone", [str(tmp_path)]) == {}
    assert source_hashes("gone.deeper", [str(tmp_path)]) == {}
