"""The vendor's own benchmark, run by a real agent from the package that the board has."""

from collections.abc import Callable
from pathlib import Path

import pytest
from agent.agent_conversation import PACKAGE, Steward, put, run, trial
from support.made_graphs import equal_layers

Start = Callable[..., Steward]
pytestmark = pytest.mark.skipif(PACKAGE != "litert", reason="only LiteRT's package has that tool")


def test_it_tells_its_figures(steward: Start) -> None:
    one = steward()
    (found,) = run(one, [trial(put(one, "models/tiny_ic_resnet8_int8.tflite"), kind="cross_check", num_runs=5)])
    assert found.died is None
    assert found.vendor
    assert (found.vendor.num_runs, found.vendor.warmup_runs) == (5, 2)
    assert 0.0 < found.vendor.min_s <= found.vendor.median_s <= found.vendor.max_s


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "import no_such_module",
            "litert-benchmark does not run here: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ("", "litert-benchmark tells no figures: JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"),
    ],
)
def test_a_tool_that_does_not_run_or_tells_nothing_has_a_line(
    steward: Start, tmp_path: Path, source: str, said: str
) -> None:
    package = tmp_path / "site" / "ai_edge_litert"
    (package / "tools").mkdir(parents=True)
    for file in ("__init__.py", "interpreter.py", "tools/__init__.py"):
        (package / file).write_text("")
    (package / "tools" / "benchmark_litert_model.py").write_text(source)
    one = steward()
    asked = trial(one.put(equal_layers(1, 4)), kind="cross_check")
    (found,) = run(one, [asked], site=str(package.parent))
    assert found.died == said
