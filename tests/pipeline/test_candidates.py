import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import candidates
from harness.pipeline import ZOO, candidates_from_paths
from harness.pipeline.candidates.make_candidates import single_candidate
from harness.records.candidate import Candidate
from harness.records.errors import CandidateSpecError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def refusal(*sources, **options) -> str:
    with pytest.raises(CandidateSpecError) as caught:
        candidates_from_paths(sources, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_zoo_model_is_float32_unless_said_otherwise():
    assert [str(candidate) for candidate in candidates("digits_cnn")] == ["digits_cnn/float32"]


def test_every_recipe_of_every_built_source_in_order():
    made = candidates("digits_cnn", "models:make", recipes=["int8", "float32", "int8"])
    assert [str(candidate) for candidate in made] == [
        "digits_cnn/int8", "digits_cnn/float32", "models:make/int8", "models:make/float32",
    ]  # fmt: skip


def test_a_factory_is_looked_for_beside_the_calling_file():
    assert candidates("models:make")[0].base_dir == str(Path(__file__).parent)


def test_paths_are_relative_to_the_calling_file(tmp_path):
    touch(tmp_path / "bench/models/a.tflite")
    script = tmp_path / "bench/listing.py"
    script.write_text("from harness import candidates\nprint(*[c.source for c in candidates('models')])\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd="/", check=True)
    assert done.stdout.strip() == str(tmp_path / "bench/models/a.tflite")


def test_a_folder_gives_its_tflite_files_by_name(tmp_path):
    for name in ("b.tflite", "a.tflite", "notes.txt"):
        touch(tmp_path / name)
    made = candidates_from_paths([tmp_path])
    assert [(str(c), c.kind, c.recipe) for c in made] == [("a", "tflite", None), ("b", "tflite", None)]


def test_equal_stems_get_their_suffix_and_equal_names_a_number(tmp_path):
    files = [touch(tmp_path / name) for name in ("x/a.tflite", "x/a.bin", "y/a.tflite", "x/b.tflite")]
    assert [c.name for c in candidates_from_paths(files)] == ["a.tflite", "a.bin", "a.tflite#2", "b"]


def test_samples_go_with_the_file(tmp_path):
    touch(tmp_path / "a.tflite")
    samples = touch(tmp_path / "a.npz")
    assert candidates_from_paths(["a.tflite"], samples="a.npz", base_dir=tmp_path)[0].samples == str(samples)


def test_mistyped_zoo_name_gets_the_nearest_and_the_list():
    assert refusal("digit_cnn") == (
        f'"digit_cnn" is neither a zoo model nor a file: did you mean digits_cnn? the zoo has {", ".join(ZOO)}'
    )


def test_a_missing_file_is_named_with_where_it_was_looked_for(tmp_path):
    message = refusal("gone.tflite", base_dir=tmp_path)
    assert "does not exist" in message and str(tmp_path / "gone.tflite") in message


@pytest.mark.parametrize("name", [b"new\nline.tflite", b"bad\xff.tflite", b"bell\x07.tflite"])
def test_a_name_that_cannot_be_shown_is_refused(tmp_path, name):
    path = touch(tmp_path / os.fsdecode(name))
    for source in (path, tmp_path):
        message = refusal(source)
        assert "rename it" in message
        assert message.isascii() and message.isprintable()


@pytest.mark.parametrize("name", ["with space", "quo'te\"", "ünï☃", "-x", "$(id);`id`", "<script>"])
def test_any_name_that_can_be_shown_is_taken(tmp_path, name):
    path = touch(tmp_path / f"{name}.tflite")
    assert [(found.name, found.source) for found in candidates_from_paths([path])] == [(name, str(path))]


def test_a_name_longer_than_any_file_has(tmp_path):
    message = refusal("x" * 5000 + ".tflite", base_dir=tmp_path)
    assert "File name too long" in message
    assert len(message) < 400


def test_a_folder_without_models(tmp_path):
    assert f"no .tflite or Keras file in the folder {tmp_path}" in refusal(tmp_path)


def test_nothing_named():
    assert "no candidate was named" in refusal()


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.hdf5"])
def test_a_keras_file_is_built(tmp_path, name):
    (made,) = candidates_from_paths([touch(tmp_path / name)], recipes=["int8"])
    assert (made.name, made.kind, made.recipe) == ("m", "keras", "int8")


def test_a_saved_model_is_built_and_float32_unless_said_otherwise(tmp_path):
    touch(tmp_path / "net/saved_model.pb")
    (made,) = candidates_from_paths(["net"], base_dir=tmp_path)
    assert (str(made), made.kind, made.source) == ("net/float32", "saved_model", str(tmp_path / "net"))


def test_a_folder_gives_its_keras_files_too(tmp_path):
    for name in ("b.keras", "a.tflite"):
        touch(tmp_path / name)
    made = candidates_from_paths([tmp_path])
    assert [(str(c), c.kind) for c in made] == [("a", "tflite"), ("b/float32", "keras")]


def test_a_tflite_file_takes_number_formats(tmp_path):
    made = candidates_from_paths([touch(tmp_path / "a.tflite")], recipes=["int8", "float16"])
    assert [(c.kind, c.recipe) for c in made] == [("tflite", "int8"), ("tflite", "float16")]


@pytest.mark.parametrize("recipe", ["prune(0.5)", "distill(width=0.5)+int8"])
@pytest.mark.parametrize(("name", "kind"), [("a.tflite", ".tflite file"), ("net/saved_model.pb", "SavedModel")])
def test_what_has_no_trainable_weights_is_not_trained(tmp_path, recipe, name, kind):
    file = touch(tmp_path / name)
    message = refusal(file if file.suffix == ".tflite" else file.parent, recipes=[recipe])
    assert kind in message and "trains the model" in message and ".keras file" in message


def test_a_keras_file_is_trained_further_on_a_named_data_set_only(tmp_path):
    file = touch(tmp_path / "m.keras")
    assert 'such as data="digits"' in refusal(file, recipes=["prune(0.5)"])
    (made,) = candidates_from_paths([file], recipes=["prune(0.5)"], data="digits")
    assert made.data == "digits"
    assert "has one width" in refusal(file, recipes=["distill(width=0.5)"], data="digits")


def test_a_teacher_is_looked_for_from_the_calling_file(tmp_path):
    touch(tmp_path / "teacher.keras"), touch(tmp_path / "m.keras")
    teachers = ("'teacher.keras'", "ic_resnet8(width=2.0)", "'models:make'")
    recipes = [f"distill(teacher={teacher})" for teacher in teachers]
    zoo = candidates_from_paths(["digits_cnn"], recipes=recipes, base_dir=tmp_path)
    file = candidates_from_paths(["m.keras"], recipes=recipes, data="digits", base_dir=tmp_path)
    assert [c.recipe for c in zoo] == [c.recipe for c in file] == recipes
    assert {c.base_dir for c in (*zoo, *file)} == {str(tmp_path)}


@pytest.mark.parametrize(
    ("teacher", "told"),
    [
        ("ic_resnt8", 'its teacher "ic_resnt8" is neither a zoo model nor a file: did you mean ic_resnet8?'),
        ("'gone.keras'", 'its teacher model file or folder "gone.keras" does not exist'),
        ("'a.tflite'", "a.tflite cannot teach: give a zoo model, module:function or one Keras file"),
        ("'both'", "both cannot teach"),
        ("ic_resnet8(0.5)", "give arguments by name"),
    ],
)
def test_what_cannot_teach_is_refused_before_anything_is_built(tmp_path, teacher, told):
    for name in ("a.tflite", "both/a.keras", "both/b.keras"):
        touch(tmp_path / name)
    message = refusal("digits_cnn", recipes=[f"distill(teacher={teacher})+int8"], base_dir=tmp_path)
    assert told in message
    assert message.startswith('recipe "distill(teacher=')


@pytest.mark.parametrize(
    ("source", "width"), [("digits_cnn", "1.0"), ("digits_cnn(width=0.5)", "0.5"), ("models:make(width=2)", "2.0")]
)
def test_a_student_as_wide_as_its_teacher_is_refused(source, width):
    assert "as wide as its teacher" in refusal(source, recipes=[f"distill(width={width})"])
    assert candidates_from_paths(
        [source], recipes=["distill(width=0.25)", f"distill(width={width}, teacher=dense_net)"]
    )


def test_a_zoo_model_takes_arguments():
    made = candidates("ic_resnet8( width = 0.5, data=synthetic(3) )", recipes=["int8"])[0]
    assert str(made) == "ic_resnet8(width=0.5, data=synthetic(3))/int8"
    assert (made.source, made.arguments) == ("ic_resnet8", (("data", "synthetic(3)"), ("width", 0.5)))


def test_a_factory_takes_arguments():
    made = candidates('models:make(depth=3, wide=True, name="x y", other=None)')[0]
    assert (made.kind, made.source, made.name) == (
        "factory", "models:make", "models:make(depth=3, wide=True, name='x y', other=None)",
    )  # fmt: skip
    assert dict(made.arguments) == {"depth": 3, "wide": True, "name": "x y", "other": None}


def test_paths_in_arguments_are_relative_to_the_calling_file(tmp_path):
    touch(tmp_path / "w/x.weights.h5")
    touch(tmp_path / "w/mine.npz")
    word = "digits_cnn(weights='w/x.weights.h5', data='w/mine.npz')"
    (made,) = candidates_from_paths([word], base_dir=tmp_path)
    assert made.weights == str(tmp_path / "w/x.weights.h5")
    assert dict(made.arguments) == {"data": str(tmp_path / "w/mine.npz")}


def test_weights_for_all(tmp_path):
    touch(tmp_path / "x.weights.h5")
    made = candidates_from_paths(["digits_cnn", "models:make"], weights="x.weights.h5", base_dir=tmp_path)
    assert [c.weights for c in made] == [str(tmp_path / "x.weights.h5")] * 2


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("ic_resnet8(0.5)", "give arguments by name"),
        ("ic_resnet8(width=0.5", "is not written as"),
        ("ic_resnet8(width=(1, 2))", "a number, a text"),
        ("ic_resnet8(width=1, width=2)", "keyword argument repeated|twice|not written as"),
        ("ic_resnet8(data=fashion_mnst)", "did you mean fashion_mnist"),
        ("ic_resnet8(weights=gone)", "weights file"),
        ("models:make(*a)", "neither a number"),
    ],
)
def test_arguments_that_cannot_be(word, told):
    message = refusal(word)
    assert any(part in message for part in told.split("|")), message


