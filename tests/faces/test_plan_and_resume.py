"""--plan-only touches no board; --resume finishes the run of a process that was killed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from support.user_folder import QUICK

from harness.store import RunFolder, load_results

if TYPE_CHECKING:
    from support.user_folder import Place

PATIENCE_S = 120.0


def killed_after_one_entry(place: "Place", *options: str) -> Path:
    """Start a session on this machine, kill it as soon as an entry is kept; the folder that it leaves."""
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *options]
    started = subprocess.Popen(argv, cwd=place.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < end and started.poll() is None:
            journals = list((place.folder / "reports").glob("*/journal/entries.jsonl"))
            if journals and journals[0].read_bytes().endswith(b"\n"):
                started.send_signal(signal.SIGKILL)
                return journals[0].parents[1]
            time.sleep(0.01)
    finally:
        started.kill()
        started.wait()
    raise AssertionError("no entry was kept before the session ended")


def test_a_killed_run_goes_on_in_its_folder_and_measures_only_the_rest(place: "Place") -> None:
    for name in ("second", "third"):
        (place.folder / "models" / f"{name}.tflite").write_bytes((place.folder / "models" / "tiny.tflite").read_bytes())
    place.benchmark()
    options = (
        "--device=local",
        "--trials=5",
        "--min-secs=0.1",
        "--num-runs=5",
        f"--cache-dir={place.folder / 'cache'}",
    )
    folder = killed_after_one_entry(place, *options)
    assert not (folder / "results.json").exists()
    kept = (folder / "journal" / "entries.jsonl").read_text(encoding="utf-8").splitlines()[0]
    before = (folder / "trials.jsonl").read_bytes()

    said = place.pytest(*options, f"--resume={folder}", quick=False)
    assert said.code == 0, said.text
    assert [path.parent.name for path in (place.folder / "reports").glob("2*/results.json")] == [folder.name]
    results = place.results()
    assert results["run"]["id"] == folder.name.split("-", 1)[1]
    assert [entry["candidate"] for entry in results["entries"]] == ["second", "third", "tiny"]
    assert {entry["status"] for entry in results["entries"]} == {"MEASURED"}
    first = next(entry for entry in results["entries"] if f'"candidate":"{entry["candidate"]}"' in kept)
    assert first["seconds"]["measure"] == json.loads(kept)["seconds"]["measure"]
    assert (folder / "trials.jsonl").read_bytes().startswith(before[: before.rindex(b"\n") + 1])


def test_a_run_killed_at_its_very_end_still_says_what_its_board_is(place: "Place") -> None:
    place.benchmark()
    options = ("models/tiny.tflite", "--device=local", *QUICK)
    assert place.harness("run", *options).code == 0
    measured = load_results(place.folder / "reports" / "latest")
    cut_off = RunFolder.create(place.folder / "reports", run_id="cutoff")
    cut_off.append_entry(measured.entries[0])
    said = place.harness("run", *options, f"--resume={cut_off.path}")
    assert said.code == 0, said.text
    results = load_results(cut_off.path)
    assert results.entries == measured.entries
    assert results.devices["local"].label == "this machine, no edge board"
    assert "local (this machine, no edge board)" in said.out
    assert list(cut_off.trials()) == []


def test_only_a_run_that_lacks_something_is_resumed(place: "Place") -> None:
    place.benchmark()
    assert place.pytest("--device=local").code == 0
    done = (place.folder / "reports" / "latest").resolve()
    for wrong, why in ((done, "this run is whole"), (place.folder / "reports" / "gone", "no run that was cut off")):
        for said in (
            place.pytest("--device=local", f"--resume={wrong}"),
            place.harness("run", "models/tiny.tflite", "--device=local", f"--resume={wrong}"),
        ):
            assert said.code == 4, said.text
            assert f"--resume {wrong}: {why}" in said.text


def test_plan_only_says_trials_and_minutes_and_leaves_no_trace(place: "Place") -> None:
    place.benchmark('latency_p50_regression="10 %"')
    place.write("devices/gone.toml", '[connection]\nhost = "127.0.0.1"\nport = 9\nuser = "x"\n')
    (place.folder / "old.tflite").write_bytes((place.folder / "models" / "tiny.tflite").read_bytes())
    for workers in ((), ("-n1",)):
        said = place.pytest("--device=gone", "--baseline=old.tflite", "--plan-only", *workers, quick=False)
        assert said.code == 0, said.text
        assert "gone: tiny: 24 to " in said.out
        assert "1 entry, " in said.out
        assert "no board was touched" in said.out
    files = place.harness("run", "models/tiny.tflite", "--device=gone", "--plan-only", "--trials=4")
    assert files.code == 0, files.text
    assert "gone: tiny: 4 trials, 0.0 min" in files.out
    assert not (place.folder / "reports").exists()


def test_plan_only_still_refuses_what_is_wrong(place: "Place") -> None:
    place.benchmark('latency_p50="1 mW"')
    said = place.pytest("--device=local", "--plan-only", quick=False)
    assert said.code == 4, said.text
    assert "no board was touched" not in said.out
    assert place.pytest("--device=lokal", "--plan-only", quick=False).code == 4
