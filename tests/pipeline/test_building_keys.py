"""What makes a candidate be built again, and what does not."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.pipeline import candidates_from_paths
from harness.pipeline.builder import build_spec, keys
from harness.pipeline.builder.build_spec import BuildSpec, make_build_spec
from harness.pipeline.model import data
from harness.pipeline.recipes import STEPS
from harness.records.candidate import Candidate
from harness.records.errors import BuildError

MODELS = """
import sizes

def small(width=1.0, data="digits"):
    return sizes.HIDDEN

def other():
    return 2
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "sizes.py").write_text("HIDDEN = 8\n")
    (tmp_path / "unrelated.py").write_text("x = 1\n")
    return tmp_path


@pytest.fixture(autouse=True)
def fingerprints(monkeypatch) -> dict[str, str]:
    """Data sets whose contents the test decides."""
    known: dict[str, str] = {}
    monkeypatch.setattr(
        data, "data_fingerprint", lambda word, *, base_dir: known.setdefault(word, f"{word} holds this"), raising=False
    )
    return known


def candidate(folder: Path, recipe: str = "int8", **changes: object) -> Candidate:
    return replace(candidates_from_paths(["models:small"], recipes=[recipe], base_dir=folder)[0], **changes)


def ordered(folder: Path, recipe: str = "int8", *, seed: int = 0, **changes: object) -> BuildSpec:
    return make_build_spec(candidate(folder, recipe, **changes), seed=seed, cache_dir=folder / "cache")


def kept(made: BuildSpec) -> tuple[str, str, str]:
    """Keys of the weights, of the exported model, of the artifact."""
    return Path(made.trainings[-1].weights).name, made.prepared.name, made.artifact.name


def test_recipes_of_one_training_share_it(folder):
    one, two = kept(ordered(folder, "int8")), kept(ordered(folder, "float16"))
    assert one[:2] == two[:2] and one[2] != two[2]


def test_everything_lies_in_the_cache_under_its_kind(folder):
    made = ordered(folder)
    assert made.prepared.parent == folder / "cache/prepared" and made.artifact.parent == folder / "cache/artifacts"
    assert Path(made.trainings[0].weights).parent == folder / "cache/weights"
    assert made.training_folders() == (Path(made.trainings[0].weights),)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("models.py", "# a comment\n" + MODELS),
        ("models.py", '"""A docstring."""\n' + MODELS),
        ("models.py", MODELS.replace("width=1.0, ", "width = 1.0,\n    ")),
        ("models.py", MODELS.replace("    return 2", '    "Two."\n    return 2  # two')),
        ("sizes.py", "HIDDEN = (8)  # as ever\n"),
        ("unrelated.py", "x = 2\n"),
    ],
)
def test_comments_layout_and_other_files_rebuild_nothing(folder, file, text):
    before = kept(ordered(folder))
    (folder / file).write_text(text)
    assert kept(ordered(folder)) == before


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("models.py", MODELS.replace("1.0", "0.5")),
        ("models.py", MODELS.replace("sizes.HIDDEN", "sizes.HIDDEN + 1")),
        ("models.py", MODELS.replace("1.0", "'1.0'")),
        ("sizes.py", "HIDDEN = 9\n"),
    ],
)
def test_the_factory_and_what_it_imports_rebuild_all_of_it(folder, file, text):
    before = kept(ordered(folder))
    (folder / file).write_text(text)
    assert not set(before) & set(kept(ordered(folder)))


def test_a_factory_in_another_file_is_left_alone(folder):
    (folder / "mine.py").write_text("def make():\n    return 1\n")
    mine = candidates_from_paths(["mine:make"], base_dir=folder)[0]
    before = make_build_spec(mine, seed=0, cache_dir=folder)
    (folder / "models.py").write_text(MODELS.replace("1.0", "0.5"))
    assert make_build_spec(mine, seed=0, cache_dir=folder) == before


@pytest.mark.parametrize(
    "changes", [{"arguments": (("width", 0.5),)}, {"arguments": (("data", "cifar10"),)}, {"data": "digits"}]
)
def test_arguments_and_data_count(folder, changes):
    assert not set(kept(ordered(folder))) & set(kept(ordered(folder, **changes)))


