"""How the code is cut: sizes of files and functions, names, import cycles, and the files that a run passes.

    python tests/structure/structure.py [--root CHECKOUT] [--runs] [--json] [--files]

Prints a table of the figures of ``harness/`` in a checkout, this one by default. ``--runs`` adds the files in which
three runs execute code, in all of their processes: an option to the report, a budget's text to the FAIL sentence, a
Keras factory to the board. They measure this machine and train a small model, which takes a minute. ``--files`` prints
the names of these files too.
"""

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
SMALL_LINES = 60
TRACING = Path(__file__).with_name("tracing")
MODEL = ROOT / "harness" / "cli" / "demo_models" / "keyword_spotting_int8.tflite"
"""Its path is the same for every checkout, so that each runs the same model."""
STORED_RUN = next((ROOT / "tests" / "store" / "golden").glob("*/results.json"))
_COMMAND = "import sys; from harness.cli import main; sys.argv[0] = 'harness'; main()"
_SHORT = ("--device", "local", "--trials", "2", "--num-runs", "2", "--min-secs", "0.01")
_IRREGULAR = {
    "built",
    "found",
    "given",
    "gone",
    "held",
    "kept",
    "known",
    "laid",
    "left",
    "lost",
    "made",
    "meant",
    "put",
}
_IRREGULAR |= {"read", "said", "seen", "sent", "set", "shown", "taken", "told", "written"}
_NO_PARTICIPLES = {"bring", "embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed", "string"}
_JUDGE = """
import sys
from pathlib import Path
from sitecustomize import start
from harness.gates import judge, limits_for, load_budgets
from harness.records.settings import Settings
from harness.store import load_results

run, budgets = map(Path, sys.argv[1:])
entry = load_results(run).entries[0]
start()
limits = limits_for(load_budgets(budgets), [entry.device], f"{entry.candidate}/{entry.recipe}", today=None)
judged = judge(entry, limits, settings=Settings())
assert judged.status == "FAIL" and judged.reason, judged
"""
_BENCHMARK = """
import pytest
from harness.pipeline import candidates

@pytest.mark.parametrize("candidate", candidates("factory:model", recipes=["int8"]), ids=str)
def test_factory(bench, candidate):
    bench(candidate)
"""
_FACTORY = """
import keras
from harness.pipeline import TrainedModel

def model():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Softmax()])
"""


@dataclass(frozen=True)
class Structure:
    """The figures of one checkout; shares are of 1, lines are counted as wc does."""

    files: int
    lines: int
    median_lines: float
    longest_file: int
    small_share: float
    """Files under 60 lines, of all files."""
    import_share: float
    """Lines of import statements, of all lines."""
    functions: int
    participle_share: float
    """Functions named by nothing but a participle that do not return a bool, of all functions."""
    function_median: float
    function_p90: float
    function_longest: int
    twice: list[str]
    """Names of classes that are defined more than once."""
    noqa: int
    cycles: list[list[str]] = field(default_factory=list)
    """Modules that import each other in a circle, imports within functions counted."""


