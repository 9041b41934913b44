"""A candidate's own pre- and post-processing on the host: run in a limited process, kept, refused in one line."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support import needs
from support.tiny_model import INT8, add_model, write

from harness.pipeline.cache import file_sha256
from harness.pipeline.check.stages.stages_client import RAW_SAMPLES, SAMPLES, PreparedStages, prepare_stages
from harness.records.errors import BuildError

DOUBLE = """
import numpy as np

def preprocess(raw):
    return raw.astype(np.float32) / 2

def postprocess(outputs):
    return {"best": np.argmax(outputs[0]), "sum": outputs[0].sum(), "all": outputs[0]}
"""


@dataclass(frozen=True)
class Workdir:
    """A folder with a model that doubles four numbers, and what is tried on it."""

    folder: Path

    def run(
        self, source: str, raw: Path | np.ndarray, *, model: bytes | None = None, deadline_s: float = 60.0
    ) -> PreparedStages:
        stages = write(self.folder / "stages.py", source.encode())
        file = write(self.folder / "model.tflite", model or add_model((1, 4), inputs=1))
        if isinstance(raw, np.ndarray):
            np.save(self.folder / "raw.npy", raw)
            raw = self.folder / "raw.npy"
        cache = self.folder / "cache"
        return prepare_stages(stages, raw, model=file, sha256=file_sha256(file), cache_dir=cache, deadline_s=deadline_s)

    def refusal(self, source: str, raw: Path | np.ndarray, **options: object) -> str:
        with pytest.raises(BuildError) as caught:
            self.run(source, raw, **options)
        said = str(caught.value)
        assert "\n" not in said
        assert list((self.folder / "cache" / "stages").glob("*.partial")) == []
        return said.replace(f"{self.folder}/", "")


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    return Workdir(tmp_path)


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def numbers(samples: int = 3) -> np.ndarray:
    return np.arange(4 * samples, dtype=np.uint8).reshape(samples, 4)


def test_samples_answers_and_raw_samples_are_kept(workdir):
    found = workdir.run(DOUBLE, numbers())
    samples = arrays(found.samples)
    assert set(samples) == {"i0"}
    assert (samples["i0"].shape, samples["i0"].dtype) == ((3, 1, 4), np.float32)
    np.testing.assert_array_equal(samples["i0"][:, 0], numbers() / 2)
    raw = arrays(Path(found.file.raw_path))
    assert list(raw) == ["r0", "r1", "r2"]
    np.testing.assert_array_equal(raw["r1"], numbers()[1])
    answers = [json.loads(text) for text in found.file.answers]
    assert answers[0] == {"best": 3, "sum": 6.0, "all": [[0.0, 1.0, 2.0, 3.0]]}
    assert (found.file.samples, len(answers), found.file.answers_reason) == (3, 3, None)


def test_the_record_names_files_by_their_hashes(workdir):
    file = workdir.run(DOUBLE, numbers()).file
    assert hashlib.sha256(Path(file.path).read_bytes()).hexdigest() == file.sha256
    assert hashlib.sha256(Path(file.raw_path).read_bytes()).hexdigest() == file.raw_sha256
    assert Path(file.path).name == "stages.py"


def test_what_was_run_stays_though_the_user_changes_the_file(workdir):
    file = workdir.run(DOUBLE, numbers()).file
    write(workdir.folder / "stages.py", b"def preprocess(raw):\n    return raw\n")
    assert Path(file.path).read_text() == DOUBLE


def test_the_second_time_nothing_is_run_until_something_changes(workdir):
    first, second = workdir.run(DOUBLE, numbers()), workdir.run(DOUBLE, numbers())
    assert (first.cached, second.cached) == (False, True)
    assert first.file == second.file
    assert not workdir.run(DOUBLE + "# other\n", numbers()).cached
    assert not workdir.run(DOUBLE, numbers(4)).cached
    assert not workdir.run(DOUBLE, numbers(), model=add_model((1, 4), inputs=1, name="y")).cached


def test_a_quantised_model_is_fed_integers_and_read_as_floats(workdir):
    model = add_model((1, 4), inputs=1, dtype=INT8, scale=0.5)  # zero point 3
    found = workdir.run(DOUBLE, np.array([[0, 1, 2, 255]], np.uint8), model=model)
    np.testing.assert_array_equal(arrays(found.samples)["i0"], np.array([[[3, 4, 5, 127]]], np.int8))
    assert json.loads(found.file.answers[0])["all"] == [[0.0, 1.0, 2.0, 62.0]]


def test_without_preprocess_the_raw_sample_is_the_input(workdir):
    found = workdir.run("def postprocess(outputs):\n    return float(outputs[0][0, 0])\n", numbers().astype(np.float32))
    assert found.file.answers == ("0.0", "8.0", "16.0")


def test_without_postprocess_there_are_no_answers(workdir):
    found = workdir.run("def preprocess(raw):\n    return raw * 1.0\n", numbers())
    assert (found.file.answers, found.file.answers_reason, found.file.samples) == ((), None, 3)


def test_several_inputs_are_a_list(workdir):
    source = "def preprocess(raw):\n    return [raw[:4] * 1.0, raw[4:] * 1.0]\n"
    found = workdir.run(source, np.arange(8, dtype=np.uint8)[None], model=add_model((1, 4)))
    assert {name: array.shape for name, array in arrays(found.samples).items()} == {"i0": (1, 1, 4), "i1": (1, 1, 4)}


def test_few_samples_go_to_the_board_and_more_are_checked_with(workdir):
    found = workdir.run(DOUBLE, np.zeros((SAMPLES + 5, 4), np.uint8))
    assert len(arrays(found.samples)["i0"]) == SAMPLES
    assert found.file.samples == len(found.file.answers) == len(arrays(Path(found.file.raw_path))) == RAW_SAMPLES


# Forms of raw samples.

LENGTH = "import numpy as np\ndef preprocess(raw):\n    return np.full(4, raw.size, np.float32)\n"
LENGTH += "def postprocess(outputs):\n    return int(outputs[0][0, 0] / 2)\n"


def _npz(**named: np.ndarray) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        np.savez(folder / "given.npz", **named)
        return folder / "given.npz"

    return save


def _bmp(folder: Path) -> Path:
    return write(folder / "cat.bmp", bytes(54))


@pytest.mark.parametrize(
    ("save", "sizes"),
    [
        (_npz(r0=np.zeros(3), r1=np.zeros((2, 2)), r2=np.zeros(())), ["3", "4", "1"]),
        (_npz(**{f"r{at}": np.zeros(at + 1) for at in range(11)}), [str(at + 1) for at in range(11)]),
        (_npz(images=np.zeros((2, 5))), ["5", "5"]),
        (_bmp, ["54"]),
    ],
)
def test_forms_of_raw_samples(workdir, save, sizes):
    assert list(workdir.run(LENGTH, save(workdir.folder)).file.answers) == sizes


@pytest.mark.parametrize(
    ("save", "said"),
    [
        (_npz(a=np.zeros(1), b=np.zeros(1)), "given.npz hold a, b, where r0, r1... or one array was expected"),
        (_npz(r0=np.array([{}], dtype=object)), "given.npz cannot be read: Object arrays cannot be loaded"),
        (_npz(), "given.npz hold"),
        (_npz(x=np.zeros((0, 4))), "given.npz hold no sample"),
        (_npz(x=np.float32(3)), "are one number, where samples on the first axis were expected"),
        (lambda folder: write(folder / "raw.npz", b"no zip"), "raw.npz cannot be read: "),
        (lambda folder: write(folder / "raw.npy", b""), "raw.npy cannot be read: "),
        (lambda folder: folder / "nowhere.bmp", "nowhere.bmp cannot be read: "),
    ],
)
def test_raw_samples_that_are_none(workdir, save, said):
    assert said in workdir.refusal(LENGTH, save(workdir.folder))


# What users' functions do wrong.


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return raw[9]", "stages.py, line 3: preprocess raised IndexError: "),
        ("raw += 1", "stages.py, line 3: preprocess raised ValueError: output array is read-only for sample 0"),
        ("raise SystemExit(3)", "stages.py, line 3: preprocess raised SystemExit: 3 for sample 0"),
        ("raise ValueError('a\\nb')", "stages.py, line 3: preprocess raised ValueError: a b for sample 0"),
        ("return np.zeros((2**40,))", "stages.py, line 3: preprocess raised MemoryError"),
        ("return preprocess(raw)", "stages.py, line 3: preprocess raised RecursionError: "),
        ("return None", "preprocess gives an array of shape (), where (1, 4) was expected for x0 (sample 0)"),
        ("return np.zeros(5)", "preprocess gives an array of shape (5,), where (1, 4) was expected for x0 (sample 0)"),
        ("return [raw, raw]", "preprocess gives 2 arrays, where the model has 1 inputs (sample 0)"),
        ("return [[1], [2, 3]]", "preprocess gives 2 arrays"),
        ("return np.array(['a', 'b', 'c', 'd'])", "preprocess gives <U1 values, where float32 was expected"),
        ("return raw", "preprocess gives uint8 values, where float32 was expected for x0: use astype (sample 0)"),
    ],
)
def test_a_preprocess_that_fails(workdir, body, said):
    assert said in workdir.refusal(f"import numpy as np\ndef preprocess(raw):\n    {body}\n", numbers())


def test_the_sample_is_named_where_only_one_fails(workdir):
    source = "def preprocess(raw):\n    return raw / (raw[0] - 4).clip(0) * 1.0 if raw[0] != 4 else 1 / 0\n"
    assert "line 2: preprocess raised ZeroDivisionError: division by zero for sample 1" in workdir.refusal(
        source, numbers() * 1.0
    )


def test_no_number_for_a_quantised_input(workdir):
    source = "import numpy as np\ndef preprocess(raw):\n    return np.full(4, np.nan)\n"
    said = workdir.refusal(source, numbers(), model=add_model((1, 4), inputs=1, dtype=INT8, scale=0.5))
    assert "preprocess gives NaN or infinite values for x0, which is quantised (sample 0)" in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return outputs[1]", "stages.py, line 2: postprocess raised IndexError: list index out of range for sample 0"),
        ("return {1, 2}", "postprocess gives an answer that JSON cannot hold (set is no JSON value)"),
        ("return float('nan')", "postprocess gives an answer that JSON cannot hold (Out of range float"),
        ("return 'x' * 20000", "postprocess gives an answer of 20002 characters; at most 10000 are kept"),
        ("x = []; x.append(x); return x", "postprocess gives an answer that JSON cannot hold (Circular"),
    ],
)
def test_a_postprocess_that_fails(workdir, body, said):
    source = f"def postprocess(outputs):\n    {body}\n"
    assert said in workdir.refusal(source, numbers() * np.float32(1))


def test_a_file_that_fails_when_it_is_loaded(workdir):
    source = "import numpy as np\nTABLE = np.zeros(3)[5]\ndef preprocess(raw):\n    return raw\n"
    assert "stages.py, line 2: the file raised IndexError: " in workdir.refusal(source, numbers())


@pytest.mark.parametrize("name", ["preprocess", "postprocess"])
def test_a_function_that_does_not_end_is_ended_with_its_line(workdir, name):
    source = f"def {name}(x):\n    n = 0\n    while True:\n        n += 1\n"
    said = workdir.refusal(source, numbers() * np.float32(1), deadline_s=1.0)
    assert said.startswith("stages.py, line ")
    assert said.endswith(f": {name} did not end within 1 s")
    assert said.split(":")[0] in ("stages.py, line 3", "stages.py, line 4")


def test_a_process_that_does_not_even_see_its_deadline_is_ended(workdir, monkeypatch):
    monkeypatch.setattr("harness.pipeline.check.stages.stages_client._GRACE_S", -1.5)
    source = "def preprocess(raw):\n    while True:\n        pass\n"
    assert workdir.refusal(source, numbers(), deadline_s=1.0) == "stages.py: preprocess took longer than 0.5 s"


def test_a_crash_in_native_code_is_told_with_its_line(workdir):
    crash = "np.lib.stride_tricks.as_strided(raw, (2**20,), (2**20,)).sum()"
    source = f"import numpy as np\n\ndef preprocess(raw):\n    return {crash}\n"
    said = workdir.refusal(source, numbers())
    assert said == "stages.py, line 4: preprocess was killed by SIGSEGV"


def test_prints_are_kept_out_of_the_way(workdir, capfd):
    workdir.run("def preprocess(raw):\n    print('{}' * 10000)\n    return raw * 1.0\n", numbers())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("relative", "reason"),
    [
        ("bad/abort_blockwise_quantized.tflite", "LiteRT on this host was killed by SIGABRT"),
        ("bad/alloc_fail_squeeze.tflite", "LiteRT on this host refuses it: "),
    ],
)
def test_a_model_the_host_cannot_run_has_no_answers_and_the_reason(workdir, relative, reason):
    from harness.pipeline import inspect_file

    model = needs.need_shared(relative)
    shapes = [(tensor.shape, tensor.dtype) for tensor in inspect_file(model).inputs]
    source = "import numpy as np\ndef preprocess(raw):\n"
    source += f"    return [np.zeros(shape, dtype) for shape, dtype in {shapes!r}]\n"
    found = workdir.run(source + "def postprocess(outputs):\n    return 1\n", numbers(), model=model.read_bytes())
    assert found.file.answers == ()
    assert found.file.answers_reason is not None
    assert found.file.answers_reason.startswith(reason)
    assert found.samples.exists()
