"""A folder of artifacts: written under readable names, and not believed when it is read."""

import json
import os
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from harness.pipeline.builder.artifact_folder import INDEX, ArtifactFolder, export_artifacts
from harness.pipeline.cache import file_sha256
from harness.pipeline.model.data.preprocessing import scale_pixels
from harness.records.artifact import Artifact, BuiltinOutputs, GoldenOutputs, StagesFile
from harness.records.candidate import Candidate
from harness.records.errors import BuildError, UsageError
from harness.testing import make_artifact

CANDIDATE = Candidate("ic_resnet8(width=0.5, data=digits)", "zoo", "ic_resnet8", "prune(0.8)+int8")
NAME = "ic_resnet8(width=0.5,data=digits)--prune(0.8)+int8"


def written(folder: Path, name: str, content: bytes) -> tuple[str, str]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path), sha256(content).hexdigest()


def built(cache: Path, candidate: Candidate = CANDIDATE, content: bytes = b"model") -> Artifact:
    path, model_hash = written(cache, "model.tflite", content)
    inputs, inputs_hash = written(cache, "inputs.npz", b"inputs")
    outputs, outputs_hash = written(cache, "outputs.npz", b"outputs")
    builtin, builtin_hash = written(cache, "builtin.npz", b"built-in kernels")
    stages, stages_hash = written(cache, "my_stages.py", b"import numpy")
    raw, raw_hash = written(cache, "raw.npz", b"raw")
    return make_artifact(
        candidate=candidate.name,
        recipe=candidate.recipe,
        path=path,
        sha256=model_hash,
        golden=GoldenOutputs(
            inputs_path=inputs, inputs_sha256=inputs_hash, outputs_path=outputs, outputs_sha256=outputs_hash,
            samples=1, real=True, runtime="litert", arch="x86_64", num_threads=1, delegate="xnnpack",
            builtin=BuiltinOutputs(outputs_path=builtin, outputs_sha256=builtin_hash, sqnr_db=21.0),
        ),
        stages=StagesFile(
            path=stages, sha256=stages_hash, raw_path=raw, raw_sha256=raw_hash, samples=1, answers=("1",)
        ),
    )  # fmt: skip


def with_stages(folder: Path, content: bytes = b"import numpy") -> Candidate:
    path, _ = written(folder, "mine.py", content)
    return replace(CANDIDATE, stages=path)


@pytest.fixture
def exported(tmp_path) -> Path:
    export_artifacts(tmp_path / "exported", [(CANDIDATE, built(tmp_path / "cache"))])
    return tmp_path / "exported"


def edit(exported: Path, old: str, new: str) -> None:
    text = (exported / INDEX).read_text()
    assert old in text
    (exported / INDEX).write_text(text.replace(old, new))


def test_files_have_names_that_people_can_read(exported):
    files = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    assert files == {
        INDEX,
        f"{NAME}.tflite",
        f"golden/{NAME}.inputs.npz",
        f"golden/{NAME}.outputs.npz",
        f"golden/{NAME}.builtin.npz",
        f"stages/{NAME}/my_stages.py",
        f"stages/{NAME}/raw.npz",
    }


def test_the_index_names_no_place_of_the_machine_it_was_written_on(exported, tmp_path):
    assert str(tmp_path) not in (exported / INDEX).read_text()


def test_what_is_taken_is_what_was_put_wherever_the_folder_is_carried(exported, tmp_path):
    carried = exported.rename(tmp_path / "elsewhere")
    taken = ArtifactFolder.open(carried).take(with_stages(tmp_path))
    put = built(tmp_path / "cache")
    places = {"path": True, "verification": {"golden"}, "stages": True, "cached": True}
    assert taken.model_dump(exclude=places) == put.model_dump(exclude=places)
    assert taken.local_path == carried / f"{NAME}.tflite" and taken.cached
    assert (
        taken.verification.golden is not None
        and Path(taken.verification.golden.outputs_path).read_bytes() == b"outputs"
    )
    assert Path(taken.verification.golden.builtin.outputs_path).read_bytes() == b"built-in kernels"
    assert Path(taken.verification.golden.builtin.outputs_path).is_relative_to(carried)
    assert taken.stages is not None and taken.stages.answers == ("1",)
    assert Path(taken.stages.path) == carried / f"stages/{NAME}/my_stages.py"


def test_one_that_is_absent_is_one_line_with_the_nearest(exported):
    absent = replace(CANDIDATE, recipe="prune(0.9)+int8")
    with pytest.raises(BuildError) as caught:
        ArtifactFolder.open(exported).take(absent)
    assert str(caught.value) == (
        f"{absent} is not in {exported}, which has {CANDIDATE}: write it again with harness build --out"
    )