def test_the_seed_counts(folder):
    assert not set(kept(ordered(folder))) & set(kept(ordered(folder, seed=1)))


def test_the_versions_count(folder, monkeypatch):
    before = kept(ordered(folder))
    monkeypatch.setattr(build_spec, "building_versions", lambda: {"keras": "99"})
    assert not set(before) & set(kept(ordered(folder)))


@pytest.mark.parametrize("arguments", [(), (("data", "digits"),)])
def test_what_a_data_set_holds_counts_whether_it_is_named_or_the_factory_s_default(folder, fingerprints, arguments):
    before = kept(ordered(folder, arguments=arguments))
    fingerprints["digits"] = "other digits"
    assert not set(before) & set(kept(ordered(folder, arguments=arguments)))


def test_given_weights_count_by_what_they_hold(folder):
    (folder / "a.h5").write_bytes(b"weights")
    (folder / "b.h5").write_bytes(b"weights")
    (folder / "c.h5").write_bytes(b"others")
    a, b, c = (kept(ordered(folder, weights=str(folder / name))) for name in ("a.h5", "b.h5", "c.h5"))
    assert a == b and not set(a) & set(c) and not set(a) & set(kept(ordered(folder)))


def test_the_place_of_the_project_does_not_count(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("elsewhere")
    for name in ("models.py", "sizes.py"):
        (other / name).write_text((folder / name).read_text())
    assert kept(ordered(other)) == kept(ordered(folder))


def change(monkeypatch, name: str) -> None:
    """Another text of some of the harness' own code."""
    before = getattr(keys, name)()
    for module in (keys, build_spec):
        monkeypatch.setattr(module, name, lambda: {**before, "changed": "code"}, raising=False)


def test_code_that_converts_leaves_trainings_and_exports(folder, monkeypatch):
    weights, prepared, artifact = kept(ordered(folder))
    change(monkeypatch, "conversion_sources")
    after = kept(ordered(folder))
    assert after[:2] == (weights, prepared) and after[2] != artifact


def test_code_that_exports_leaves_trainings(folder, monkeypatch):
    weights, prepared, artifact = kept(ordered(folder))
    change(monkeypatch, "export_sources")
    after = kept(ordered(folder))
    assert after[0] == weights and after[1] != prepared and after[2] != artifact


def test_a_format_s_own_code_touches_its_artifacts_only(folder, monkeypatch):
    before = {recipe: kept(ordered(folder, recipe)) for recipe in ("int8", "float16")}
    real = keys.step_sources
    monkeypatch.setattr(
        keys, "step_sources", lambda name: {**real(name), "changed": "code"} if name == "int8" else real(name)
    )
    after = {recipe: kept(ordered(folder, recipe)) for recipe in ("int8", "float16")}
    assert after["float16"] == before["float16"]
    assert after["int8"][:2] == before["int8"][:2] and after["int8"][2] != before["int8"][2]


def test_what_counts_of_the_harness_is_what_does_the_work():
    training, export, conversion = keys.training_sources(), keys.export_sources(), keys.conversion_sources()
    assert (
        "harness.pipeline.model.training.train_steps" in training and "harness.pipeline.worker.determinism" in training
    )
    assert not any(".conversion" in name or ".recipes" in name for name in training)
    assert (
        "harness.pipeline.model.export.prepare" in export and "harness.pipeline.model.conversion.convert" in conversion
    )
    assert keys.step_sources("int8") == {"format": repr(STEPS["int8"])} != keys.step_sources("float16")
    pruning = keys.step_sources("prune")
    assert {"harness.pipeline.model.training.pruning", "harness.pipeline.recipes.prune"} <= set(pruning)
    assert not any("distil" in name for name in pruning)
    for found in (training, export, conversion):
        assert not any(part in name for name in found for part in (".verification", ".inspection", ".cache", "records"))


def test_a_module_that_is_not_there_is_one_line(folder):
    (gone,) = candidates_from_paths(["nowhere:make"], base_dir=folder)
    with pytest.raises(BuildError, match="there is no module nowhere beside the calling file"):
        make_build_spec(gone, seed=0, cache_dir=folder)


def test_weights_that_are_not_there_are_one_line(folder):
    with pytest.raises(BuildError, match=r"gone\.h5 cannot be read: No such file"):
        ordered(folder, weights=str(folder / "gone.h5"))


def test_files_count_by_what_they_hold(folder):
    (folder / "a.keras").write_bytes(b"model")
    (folder / "saved").mkdir()
    (folder / "saved/saved_model.pb").write_bytes(b"graph")
    keras = Candidate("a", "keras", str(folder / "a.keras"), "int8")
    saved = Candidate("saved", "saved_model", str(folder / "saved"), "int8")
    before = [kept(make_build_spec(one, seed=0, cache_dir=folder)) for one in (keras, saved)]
    assert before == [kept(make_build_spec(one, seed=0, cache_dir=folder)) for one in (keras, saved)]
    (folder / "a.keras").write_bytes(b"other")
    (folder / "saved/saved_model.pb").write_bytes(b"other")
    after = [kept(make_build_spec(one, seed=0, cache_dir=folder)) for one in (keras, saved)]
    assert not set(sum(before, ())) & set(sum(after, ()))


def test_steps_that_train_keep_their_weights_apart_and_share_what_led_to_them(folder):
    plain, pruned, more = (ordered(folder, recipe) for recipe in ("int8", "prune(0.5)+int8", "prune(0.8)+int8"))
    assert plain.trainings[0] == pruned.trainings[0] == more.trainings[0]
    assert len({pruned.trainings[1].weights, more.trainings[1].weights, plain.trainings[0].weights}) == 3
    assert pruned.training_folders() == tuple(Path(stage.weights) for stage in pruned.trainings)
    assert pruned.prepared not in (plain.prepared, more.prepared)
    assert ordered(folder, "prune(0.5)+float16").prepared == pruned.prepared


def test_a_step_s_own_code_trains_its_stage_anew_and_not_the_model(folder, monkeypatch):
    before = ordered(folder, "prune(0.5)+int8")
    real = keys.step_sources
    changed = lambda name: {**real(name), "changed": "code"} if name == "prune" else real(name)  # noqa: E731
    monkeypatch.setattr(keys, "step_sources", changed)
    after = ordered(folder, "prune(0.5)+int8")
    assert after.trainings[0] == before.trainings[0] and after.trainings[1].weights != before.trainings[1].weights


def test_a_teacher_is_a_model_of_its_own_with_weights_of_its_own(folder):
    taught = ordered(folder, "distill(width=0.5, teacher='models:other')+int8")
    teacher = taught.trainings[1].teacher
    assert teacher is not None and (teacher.kind, teacher.source) == ("factory", "models:other")
    assert taught.trainings[1].teacher_weights is not None
    assert Path(taught.trainings[1].teacher_weights) in taught.training_folders()
    untaught = ordered(folder, "distill(width=0.5)+int8")
    assert untaught.trainings[1].teacher is None and untaught.trainings[1].weights != taught.trainings[1].weights


def test_a_teacher_s_file_counts_by_what_it_holds(folder):
    (folder / "big.keras").write_bytes(b"big")
    recipe = "distill(width=0.5, teacher='big.keras')+int8"
    before = ordered(folder, recipe)
    (folder / "big.keras").write_bytes(b"bigger")
    after = ordered(folder, recipe)
    assert before.trainings[0] == after.trainings[0]
    assert not {before.trainings[1].weights, before.trainings[1].teacher_weights} & {
        after.trainings[1].weights,
        after.trainings[1].teacher_weights,
    }


def test_a_teacher_that_is_not_there_any_more_is_one_line(folder):
    named = replace(candidate(folder), recipe="distill(width=0.5, teacher='gone.keras')+int8")
    with pytest.raises(BuildError, match=r"gone\.keras") as caught:
        make_build_spec(named, seed=0, cache_dir=folder / "cache")
    assert "\n" not in str(caught.value)