def describe(root: Path) -> Structure:
    """The figures of the checkout's ``harness/``."""
    paths = sorted((root / "harness").rglob("*.py"))
    texts = {module_name(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    packages = {module_name(path.relative_to(root)) for path in paths if path.name == "__init__.py"}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = [extent(node) for node in functions]
    sizes = [text.count("\n") for text in texts.values()]
    classes = Counter(node.name for node in nodes if isinstance(node, ast.ClassDef))
    imports = sum(extent(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
    return Structure(
        files=len(texts),
        lines=sum(sizes),
        median_lines=median(sizes),
        longest_file=max(sizes),
        small_share=sum(size < SMALL_LINES for size in sizes) / len(sizes),
        import_share=imports / max(sum(sizes), 1),
        functions=len(functions),
        participle_share=sum(map(is_participle, functions)) / max(len(functions), 1),
        function_median=median(lengths or [0]),
        function_p90=sorted(lengths)[int(0.9 * len(lengths))] if lengths else 0,
        function_longest=max(lengths, default=0),
        twice=sorted(name for name, count in classes.items() if count > 1),
        noqa=sum(len(re.findall(r"#\s*noqa\b", text)) for text in texts.values()),
        cycles=cycles({name: set(imported(name, tree, set(trees), packages)) for name, tree in trees.items()}),
    )


def module_name(path: Path) -> str:
    """The dotted name of a module at a path in its checkout."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def extent(node: ast.stmt) -> int:
    """Lines from a statement's first to its last, decorators left out."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_participle(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function's name is one participle, where no bool is returned, of which it would be the predicate."""
    name = function.name.strip("_")
    predicate = isinstance(function.returns, ast.Name) and function.returns.id == "bool"
    if predicate or name in _NO_PARTICIPLES:
        return False
    return name in _IRREGULAR or re.fullmatch(r"[a-z]+(ed|ing)", name) is not None


def imported(name: str, tree: ast.Module, modules: set[str], packages: set[str]) -> Iterator[str]:
    """The checkout's modules that one imports when it runs, anywhere in it; not those for type checkers alone."""
    package = name if name in packages else name.rpartition(".")[0]
    for node in _run_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            upward = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*upward, *([node.module] if node.module else [])])
            source = f"harness.agent{source.removeprefix('edge_agent')}" if source.startswith("edge_agent") else source
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                yield from [found for found in (whole, source) if found in modules][:1]


def _run_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")):
            yield child
            yield from _run_nodes(child)


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that reach each other, by name."""
    reached = {name: _reached(name, graph) for name in graph}
    groups = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in graph}
    return sorted(list(group) for group in groups if group)


def _reached(name: str, graph: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[name] - {name})
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += graph[one]
    return found


def judge_entry(root: Path, folder: Path) -> set[str]:
    """Files that execute code from a budget's text to the FAIL sentence: an entry that is there already is judged."""
    budgets = folder / "budgets.toml"
    budgets.write_text('[local."digits_cnn/float32"]\nlatency_p50 = "1 us"\n', encoding="utf-8")
    return trace(root, folder, ["-P", "-c", _JUDGE, str(STORED_RUN), str(budgets)], at_once=False)


def run_model_file(root: Path, folder: Path) -> set[str]:
    """Files that execute code from an option to the report: a model file measured on this machine."""
    return trace(root, folder, [*harness_words("run", str(MODEL), *_SHORT)])


def run_factory(root: Path, folder: Path) -> set[str]:
    """Files that execute code from a Keras factory to the board: a model trained, converted and measured here."""
    (folder / "factory.py").write_text(_FACTORY, encoding="utf-8")
    test = folder / "test_factory.py"
    test.write_text(_BENCHMARK, encoding="utf-8")
    argv = ["-m", "pytest", "-q", str(test), "--rootdir", str(folder), "-p", "no:cacheprovider", *_SHORT]
    return trace(root, folder, argv)


RUNS = {"option to report": run_model_file, "budget to FAIL": judge_entry, "factory to board": run_factory}


def harness_words(*words: str) -> list[str]:
    """Words after Python that run the command."""
    return ["-P", "-c", _COMMAND, *words]


def trace(root: Path, folder: Path, argv: list[str], *, at_once: bool = True) -> set[str]:
    """Files below ``harness/`` in which a function ran, in a Python with these words and all that it starts.

    Where not ``at_once``, the program says from where on. Raises RuntimeError with the last words of one that fails.
    """
    log = folder / "files.txt"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (TRACING, root, folder))),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": str(folder / "data"),
        "STRUCTURE_LOG": str(log),
        "STRUCTURE_WAITS": "" if at_once else "1",
    }
    argv = [sys.executable, *argv]
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"exit status {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    found = (_path_below_harness(Path(line), root) for line in log.read_text(encoding="utf-8").splitlines())
    return {name for name in found if name is not None}


def _path_below_harness(path: Path, root: Path) -> str | None:
    """A file's name below harness/, also of the agent's that was unpacked elsewhere; None for another."""
    if path.is_relative_to(root / "harness"):
        return path.relative_to(root / "harness").as_posix()
    agent = root / "harness" / "agent" / path.name
    shipped = "edge_agent" in path.parts or (path.name == "__main__.py" and path.parent.name.startswith("agent"))
    return f"agent/{path.name}" if shipped and agent.is_file() else None


def _rows(structure: Structure) -> Iterator[tuple[str, str]]:
    yield "files in harness/", str(structure.files)
    yield "lines", str(structure.lines)
    yield "lines of a file, median / longest", f"{structure.median_lines:g} / {structure.longest_file}"
    yield f"files under {SMALL_LINES} lines", f"{structure.small_share:.0%}"
    yield "lines that are imports", f"{structure.import_share:.1%}"
    yield "functions", str(structure.functions)
    yield "functions named by a bare participle", f"{structure.participle_share:.1%}"
    lengths = (structure.function_median, structure.function_p90, structure.function_longest)
    yield "lines of a function, median / p90 / longest", "{:g} / {:g} / {}".format(*lengths)
    yield "class names used twice or more", f"{len(structure.twice)}  {' '.join(structure.twice)}".strip()
    yield "noqa", str(structure.noqa)
    yield "import cycles", f"{len(structure.cycles)}  {structure.cycles or ''}".strip()


def main() -> None:
    """Print the figures of a checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout (default: this one)")
    parser.add_argument("--runs", action="store_true", help="trace three runs as well")
    parser.add_argument("--files", action="store_true", help="name the files that each run passes")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    root = given.root.resolve()
    structure, passed = describe(root), {}
    for name, run in RUNS.items() if given.runs else ():
        with tempfile.TemporaryDirectory(prefix="edge-harness-structure-") as folder:
            passed[name] = sorted(run(root, Path(folder)))
    if given.json:
        sys.stdout.write(json.dumps({**asdict(structure), "runs": passed}) + "\n")
        return
    for what, figure in [*_rows(structure), *((f"files passed, {name}", len(files)) for name, files in passed.items())]:
        sys.stdout.write(f"{what:45}  {figure}\n")
    for name, files in passed.items() if given.files else ():
        sys.stdout.write(f"\n{name}\n  " + "\n  ".join(files) + "\n")


if __name__ == "__main__":
    main()
