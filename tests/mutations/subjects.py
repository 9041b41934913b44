"""What is mutated, and what is typed of it: a good folder of each kind, made once and copied for each mutation."""

import json
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from mutations.mutators import (
    NUMBERS,
    WORDS,
    mutated_bytes,
    mutated_json,
    mutated_text,
    odd_file,
    odd_neighbours,
)
from support.ab_results import ab_results
from support.baseline_results import baseline_results
from support.sample_results import results
from support.told_results import told_results

from harness.board.runtime_proof import addition_model
from harness.pipeline.builder.artifact_folder import export_artifacts
from harness.records.artifact import GoldenOutputs, StagesFile
from harness.records.candidate import Candidate
from harness.records.results import Results
from harness.store import RunFolder
from harness.store.history import History
from harness.store.results_file import save_results
from harness.testing import make_artifact, make_trial

QUICK = ("--trials=2", "--min-secs=0.01", "--num-runs=2", "--time-limit=5")
STAGES = "import numpy as np\n\n\ndef postprocess(outputs):\n    return float(np.sum(outputs[0]))\n"
BUDGETS = """# limits of two boards
[rpi4."kws_ds_cnn/*"]
latency_p50 = "4 ms"
peak_memory = "60 MB"
model_size = "600 kB"
accuracy = "80 %"
accuracy_drop = "2 pt"
latency_p50_regression = "5 %"
energy_per_inference = { max = "15 mJ", source = "model" }

["jetson"."*"]
throughput = "1 /s"

[local."*"]
latency_p50 = "4 s"

[[waiver]]
device = "rpi4"
candidate = "kws_ds_cnn/int8"
metric = "latency_p50"
limit = "9 ms"
until = 2027-01-01
issue = "https://example.org/1"
reason = "a new kernel"
"""
PROFILE = """description = "a board"
extends = "local"

[hardware]
cpu = "4x Cortex-A72 @ 1.5 GHz"
memory = "4 GB"
storage = "microSD"

[runtime]
package = "auto"
num_threads = 1
delegate = "xnnpack"
start = "fork"
max_output_error = 0.01
env = { OMP_NUM_THREADS = "1" }

[limits]
max_temp_c = 80.0

[tuning]
cpus = "0-1"

[power]
sensors = ["hwmon:ina3221"]

[power.model]
idle_w = 2.286
full_w = 6.82
bands = [[0.0, 0.4], [0.5, 0.15]]
source = "published"
"""


@dataclass(frozen=True)
class Place:
    """Where one mutation lives: ``work`` is where commands run, ``outside`` is what nobody may touch."""

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def outside(self) -> Path:
        return self.folder / "outside"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def homes(self) -> dict[str, str]:
        """The user's own folders."""
        return {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_DATA_HOME": str(self.home / "data"),
        }

    def make_outside(self) -> None:
        """A file and a folder of the user's."""
        (self.outside / "folder").mkdir(parents=True)
        (self.outside / "mine.txt").write_text("mine")
        self.home.mkdir(exist_ok=True)


class Subject:
    """One kind of what strangers make."""

    kind = ""

    def __init__(self, template: Path) -> None:
        self.template = template
        (template / "work").mkdir(parents=True)
        (template / "work" / "pyproject.toml").write_text("")
        (template / "work" / "tiny.tflite").write_bytes(addition_model())
        self.make(template / "work")

    def make(self, work: Path) -> None:
        """Make what is good."""
        raise NotImplementedError

    def mutate(self, rng: random.Random, place: Place) -> None:
        """Make it wrong."""
        raise NotImplementedError

    def calls(self, rng: random.Random, place: Place) -> Sequence[Sequence[str]]:
        """What is typed then; the first is what a real command is run of."""
        raise NotImplementedError


def stored(work: Path, name: str, found: Results) -> Path:
    """A finished run in reports/."""
    folder = work / "reports" / f"20261124T05450{name[0]}Z-{name}"
    folder.mkdir(parents=True)
    found = found.model_copy(update={"run": found.run.model_copy(update={"id": name})})
    save_results(found, folder / "results.json")
    return folder


