"""What a converter sometimes leaves in floats is converted again; what it always leaves is refused."""

import pytest

from harness.pipeline.model.conversion import convert as conversion
from harness.pipeline.model.job import BuildJob, ModelSource, TrainingStep
from harness.records.errors import BuildError

FLOATS = 'SPLIT (layer "cell")'


def job(tmp_path, recipe="int8"):
    return BuildJob(
        model=ModelSource(kind="factory", source="nets:cell", label="nets:cell", search=[]),
        trainings=[TrainingStep(step=None, weights=str(tmp_path / "weights"))],
        recipe=recipe,
        seed=0,
        prepared=str(tmp_path / "prepared"),
        output=str(tmp_path / "made.tflite"),
    )


@pytest.fixture
def made(monkeypatch):
    """The files that were converted, whose first ``floats`` leave an operator in floats."""
    files = []

    def converting(floats):
        def convert(*_given, label):
            files.append(f"{label} {len(files)}".encode())
            return files[-1]

        monkeypatch.setattr(conversion, "_convert", convert)
        monkeypatch.setattr(conversion, "loops_with_lists", lambda _model: [])
        monkeypatch.setattr(
            conversion, "operators_in_floats", lambda content: FLOATS if int(content.split()[-1]) < floats else ""
        )
        return files

    return converting


@pytest.mark.parametrize(("floats", "conversions"), [(0, 1), (1, 2), (3, 4)])
def test_the_first_file_of_integers_throughout_is_taken(tmp_path, made, floats, conversions):
    files = made(floats)
    conversion.convert(job(tmp_path), tmp_path)
    assert len(files) == conversions
    assert (tmp_path / "made.tflite").read_bytes() == files[-1]


def test_what_is_in_floats_each_time_is_refused(tmp_path, made):
    files = made(4)
    with pytest.raises(BuildError, match=r"computes SPLIT .* with floats only, and int8 is integers throughout"):
        conversion.convert(job(tmp_path), tmp_path)
    assert len(files) == 4 and not (tmp_path / "made.tflite").exists()


def test_a_recipe_that_may_keep_floats_is_converted_once(tmp_path, made):
    files = made(4)
    conversion.convert(job(tmp_path, "int8_float_io"), tmp_path)
    assert len(files) == 1