def test_a_second_build_adds_and_replaces(exported, tmp_path):
    other = replace(CANDIDATE, recipe="int8")
    export_artifacts(
        exported, [(other, built(tmp_path / "b", other)), (CANDIDATE, built(tmp_path / "c", content=b"newer"))]
    )
    opened = ArtifactFolder.open(exported)
    assert opened.take(other).local_path.read_bytes() == b"model"
    assert opened.take(CANDIDATE).local_path.read_bytes() == b"newer"
    assert len(opened.entries) == 2


def test_names_that_would_be_one_file_are_told_apart(tmp_path):
    first, second = Candidate("a:b", "zoo", "x", "int8"), Candidate("a.b", "zoo", "x", "int8")
    third = Candidate("weird/../../name\n", "zoo", "x", "int8")
    long = Candidate("x" * 400, "zoo", "x", "int8")
    all_of_them = [first, second, third, long]
    caches = [tmp_path / f"cache {number}" for number in range(len(all_of_them))]
    export_artifacts(
        tmp_path / "s",
        [(one, built(cache, one, str(one).encode())) for cache, one in zip(caches, all_of_them, strict=True)],
    )
    opened = ArtifactFolder.open(tmp_path / "s")
    for one in all_of_them:
        taken = opened.take(one)
        assert taken.local_path.read_bytes() == str(one).encode()
        assert taken.local_path.parent == tmp_path / "s"


@pytest.mark.parametrize(
    "victim", [f"{NAME}.tflite", f"golden/{NAME}.outputs.npz", f"golden/{NAME}.builtin.npz", f"stages/{NAME}/raw.npz"]
)
def test_a_file_that_was_changed_is_refused(exported, victim, tmp_path):
    (exported / victim).write_bytes(b"other")
    with pytest.raises(BuildError, match="is not the file that was built"):
        ArtifactFolder.open(exported).take(with_stages(tmp_path))


@pytest.mark.parametrize("kind", ["pipe", "endless"])
def test_what_is_no_plain_file_is_refused_at_once(exported, kind):
    victim = exported / f"{NAME}.tflite"
    victim.unlink()
    if kind == "pipe":
        os.mkfifo(victim)
    else:
        victim.symlink_to("/dev/zero")
    with pytest.raises(BuildError, match=r"cannot be read: it is no regular file|lies outside the folder"):
        ArtifactFolder.open(exported).take(CANDIDATE)


@pytest.mark.parametrize("name", ["a\x00b.tflite", "a\x1b[2J", "x" * 5000, "\ud800"])
def test_a_name_that_no_file_has_is_one_line(exported, name):
    index = json.loads((exported / INDEX).read_text())
    index["artifacts"][0]["artifact"]["path"] = name
    (exported / INDEX).write_text(json.dumps(index))
    with pytest.raises((BuildError, UsageError)) as caught:
        ArtifactFolder.open(exported).take(CANDIDATE)
    assert "\n" not in str(caught.value)


def test_stages_of_a_folder_are_left_out_where_the_candidate_has_none(exported):
    assert ArtifactFolder.open(exported).take(CANDIDATE).stages is None


def test_a_folder_with_other_stages_than_the_candidate_names_is_refused(exported, tmp_path):
    with pytest.raises(BuildError, match="comes with other pre- and post-processing than lies here"):
        ArtifactFolder.open(exported).take(with_stages(tmp_path, b"import numpy as np"))


def test_a_folder_without_the_stages_that_the_candidate_names_is_refused(tmp_path):
    plain = built(tmp_path / "c").model_copy(update={"stages": None})
    export_artifacts(tmp_path / "s", [(CANDIDATE, plain)])
    with pytest.raises(BuildError, match="was built without its pre- and post-processing"):
        ArtifactFolder.open(tmp_path / "s").take(with_stages(tmp_path))


def test_a_data_sets_own_stages_are_ours_or_lie_beside_the_candidate(exported, tmp_path):
    candidate = replace(CANDIDATE, stages="dataset", base_dir=str(tmp_path / "benchmarks"))
    with pytest.raises(BuildError, match="comes with other pre- and post-processing"):
        ArtifactFolder.open(exported).take(candidate)
    written(tmp_path / "benchmarks" / "below", "kept.py", b"import numpy")
    assert ArtifactFolder.open(exported).take(candidate).stages is not None

    shipped = Path(scale_pixels.__file__)
    artifact = built(tmp_path / "c")
    assert artifact.stages is not None
    stages = artifact.stages.model_copy(update={"path": str(shipped), "sha256": file_sha256(shipped)})
    export_artifacts(tmp_path / "s", [(CANDIDATE, artifact.model_copy(update={"stages": stages}))])
    assert ArtifactFolder.open(tmp_path / "s").take(replace(CANDIDATE, stages="dataset")).stages is not None