class ResultsFiles(Subject):
    """results.json of a finished run beside a good one."""

    kind = "results"

    def make(self, work: Path) -> None:
        stored(work, "0good", results())
        History.open(str(work / "own.db"))
        (work / "budgets.toml").write_text(BUDGETS)
        self.documents = [
            json.loads(found.model_dump_json())
            for found in (results(), told_results(), ab_results(), baseline_results())
        ]

    def mutate(self, rng: random.Random, place: Place) -> None:
        folder = place.work / "reports" / "20261124T054501Z-1bad"
        folder.mkdir()
        document = rng.choice(self.documents)
        document["run"]["id"] = "1bad"
        (folder / "results.json").write_bytes(mutated_json(rng, document))
        if rng.random() < 0.1:
            odd_file(rng, folder / "results.json", place.outside)
        if rng.random() < 0.2:
            odd_neighbours(rng, folder, place.outside)
            odd_neighbours(rng, place.work / "reports", place.outside)

    def calls(self, rng: random.Random, place: Place) -> Sequence[Sequence[str]]:
        bad, good = "1bad", "0good"
        all_calls = [
            ["compare", bad, good],
            ["compare", good, bad, "--json"],
            ["judge", f"reports/20261124T054501Z-{bad}", "--budgets=budgets.toml"],
            ["budgets", "propose", f"reports/20261124T054501Z-{bad}", "--budgets=new.toml"],
            ["budgets", "propose", f"reports/20261124T054501Z-{bad}", "--budgets=budgets.toml", "--update", "--json"],
            ["budgets", "check", f"--run=reports/20261124T054501Z-{bad}"],
            ["history", "--database=own.db"],
            ["history", "--database=own.db", "--json", "--metric=peak_memory"],
            ["report", "--index"],
        ]
        rng.shuffle(all_calls)
        if rng.random() < 0.15:
            all_calls.insert(0, ["report", bad])
        if rng.random() < 0.15:
            measured = ["run", "tiny.tflite", "--device=local", *QUICK]
            all_calls.insert(0, [*measured, f"--baseline=reports/20261124T054501Z-{bad}/results.json"])
        return all_calls[:3]


class Profiles(Subject):
    """A device profile, and one that extends it."""

    kind = "profiles"

    def make(self, work: Path) -> None:
        (work / "devices").mkdir()
        (work / "devices" / "child.toml").write_text('extends = "mine"\ndescription = "child"\n')

    def mutate(self, rng: random.Random, place: Place) -> None:
        file = place.work / "devices" / "mine.toml"
        file.write_bytes(mutated_text(rng, PROFILE))
        if rng.random() < 0.1:
            odd_file(rng, file, place.outside)
        if rng.random() < 0.1:
            odd_neighbours(rng, place.work / "devices", place.outside)

    def calls(self, rng: random.Random, place: Place) -> Sequence[Sequence[str]]:
        all_calls = [
            ["devices"],
            ["devices", "--json"],
            ["run", "tiny.tflite", "--device=mine", "--plan-only"],
            ["run", "tiny.tflite", "--device=child", "--plan-only"],
        ]
        rng.shuffle(all_calls)
        if rng.random() < 0.3:
            all_calls.insert(0, ["doctor", "mine"])
        return all_calls[:3]


class BudgetFiles(Subject):
    """budgets.toml, with a run that it judges."""

    kind = "budgets"

    def make(self, work: Path) -> None:
        stored(work, "0good", results())

    def mutate(self, rng: random.Random, place: Place) -> None:
        file = place.work / "budgets.toml"
        file.write_bytes(mutated_text(rng, BUDGETS))
        if rng.random() < 0.1:
            odd_file(rng, file, place.outside)

    def calls(self, rng: random.Random, place: Place) -> Sequence[Sequence[str]]:
        run = "reports/20261124T054500Z-0good"
        all_calls = [
            ["judge", run],
            ["judge", run, "--budgets=budgets.toml", "--json"],
            ["budgets", "propose", run],
            ["budgets", "propose", run, "--budgets=budgets.toml", "--update"],
            ["budgets", "check", f"--run={run}"],
            ["budgets", "check", f"--run={run}", "--json"],
        ]
        rng.shuffle(all_calls)
        return all_calls[:4]