def test_data_and_weights_go_where_they_belong(tmp_path):
    touch(tmp_path / "w.h5")
    assert '"digits_cnn(data=...)"' in refusal("digits_cnn", data="digits")
    assert "has its own" in refusal(touch(tmp_path / "m.keras"), weights=tmp_path / "w.h5")


def test_stages_are_a_file_or_the_data_set_s_own(tmp_path):
    touch(tmp_path / "stages.py")
    (own,) = candidates_from_paths(["digits_cnn"], stages="stages.py", base_dir=tmp_path)
    (shared,) = candidates_from_paths(["digits_cnn"], stages="dataset", base_dir=tmp_path)
    assert (own.stages, shared.stages) == (str(tmp_path / "stages.py"), "dataset")
    assert "does not exist" in refusal("digits_cnn", stages="gone.py", base_dir=tmp_path)
    assert "no .py file" in refusal("digits_cnn", stages=touch(tmp_path / "a.txt"))


def test_raw_samples_may_be_any_file_where_there_are_stages(tmp_path):
    touch(tmp_path / "a.tflite"), touch(tmp_path / "s.py"), touch(tmp_path / "cat.bmp")
    (made,) = candidates_from_paths(["a.tflite"], stages="s.py", samples="cat.bmp", base_dir=tmp_path)
    assert made.samples == str(tmp_path / "cat.bmp")


