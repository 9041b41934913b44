"""How many small wrongs in the code does a test notice? Prints each mutant, and a table of rooms.

    python tests/mutants/mutants.py [--count 200] [--seed 0] [--jobs 2] [--least 90] [ROOM...]

A mutant is one module of a room (stats, gates, records) with one node of its syntax changed: a comparison, an operator,
a condition, a constant, what is returned, a statement left out. The choice is drawn by the seed, from each room as many
as its share of all that could be changed. Each runs against the room's own tests until the first that fails: first
those that enter the changed function, the quickest of them before others, then those that enter its module at all; of
a public constant, all. One that takes far more time than all tests, or waits for ever, is taken for noticed. Exit
status 1 where fewer than ``--least`` percent were noticed, 2 where tests fail without a mutant.
"""

import argparse
import ast
import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("stats", "gates", "records")
CPU_S = 180
"""Processor time of one mutant's tests; those of the slowest room take a third of it while they are watched."""
WAIT_S = 1800
"""Time by the clock: a mutant may open a pipe that nobody writes to, which takes no processor time."""
_QUIET = (
    "-x",
    "-q",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
    "--no-header",
    "--tb=no",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:benchmark",
    "-p",
    "no:xdist",
)
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One change of one module: the number of a change among all that the module allows."""

    path: Path
    number: int
    line: int
    what: str

    @property
    def room(self) -> str:
        return self.path.relative_to(ROOT / "harness").parts[0]

    @property
    def module(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    def code(self) -> CodeType:
        """The changed module."""
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        _Changer(self.number).visit(tree)
        return compile(ast.fix_missing_locations(tree), str(self.path), "exec")

    def entered(self) -> range:
        """The lines that run where the changed function is called; none of a change outside of functions."""
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.lineno <= self.line <= (node.end_lineno or 0):
                return range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        return range(0)

    def is_private(self) -> bool:
        """Whether nothing but the module's own functions may know of the change: theirs, or of a name with a dash."""
        if self.entered():
            return True
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        whole = next(one for one in tree.body if one.lineno <= self.line <= (one.end_lineno or 0))
        targets = whole.targets if isinstance(whole, ast.Assign) else [getattr(whole, "target", None)]
        return all(isinstance(target, ast.Name) and target.id.startswith("_") for target in targets)

    def told(self) -> str:
        text = self.path.read_text(encoding="utf-8").splitlines()[self.line - 1].strip()
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.what}: {text}"