def test_nothing_is_put_through_a_link_that_leads_out(exported, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(exported / "golden")
    (exported / "golden").symlink_to(outside)
    with pytest.raises(UsageError, match="leads out of it"):
        export_artifacts(exported, [(CANDIDATE, built(tmp_path / "c"))])
    assert not list(outside.iterdir())


def test_a_file_that_is_gone_is_one_line(exported):
    (exported / f"{NAME}.tflite").unlink()
    with pytest.raises(BuildError, match="cannot be read: No such file"):
        ArtifactFolder.open(exported).take(CANDIDATE)


@pytest.mark.parametrize("outside", ["../secret", "/etc/passwd", "golden/../../secret"])
def test_paths_stay_inside(exported, outside):
    (exported.parent / "secret").write_bytes(b"model")
    edit(exported, f'"{NAME}.tflite"', json.dumps(outside))
    with pytest.raises(BuildError, match="lies outside the folder"):
        ArtifactFolder.open(exported).take(CANDIDATE)


def test_a_link_that_leads_outside_is_refused(exported):
    (exported.parent / "secret").write_bytes(b"model")
    (exported / f"{NAME}.tflite").unlink()
    (exported / f"{NAME}.tflite").symlink_to(exported.parent / "secret")
    with pytest.raises(BuildError, match="lies outside the folder"):
        ArtifactFolder.open(exported).take(CANDIDATE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "damaged or of another version"),
        (b"{}", "has 0"),
        (b"[]", "damaged or of another version"),
        (b'{"schema_version": 1, "artifacts": []}', "schema_version"),
        (b'{"artifacts": [{"artifact": {}}]}', "artifacts.0.artifact"),
        (b"\xff\xfe", "damaged or of another version"),
    ],
)
def test_an_index_that_is_none_is_one_line(exported, content, said):
    (exported / INDEX).write_bytes(content)
    if said == "has 0":
        assert ArtifactFolder.open(exported).entries == {}
        return
    with pytest.raises(UsageError) as caught:
        ArtifactFolder.open(exported)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_an_index_without_end_is_not_read_whole(exported, monkeypatch):
    monkeypatch.setattr("harness.pipeline.builder.artifact_folder._INDEX_LIMIT", 100)
    with pytest.raises(UsageError, match="is larger than"):
        ArtifactFolder.open(exported)


def test_a_folder_that_is_no_shelf_is_one_line(tmp_path):
    with pytest.raises(UsageError, match="there is no such folder"):
        ArtifactFolder.open(tmp_path / "gone")
    with pytest.raises(UsageError, match=r"it has no index\.json"):
        ArtifactFolder.open(tmp_path)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        export_artifacts(tmp_path / "file" / "exported", [(CANDIDATE, built(tmp_path / "cache"))])


def test_an_interrupted_write_leaves_what_was_there(exported, tmp_path, monkeypatch):
    before = (exported / INDEX).read_bytes()
    other = replace(CANDIDATE, recipe="int8")
    missing = built(tmp_path / "b", other).model_copy(update={"path": str(tmp_path / "gone")})
    with pytest.raises(UsageError, match="cannot be written"):
        export_artifacts(exported, [(other, missing)])
    assert (exported / INDEX).read_bytes() == before
    assert not [path for path in exported.rglob("*") if path.name.startswith(".")]


@pytest.fixture
def factory(tmp_path) -> Candidate:
    (tmp_path / "models.py").write_text("def make():\n    return 1\n")
    return Candidate("models:make", "factory", "models:make", "int8", base_dir=str(tmp_path))


def test_one_of_another_source_is_refused_so_that_old_is_not_measured_as_new(tmp_path, factory):
    export_artifacts(tmp_path / "s", [(factory, built(tmp_path / "c", factory))])
    opened = ArtifactFolder.open(tmp_path / "s")
    (tmp_path / "models.py").write_text("def make():  # the same\n    return 1\n")
    assert opened.take(factory).recipe == "int8"
    (tmp_path / "models.py").write_text("def make():\n    return 2\n")
    with pytest.raises(BuildError, match="was built from another models than lies here"):
        opened.take(factory)


def test_a_machine_without_the_source_measures_all_the_same(tmp_path, factory):
    export_artifacts(tmp_path / "s", [(factory, built(tmp_path / "c", factory))])
    (tmp_path / "models.py").unlink()
    assert ArtifactFolder.open(tmp_path / "s").take(factory).recipe == "int8"


def test_a_file_as_given_is_measured_where_it_lies(exported):
    opened = ArtifactFolder.open(exported)
    assert not opened.serves(Candidate("m", "tflite", "/m.tflite"))
    assert opened.serves(Candidate("m", "tflite", "/m.tflite", "int8")) and opened.serves(CANDIDATE)