def test_empty_recipes_are_refused():
    assert "recipes is empty" in refusal("digits_cnn", recipes=[])


def test_samples_for_what_is_built_are_refused(tmp_path):
    assert "samples go with model files" in refusal("digits_cnn", samples=touch(tmp_path / "a.npz"))


def test_samples_that_are_missing_or_of_another_kind(tmp_path):
    touch(tmp_path / "a.tflite")
    assert "does not exist" in refusal("a.tflite", samples="gone.npz", base_dir=tmp_path)
    assert "no .npz or .npy" in refusal("a.tflite", samples="a.csv", base_dir=tmp_path)


def test_naming_candidates_loads_neither_numpy_nor_tensorflow():
    code = (
        "import sys; from harness import candidates; candidates('digits_cnn', recipes=['int8']);"
        "print([m for m in ('numpy', 'tensorflow', 'keras', 'sklearn', 'filelock') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_list_of_sources_is_taken_as_if_its_members_were_given():
    assert candidates(["digits_cnn", "kws_ds_cnn"]) == candidates("digits_cnn", "kws_ds_cnn")
    assert candidates(("digits_cnn",), "kws_ds_cnn") == candidates("digits_cnn", "kws_ds_cnn")


def test_recipe_is_another_word_for_recipes():
    assert candidates("digits_cnn", recipe="int8") == candidates("digits_cnn", recipes=["int8"])
    assert candidates("digits_cnn", recipe=["int8"]) == candidates("digits_cnn", recipes=["int8"])


@pytest.mark.parametrize(
    ("given", "named", "told"),
    [
        ((5,), {}, "candidates takes names and paths, not int 5"),
        ((None,), {}, "candidates takes names and paths, not nothing"),
        ((["digits_cnn", ["x"]],), {}, "candidates takes names and paths, not list ['x']"),
        ((candidates("digits_cnn"),), {}, "digits_cnn/float32 is a candidate already"),
        ((), {}, "no candidate was named"),
        (([],), {}, "no candidate was named"),
        (("digits_cnn",), {"recipes": ["int8"], "recipe": "int8"}, "recipe and recipes are the same"),
        (("digits_cnn",), {"recipies": ["int8"]}, "candidates has no argument recipies: did you mean recipes?"),
        (("digits_cnn",), {"sample": "x.npz"}, "did you mean samples?"),
        (("digits_cnn",), {"trials": 5}, "candidates has no argument trials: known: recipes, data"),
        (("digits_cnn",), {"recipes": 5}, "recipes is int 5: expected texts"),
        (("digits_cnn",), {"recipes": [5]}, "recipes is list [5]: expected texts"),
        (("digits_cnn",), {"weights": 5}, "weights is int 5: expected a name or a path"),
        (("digits_cnn",), {"data": ["digits"]}, "data is list ['digits']: expected a name or a path"),
    ],
)
def test_what_candidates_cannot_take_is_one_line(given, named, told):
    with pytest.raises(CandidateSpecError) as caught:
        candidates(*given, **named)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_a_benchmark_is_given_a_candidate_a_name_a_path_or_a_list_of_one(tmp_path):
    model = touch(tmp_path / "m.tflite")
    candidate = Candidate("m", "tflite", str(model))
    for given in ("m.tflite", model, candidate, [candidate], (candidate,)):
        assert single_candidate(given, tmp_path) == candidate
    assert str(single_candidate("digits_cnn", tmp_path)) == "digits_cnn/float32"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (candidates("digits_cnn", "kws_ds_cnn"), "bench takes one candidate, not 2: parametrize the test"),
        (None, "bench takes a candidate, a name or a path, not nothing"),
        ([], "not list []"),
        (5, "not int 5"),
        ("nosuch.tflite", "nosuch.tflite"),
    ],
)
def test_what_a_benchmark_cannot_be_given_is_one_line(given, told, tmp_path):
    with pytest.raises(CandidateSpecError) as caught:
        single_candidate(given, tmp_path)
    assert told in str(caught.value) and "\n" not in str(caught.value)