class Watch:
    """A plugin of pytest that tells which lines of a room each of its tests enters, and how long it takes.

    What the import of a test file enters counts for each of its tests; what is kept for later calls, for the first.
    """

    def __init__(self, room: str) -> None:
        from coverage import Coverage

        self._coverage = Coverage(data_file=None, config_file=False, include=[f"{ROOT / 'harness' / room}/*"])
        self._seconds: dict[str, float] = {}
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        self._coverage.switch_context(collector.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        begun = sum(os.times()[:4])
        result = yield
        self._seconds[item.nodeid] = sum(os.times()[:4]) - begun
        return result

    def told(self) -> "Reach":
        self._coverage.stop()
        data = self._coverage.get_data()
        lines = {path: data.contexts_by_lineno(path) for path in data.measured_files()}
        return Reach(self._seconds, {Path(path): told for path, told in lines.items()})


@dataclass(frozen=True)
class Reach:
    """Seconds of each test; and by file and line the tests, or the files of tests, that enter it."""

    seconds: dict[str, float]
    lines: dict[Path, dict[int, list[str]]]

    def first(self, mutant: Mutant) -> set[str]:
        """Tests, or files of tests, that enter what is changed; or whose file is named after its module."""
        lines = self.lines.get(mutant.path, {})
        if not mutant.entered():
            return {f"tests/{mutant.room}/test_{mutant.path.stem}.py"}
        return {one for line in mutant.entered() for one in lines.get(line, [])}

    def all(self, mutant: Mutant) -> set[str] | None:
        """Those that enter any function of the module; None: all of the room, as others may know of the change."""
        lines = self.lines.get(mutant.path, {})
        return {one for told in lines.values() for one in told} if mutant.is_private() else None


@dataclass(frozen=True, eq=False)
class Order:
    """A plugin of pytest that runs the likeliest tests to fail first, and the quickest of them before others."""

    mutant: Mutant
    reach: Reach

    def files(self) -> list[str]:
        """The files of the likeliest tests, to be collected alone."""
        told = {one.partition("::")[0] for one in self.reach.first(self.mutant)}
        return sorted(one for one in told if (ROOT / one).is_file())

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        first, some = self.reach.first(self.mutant), self.reach.all(self.mutant)
        items[:] = [item for item in items if some is None or _is_among(item, some)]
        items.sort(key=lambda item: (not _is_among(item, first), self.reach.seconds.get(item.nodeid, 0.0)))


def _is_among(item: pytest.Item, told: set[str]) -> bool:
    return item.nodeid in told or item.nodeid.partition("::")[0] in told


@dataclass
class Tally:
    """What became of a room's mutants."""

    room: str
    made: int = 0
    lived: list[Mutant] = field(default_factory=list)

    @property
    def noticed(self) -> int:
        return self.made - len(self.lived)


class _Changer(ast.NodeTransformer):
    """Numbers every change that a tree allows, and makes one of them."""

    def __init__(self, wanted: int = -1) -> None:
        self.wanted = wanted
        self.found: list[tuple[int, str]] = []

    def _change(self, node: ast.AST, what: str, make: Callable[[], ast.AST | None]) -> ast.AST | None:
        self.found.append((getattr(node, "lineno", 1), what))
        return make() if len(self.found) - 1 == self.wanted else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """The body, but neither annotations nor decorators nor the docstring."""
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.args.kw_defaults = [default and self.visit(default) for default in node.args.kw_defaults]
        begin = 1 if ast.get_docstring(node) is not None else 0
        changed = [self.visit(statement) for statement in node.body[begin:]]
        node.body = [*node.body[:begin], *(statement or ast.Pass() for statement in changed)]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """The body, but not decorators: what is frozen is so for the reader."""
        changed = [self.visit(statement) for statement in node.body]
        node.body = [statement or ast.Pass() for statement in changed]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value:
            node.value = self.visit(node.value)
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        if "TYPE_CHECKING" in ast.unparse(node.test):
            return node
        self.generic_visit(node)
        node.test = self._negated(node.test, "condition turned")
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.test = self._negated(node.test, "condition turned")
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST | None:
        self.generic_visit(node)
        first = type(node.ops[0])

        def make() -> ast.AST:
            return ast.Compare(node.left, [_COMPARISONS[first](), *node.ops[1:]], node.comparators)

        return self._change(node, f"{first.__name__} to {_COMPARISONS[first].__name__}", make)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST | None:
        self.generic_visit(node)
        other = _OPERATORS.get(type(node.op))
        if other is None or (isinstance(node.left, ast.Constant | ast.JoinedStr) and isinstance(node.right, ast.Name)):
            return node
        what = f"{type(node.op).__name__} to {other.__name__}"
        return self._change(node, what, lambda: ast.BinOp(node.left, other(), node.right))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST | None:
        self.generic_visit(node)
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        return self._change(node, f"to {other.__name__}", lambda: ast.BoolOp(other(), node.values))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST | None:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not | ast.USub):
            return node
        return self._change(node, f"{type(node.op).__name__} left out", lambda: node.operand)

    def visit_Constant(self, node: ast.Constant) -> ast.AST | None:
        if isinstance(node.value, bool):
            return self._change(node, "turned", lambda: ast.Constant(not node.value))
        if isinstance(node.value, int | float) and node.value + 1 != node.value:
            value = node.value
            return self._change(node, f"{value} to {value + 1}", lambda: ast.Constant(value + 1))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST | None:
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Name) and node.func.id in _CALLS):
            return node
        other = _CALLS[node.func.id]
        called = ast.Name(other, ast.Load())
        return self._change(node, f"to {other}", lambda: ast.Call(called, node.args, node.keywords))

    def visit_Return(self, node: ast.Return) -> ast.AST | None:
        self.generic_visit(node)
        if node.value is None or isinstance(node.value, ast.Constant):
            return node
        return self._change(node, "returns None", lambda: ast.Return(ast.Constant(None)))

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant):
            return node
        self.generic_visit(node)
        return self._change(node, "left out", ast.Pass)

    def visit_Raise(self, node: ast.Raise) -> ast.AST | None:
        return self._change(node, "left out", ast.Pass)

    def visit_Continue(self, node: ast.Continue) -> ast.AST | None:
        return self._change(node, "to break", ast.Break)

    def visit_Break(self, node: ast.Break) -> ast.AST | None:
        return self._change(node, "to continue", ast.Continue)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | None:
        self.generic_visit(node)
        return self._change(node, "left out", ast.Pass)

    def _negated(self, test: ast.expr, what: str) -> ast.expr:
        changed = self._change(test, what, lambda: ast.UnaryOp(ast.Not(), test))
        assert isinstance(changed, ast.expr)
        return changed


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed module in the place of the file's."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        package = self._mutant.path.name == "__init__.py"
        places = [str(self._mutant.path.parent)] if package else None
        return importlib.util.spec_from_file_location(
            fullname, self._mutant.path, loader=self, submodule_search_locations=places
        )

    def exec_module(self, module: ModuleType) -> None:
        exec(self._mutant.code(), module.__dict__)  # noqa: S102 - the project's own code


def mutants_of(room: str) -> list[Mutant]:
    """All mutants of a room, in the order of its files and lines."""
    made = []
    for path in sorted((ROOT / "harness" / room).rglob("*.py")):
        changer = _Changer()
        changer.visit(ast.parse(path.read_text(encoding="utf-8")))
        made += [Mutant(path, number, line, what) for number, (line, what) in enumerate(changer.found)]
    return made


