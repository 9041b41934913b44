"""What a pipeline's own machinery is told by a session: annotations, the step's summary, properties in JUnit XML."""

from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from support.user_folder import Place


def test_github_is_told_what_failed(place: "Place") -> None:
    place.benchmark('latency_p50="1 ns", model_size="1 MB"')
    page = place.folder / "step.md"
    said = place.pytest(
        "--device=local",
        "--trials=60",
        "--junitxml=junit.xml",
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(page),
        GITHUB_WORKSPACE=str(place.folder),
    )
    assert said.code == 1
    lines = [line for line in said.out.splitlines() if line.startswith("::")]
    assert [line.split("::")[1] for line in lines] == [
        "error file=test_bench.py,title=failed%3A local (this machine%2C no edge board)%2C tiny"
    ]
    summary = (place.folder / "reports/latest/summary.md").read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") == f"{summary}\n"

    told = properties(place)
    (entry,) = place.results()["entries"]
    assert (told["harness_device"], told["harness_candidate"], told["harness_status"]) == ("local", "tiny", "FAIL")
    p50 = next(one for one in entry["measurements"] if one["metric"] == "latency_p50")
    assert told["harness_latency_p50"] == f"{p50['value']:.9g} s", "the table's figure"
    assert told["harness_latency_p50_limit"] == "1e-09 s"
    assert told["harness_model_size_limit"] == "1000000 B"


def properties(place: "Place") -> dict[str, str]:
    """Name and value of each property of the only test case."""
    tree = ElementTree.parse(place.folder / "junit.xml")  # noqa: S314 - pytest wrote it
    return {str(one.get("name")): str(one.get("value")) for one in tree.iterfind(".//testcase/properties/property")}


def test_elsewhere_no_annotation_is_printed(place: "Place") -> None:
    place.benchmark('model_size="1 B"')
    said = place.pytest("--device=local")
    assert said.code == 1
    assert place.statuses() == ["FAIL"]
    assert "::error" not in said.out