class ArtifactFolders(Subject):
    """A folder that ``harness build --out`` wrote, as --artifacts and as --baseline."""

    kind = "artifacts"

    def make(self, work: Path) -> None:
        (work / "stages.py").write_text(STAGES)
        candidate = Candidate("tiny", "tflite", str(work / "tiny.tflite"), "float16", stages=str(work / "stages.py"))
        files = {
            "model.tflite": addition_model(),
            "stages.py": STAGES.encode(),
        }
        made = work / "made"
        made.mkdir()
        for name, content in files.items():
            (made / name).write_bytes(content)
        inputs = np.arange(8, dtype=np.float32).reshape(2, 1, 4)
        np.savez(made / "inputs.npz", i0=inputs)
        np.savez(made / "outputs.npz", o0=inputs * 2)
        np.savez(made / "raw.npz", r0=inputs[0], r1=inputs[1])
        hashes = {path.name: sha256(path.read_bytes()).hexdigest() for path in made.iterdir()}
        golden = GoldenOutputs(
            inputs_path=str(made / "inputs.npz"), inputs_sha256=hashes["inputs.npz"],
            outputs_path=str(made / "outputs.npz"), outputs_sha256=hashes["outputs.npz"],
            samples=2, real=True, runtime="litert 2.3.0", arch="x86_64", num_threads=1, delegate="xnnpack",
        )  # fmt: skip
        stages = StagesFile(
            path=str(made / "stages.py"), sha256=hashes["stages.py"],
            raw_path=str(made / "raw.npz"), raw_sha256=hashes["raw.npz"], samples=2, answers=("12.0", "44.0"),
        )  # fmt: skip
        artifact = make_artifact(
            "tiny", recipe="float16", path=str(made / "model.tflite"), sha256=hashes["model.tflite"],
            size_bytes=len(files["model.tflite"]), golden=golden, golden_reason=None, stages=stages,
        )  # fmt: skip
        plain = artifact.model_copy(update={"recipe": None, "stages": None})
        export_artifacts(
            work / "artifacts", [(candidate, artifact), (Candidate("tiny", "tflite", "tiny.tflite"), plain)]
        )

    def mutate(self, rng: random.Random, place: Place) -> None:
        folder = place.work / "artifacts"
        how = rng.random()
        index = folder / "index.json"
        if how < 0.6:
            index.write_bytes(mutated_json(rng, json.loads(index.read_text())))
            return
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        victim = rng.choice(files)
        if how < 0.75:
            victim.write_bytes(mutated_bytes(rng, victim.read_bytes()))
        elif how < 0.9:
            odd_file(rng, victim, place.outside)
        else:
            odd_neighbours(rng, folder, place.outside)
        if rng.random() < 0.5 and victim != index and victim.is_file() and not victim.is_symlink():
            # A stranger can write the hash that belongs to the file.
            old, new = self._hash_of(folder, victim), sha256(victim.read_bytes()).hexdigest()
            index.write_text(index.read_text().replace(old, new))

    def _hash_of(self, folder: Path, victim: Path) -> str:
        good = self.template / "work" / "artifacts" / victim.relative_to(folder)
        return sha256(good.read_bytes()).hexdigest() if good.is_file() else "-"

    def calls(self, rng: random.Random, place: Place) -> Sequence[Sequence[str]]:
        measured = ["run", "tiny.tflite", "--device=local", *QUICK]
        all_calls = [
            [*measured, "--recipe=float16", "--stages=stages.py", "--samples=made/raw.npz", "--artifacts=artifacts"],
            [*measured, "--recipe=float16", "--artifacts=artifacts"],
            [*measured, "--baseline=artifacts"],
        ]
        rng.shuffle(all_calls)
        return all_calls[:1]