def drawn(rooms: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """So many mutants, drawn from all of the rooms' without a repetition."""
    everything = [mutant for room in rooms for mutant in mutants_of(room)]
    return random.Random(seed).sample(everything, min(count, len(everything)))  # noqa: S311 - the same again


def run(mutants: Sequence[Mutant], reached: Mapping[str, Reach], jobs: int) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant, and whether a test of its room noticed it; so many at a time, each in a fork of this process."""
    running: dict[int, Mutant] = {}
    for mutant in mutants:
        if len(running) == jobs:
            yield _ended(running)
        order = Order(mutant, reached[mutant.room])
        running[_fork(lambda one=mutant, order=order: _tested(one.room, one, order, order.files()))] = mutant
    while running:
        yield _ended(running)


def reach_of(room: str) -> Reach | None:
    """What the room's tests enter; None where they fail as they are, as every mutant would seem noticed then."""
    with tempfile.NamedTemporaryFile() as file:

        def watched() -> int:
            for module in sorted({one.module for one in mutants_of(room)}):
                importlib.import_module(module)
            watch = Watch(room)
            code = _tested(room, None, watch)
            Path(file.name).write_bytes(pickle.dumps(watch.told()))
            return code

        if os.waitpid(_fork(watched), 0)[1] != 0:
            return None
        told: Reach = pickle.loads(file.read())  # noqa: S301 - our own
        return told


def _ended(running: dict[int, Mutant]) -> tuple[Mutant, bool]:
    """The first to end of those that run."""
    pid, status = os.wait()
    return running.pop(pid), status != 0


def _fork(work: Callable[[], int]) -> int:
    """The process that does some work, and ends with its exit status."""
    pid = os.fork()
    if pid:
        return pid
    code: int = 3
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        signal.alarm(WAIT_S)
        code = work()
    finally:
        os._exit(code)


def _tested(room: str, mutant: Mutant | None, plugin: object, files: Sequence[str] = ()) -> int:
    """Pytest's exit status for a room's tests, with a mutant in its place; some files' alone before all of them."""
    from hypothesis.configuration import set_hypothesis_home_dir

    with tempfile.TemporaryDirectory(prefix="mutant-") as folder, Path(os.devnull).open("r+b") as null:
        for fd in (0, 1, 2):
            os.dup2(null.fileno(), fd)
        os.chdir(ROOT)
        if mutant:
            sys.meta_path.insert(0, _Planted(mutant))
            # Before pytest's own finder of modules comes first.
            importlib.import_module(mutant.module)
        # What fails for one mutant is no example to try first with the next.
        set_hypothesis_home_dir(folder)
        for places in filter(None, (files, [f"tests/{room}"])):
            code = int(pytest.main([*_QUIET, f"--basetemp={folder}/tests", *places], plugins=[plugin]))
            if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                return code
        return 0


@contextlib.contextmanager
def _warm() -> Iterator[None]:
    """What every run imports and no mutant changes is imported once."""
    import hypothesis
    import numpy as np
    import pydantic
    import scipy.optimize
    import scipy.stats

    assert hypothesis and np and pydantic and scipy
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def main(argv: Sequence[str] | None = None) -> int:
    """Draw mutants, run each, print the table; returns 1 where fewer than --least were noticed."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rooms", nargs="*", choices=[[], *ROOMS], default=[], metavar="ROOM")
    parser.add_argument("--count", type=int, default=200, help="mutants of all rooms together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="mutants that run at a time")
    parser.add_argument("--least", type=float, default=90.0, metavar="PERCENT")
    given = parser.parse_args(argv)
    mutants = drawn(given.rooms or ROOMS, given.count, given.seed)
    tallies = {room: Tally(room) for room in given.rooms or ROOMS}
    with _warm():
        reached = {room: found for room in tallies if (found := reach_of(room))}
        if reached.keys() != tallies.keys():
            red = [room for room in tallies if room not in reached]
            sys.stdout.write(f"without any mutant, tests fail: {', '.join(red)}\n")
            return 2
        for mutant, seen in run(mutants, reached, given.jobs):
            tallies[mutant.room].made += 1
            if not seen:
                tallies[mutant.room].lived.append(mutant)
            sys.stdout.write(f"{'noticed' if seen else 'LIVED'}: {mutant.told()}\n")
            sys.stdout.flush()
    made = sum(tally.made for tally in tallies.values())
    noticed = sum(tally.noticed for tally in tallies.values())
    for tally in tallies.values():
        sys.stdout.write(f"{tally.room:8} {tally.noticed:4} of {tally.made:4} noticed\n")
    sys.stdout.write(f"{'all':8} {noticed:4} of {made:4} noticed: {100 * noticed / max(made, 1):.1f} %\n")
    return int(100 * noticed < given.least * made)


if __name__ == "__main__":
    sys.exit(main())
