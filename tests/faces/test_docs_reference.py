"""What the documentation states is what the code does: keys, metrics, budgets, links."""

import re
from datetime import timedelta
from pathlib import Path

import typer
from faces.test_docs_commands import DOCUMENTS, ROOT, Fence, fences
from support.commands import run_here

from harness.cli.app import app
from harness.cli.budget_commands import budgets
from harness.cli.cache_commands import cache
from harness.cli.exit_codes import COMMAND_EXIT_CODES
from harness.gates import limits_for, load_budgets
from harness.profiles import load, profile_schema
from harness.records.metrics import METRICS
from harness.records.settings import OPTIONS
from harness.records.status import Status, exit_code
from harness.store import results_schema

START = ROOT / "docs/start.md"
CODES = ROOT / "docs/exit-codes.md"
PROFILES = ROOT / "docs/device-profiles.md"
METRIC_PAGE = ROOT / "docs/metrics.md"
COMMANDS = ROOT / "docs/commands.md"
RESULTS = ROOT / "docs/results.md"
BUDGETS_PAGE = ROOT / "docs/budgets.md"
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def table_cells(page: Path) -> set[str]:
    """What stands in code quotes at the head of a table's row."""
    return set(re.findall(r"^\| `([^`]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE))


def profile_keys() -> set[str]:
    """Every key of a profile, those of a table without the table's name; a model's with it."""
    schema = profile_schema()
    keys = {name for name, value in schema["properties"].items() if "$ref" not in value}
    for kind in ("Connection", "Hardware", "Runtime", "Limits", "Tuning", "Power"):
        keys |= set(schema["$defs"][kind]["properties"])
    return keys


def test_every_profile_key_is_described_and_no_other() -> None:
    described = {cell for cell in table_cells(PROFILES) if not cell.startswith("model.")}
    assert described == profile_keys()
    model = profile_schema()["$defs"]["PowerModel"]["properties"]
    text = PROFILES.read_text(encoding="utf-8")
    assert [key for key in model if f"`{key}`" not in text and f"`model.{key}`" not in text] == []


def test_profiles_in_the_documentation_load(tmp_path: Path) -> None:
    blocks = fences("toml", documents=(PROFILES,))
    for number, block in enumerate(blocks):
        (tmp_path / f"board{number}.toml").write_text(block.text, encoding="utf-8")
    assert [load(f"board{number}", tmp_path).lineage[-1] for number in range(len(blocks))] == ["rpi4", "rpi4"]


def test_every_metric_is_described_with_its_unit_and_direction() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (\w+) \|", METRIC_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {row[0]: (row[1], row[2]) for row in rows} == {
        name: (metric.unit, metric.better) for name, metric in METRICS.items()
    }


def test_the_first_budgets_are_accepted(tmp_path: Path) -> None:
    (block,) = fences("toml", documents=(START,))
    (tmp_path / "budgets.toml").write_text(block.text, encoding="utf-8")
    (table,) = load_budgets(tmp_path / "budgets.toml").tables
    assert (table.device, table.pattern) == ("pi-07", "digits_cnn/int8")
    assert {limit.key: limit.value for limit in table.limits} == {"latency_p50": 0.004, "peak_memory": 60e6}


def test_the_budgets_page_s_file_is_accepted(tmp_path: Path) -> None:
    (block,) = fences("toml", documents=(BUDGETS_PAGE,))
    (tmp_path / "budgets.toml").write_text(block.text, encoding="utf-8")
    budgets = load_budgets(tmp_path / "budgets.toml")
    late = budgets.waivers[0].until - timedelta(days=9)
    limits = limits_for(budgets, ("rpi4",), "kws_ds_cnn/int8", today=late)
    waived = [limit.waiver for limit in limits if limit.waiver]
    assert len(limits) == 4 and len(waived) == 1
    for said in waived[0].split("; "):
        assert f'"{said}"' in " ".join(BUDGETS_PAGE.read_text(encoding="utf-8").split())


def test_the_statuses_have_their_exit_codes() -> None:
    rows = re.findall(r"^\| ([A-Z]+) \| .* \| (\d+) \|$", CODES.read_text(encoding="utf-8"), re.MULTILINE)
    assert {word: int(code) for word, code in rows} == {status.value: exit_code([status]) for status in Status}


def test_each_command_s_exit_codes_stand_in_its_help_and_on_the_page(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `([a-z ]+)` \| (0 .+) \|$", CODES.read_text(encoding="utf-8"), re.MULTILINE)
    told = {name: "; ".join(f"{code} {said}" for code, said in own.items()) for name, own in COMMAND_EXIT_CODES.items()}
    assert dict(rows) == told
    grouped = {f"{name} {one}" for name, group in (("cache", cache), ("budgets", budgets)) for one in commands(group)}
    assert set(told) == commands(app) | grouped
    for name, codes in told.items():
        said = " ".join(run_here([*name.split(), "--help"], tmp_path).out.split())
        assert said.endswith(f"Exit codes: {codes}."), name


def commands(group: typer.Typer) -> set[str]:
    """The commands of a group, as they are typed."""
    return {one.name or one.callback.__name__ for one in group.registered_commands if one.callback}


def test_commands_amid_sentences_have_the_options_that_they_name(tmp_path: Path) -> None:
    """Those in blocks of their own are run; these are parts of one, ``harness run --samples``."""
    spoken = {
        line: words.split()
        for page in DOCUMENTS
        for line, words in re.findall(r"`(harness ([a-z]+(?: [a-z]+)?(?: [^`]+)?))`", page.read_text(encoding="utf-8"))
    }
    known = {name: run_here([*name.split(), "--help"], tmp_path).out for name in COMMAND_EXIT_CODES}
    wrong = []
    for line, words in spoken.items():
        name = next((one for one in (" ".join(words[:2]), words[0]) if one in known), None)
        flags = [word.partition("=")[0] for word in words if word.startswith("--")]
        groups = {one.partition(" ")[0] for one in known}
        if name is None and words[0] in groups and not flags:
            continue
        wrong += [line] if name is None else [f"{line}: {flag}" for flag in flags if flag not in known[name]]
    assert len(spoken) > 20 and wrong == []


def test_every_option_is_described_with_its_help() -> None:
    rows = re.findall(r"^\| (`--.+?) \| (.+) \|$", COMMANDS.read_text(encoding="utf-8"), re.MULTILINE)
    flags = {name: ", ".join(f"`{flag}`" for flag in option.flags) for name, option in OPTIONS.items()}
    assert dict(rows) == {flags[name]: option.help for name, option in OPTIONS.items()}


def test_every_command_is_described() -> None:
    heads = re.findall(r"^\| (`[a-z].+?) \|", COMMANDS.read_text(encoding="utf-8"), re.MULTILINE)
    described = {name for head in heads for name in re.findall(r"`(\w+)`", head)}
    groups = {group.name for group in app.registered_groups}
    assert described == {str(name) for name in commands(app) | groups}


def test_every_field_of_results_is_described() -> None:
    text = RESULTS.read_text(encoding="utf-8")
    schema = results_schema()
    parts = [schema, schema["$defs"]["Run"], schema["$defs"]["Entry"]]
    assert [name for part in parts for name in part["properties"] if f"`{name}`" not in text] == []


def test_contributors_are_led_to_files_and_constants_that_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:harness|docs|tests)/[^`]+)`", text)
    assert len(paths) > 10 and [path for path in paths if not (ROOT / path).exists()] == []
    constants = re.findall(r"`([A-Z]+)`, in `([^`]+)`", text)
    assert [
        name for name, path in constants if not re.search(rf"^{name}\b", (ROOT / path).read_text("utf-8"), re.M)
    ] == []


def test_the_files_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", text)
    below = [path if path.startswith(("harness/", "tests/")) else f"harness/{path}" for path in named]
    assert len(named) > 30 and [path for path in below if not (ROOT / path).is_file()] == []


def test_links_lead_to_files_and_headings_that_are_there() -> None:
    broken = [
        f"{page.name}: {match['target']}"
        for page in DOCUMENTS
        for match in _LINK.finditer(page.read_text(encoding="utf-8"))
        if not match["target"].startswith("https://") and not leads_somewhere(page, match["target"])
    ]
    assert broken == []


def leads_somewhere(page: Path, target: str) -> bool:
    """Whether a relative link's file is there, and its heading in it."""
    name, _, heading = target.partition("#")
    file = page.parent / name if name else page
    if not file.exists():
        return False
    return not heading or heading in headings(file)


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings give."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_a_fence_is_read_as_it_stands() -> None:
    fence = Fence("page", "sh", "# first\nharness devices\n\nharness report \\\n  reports/latest\n")
    assert fence.commands == ["harness devices", "harness report reports/latest"]