class RunFolders(Subject):
    """The folder of a run that was cut off, and one that ended."""

    kind = "runs"

    def make(self, work: Path) -> None:
        stored(work, "0good", results())
        History.open(str(work / "own.db"))
        found = ab_results()
        folder = RunFolder(work / "reports" / "20261124T054501Z-1bad")
        (folder.path / "journal").mkdir(parents=True)
        for entry in found.entries:
            folder.append_entry(entry)
        for name, record in found.devices.items():
            folder.append_device(name, record, bytes_sent=1, seconds={"measure": 1.0})
        for number in range(3):
            folder.append_trial("rpi4", "kws_ds_cnn/int8", make_trial(number))

    def mutate(self, rng: random.Random, place: Place) -> None:
        folder = place.work / "reports" / "20261124T054501Z-1bad"
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        victim = rng.choice(files)
        how = rng.random()
        if how < 0.6 and victim.suffix == ".jsonl":
            lines = victim.read_bytes().split(b"\n")
            at = rng.randrange(max(1, len(lines) - 1))
            lines[at] = mutated_json(rng, json.loads(lines[at]))
            victim.write_bytes(b"\n".join(lines))
        elif how < 0.75:
            victim.write_bytes(mutated_bytes(rng, victim.read_bytes()))
        elif how < 0.9:
            odd_file(rng, rng.choice([victim, folder / "journal"]), place.outside)
        if how > 0.5:
            odd_neighbours(rng, folder, place.outside)
            odd_neighbours(rng, place.work / "reports", place.outside)

    def calls(self, rng: random.Random, place: Place) -> Sequence[Sequence[str]]:
        bad = "reports/20261124T054501Z-1bad"
        resumed = ["run", "tiny.tflite", "--device=local", *QUICK, f"--resume={bad}"]
        all_calls = [
            ["report", "--index"],
            ["history", "--database=own.db"],
            ["compare", "latest", "0good"],
            ["judge", "latest"],
            ["report", "latest"],
        ]
        rng.shuffle(all_calls)
        return [resumed, *all_calls[:1]] if rng.random() < 0.6 else all_calls[:2]


class Histories(Subject):
    """history.db as others left it."""

    kind = "history"

    def make(self, work: Path) -> None:
        stored(work, "0good", results())
        history = History.open(str(work / "own.db"))
        for number, found in enumerate((results(), told_results(), ab_results())):
            history.append(found.model_copy(update={"run": found.run.model_copy(update={"id": f"run{number}"})}))

    def mutate(self, rng: random.Random, place: Place) -> None:
        file = place.work / "own.db"
        how = rng.random()
        if how < 0.75:
            self._rows(rng, file)
        elif how < 0.9:
            file.write_bytes(mutated_bytes(rng, file.read_bytes()))
        else:
            odd_file(rng, file, place.outside)

    def _rows(self, rng: random.Random, file: Path) -> None:
        database = sqlite3.connect(file)
        names = "select name from sqlite_master where type = 'table' and name not like 'sqlite%'"
        tables = [row[0] for row in database.execute(names)]
        for _ in range(rng.choice((1, 1, 3))):
            table = rng.choice(tables)
            columns = [row[1] for row in database.execute(f"pragma table_info({table})")]
            column, value = rng.choice(columns), rng.choice((*WORDS, *NUMBERS, None, b"\xff\xfe", "WEIRD"))
            if isinstance(value, int) and abs(value) >= 2**63:
                value = float("inf")
            value = value.replace("\ud800", "") if isinstance(value, str) else value
            try:
                if rng.random() < 0.1:
                    database.execute(rng.choice(("drop table ", "delete from ")) + table)
                    break
                database.execute(f'update {table} set "{column}" = ?', (value,))  # noqa: S608 - names it gave itself
            except sqlite3.Error:
                continue
        database.commit()
        database.close()

    def calls(self, rng: random.Random, place: Place) -> Sequence[Sequence[str]]:
        all_calls = [
            ["history", "--database=own.db"],
            ["history", "--database=own.db", "--json"],
            ["history", "--database=own.db", "--metric=accuracy", "--device=rpi4"],
        ]
        rng.shuffle(all_calls)
        if rng.random() < 0.1:
            all_calls.insert(0, ["history", "--database=own.db", "--html=page.html"])
        if rng.random() < 0.1:
            (place.work / "pyproject.toml").write_text('[tool.harness]\nhistory = "own.db"\n')
            all_calls.insert(0, ["run", "tiny.tflite", "--device=local", *QUICK])
        return all_calls[:2]


SUBJECTS: dict[str, type[Subject]] = {
    subject.kind: subject for subject in (ResultsFiles, Profiles, BudgetFiles, ArtifactFolders, RunFolders, Histories)
}
