import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from support.sample_results import devices, entries, results, run

from harness.records.board import Trial
from harness.records.errors import EntryError, HarnessError, ResultsFileError, UsageError
from harness.store import PlannedBenchmark, RunFolder, load_results, load_run
from harness.store.disk import append_line, disk_errors_named
from harness.store.stored_runs import latest_run

NOW = datetime(2026, 11, 24, 5, 45, tzinfo=UTC)


def a_trial(index: int, samples: int = 3) -> Trial:
    return Trial(index=index, block=0, arm="candidate", kind="latency", samples_ns=tuple(range(samples)))


def test_folder_is_named_after_utc_and_run_id(tmp_path):
    east = NOW.astimezone(timezone(timedelta(hours=5)))
    folder = RunFolder.create(tmp_path / "reports", run_id="3f9a1c", now=east)
    assert folder.path == tmp_path / "reports" / "20261124T054500Z-3f9a1c"
    assert folder.run_id == "3f9a1c"


def test_run_ids_are_made_when_not_given(tmp_path):
    made = {RunFolder.create(tmp_path, now=NOW).run_id for _ in range(3)}
    assert len(made) == 3


def test_the_same_folder_is_not_made_twice(tmp_path):
    RunFolder.create(tmp_path, run_id="a", now=NOW)
    with pytest.raises(HarnessError, match="File exists"):
        RunFolder.create(tmp_path, run_id="a", now=NOW)


@pytest.mark.parametrize("run_id", ["../x", "a/b", " ", "x" * 65])
def test_a_run_id_cannot_leave_the_folder(tmp_path, run_id):
    with pytest.raises(UsageError, match="run id"):
        RunFolder.create(tmp_path, run_id=run_id, now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_finish_writes_what_was_appended(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    worker = RunFolder.open(folder.path)
    for name, record in devices().items():
        worker.append_device(name, record, bytes_sent=7, seconds={"connect": 0.2})
    for entry in entries():
        worker.append_entry(entry)
    assert folder.devices()["rpi4"].bytes_sent == 7
    assert folder.entries() == entries()
    written = folder.finish(run())
    folder.retire()
    assert load_results(folder.path) == written
    assert written.entries == entries()
    assert written.devices == devices()
    assert sorted(path.name for path in folder.path.iterdir()) == ["results.json"]


def test_the_last_word_on_a_device_holds(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    for sent in (1, 2):
        folder.append_device("rpi4", devices()["rpi4"], bytes_sent=sent, seconds={})
    assert folder.devices()["rpi4"].bytes_sent == 2


def test_a_run_is_finished_once(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    folder.finish(run())
    folder.retire()
    with pytest.raises(HarnessError, match="finished once"):
        folder.finish(run())
    with pytest.raises(HarnessError, match="no run at work"):
        RunFolder.open(folder.path)


def test_a_run_that_lacks_something_is_taken_up_again_and_finished_once_more(tmp_path):
    planned = [PlannedBenchmark(device="rpi4", test=name) for name in ("one", "two")]
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    folder.append_planned(planned)
    folder.append_planned([*planned, planned[0]])
    folder.append_entry(entries()[0])
    assert folder.earlier_results() is None
    folder.finish(run())
    folder.retire(keep_journal=True)
    assert RunFolder.resumed(Path("a"), tmp_path) == RunFolder.resumed(Path("latest"), tmp_path)
    again = RunFolder.resumed(tmp_path / "latest", tmp_path)
    assert (again.path.name, again.run_id, again.created_at) == (folder.path.name, "a", NOW)
    assert again.planned() == planned
    assert [entry.candidate for entry in again.earlier_results().entries] == [entries()[0].candidate]
    again.append_entry(entries()[1])
    assert again.finish(run()).entries == entries()[:2]
    again.retire()
    with pytest.raises(UsageError, match="this run is whole"):
        RunFolder.resumed(folder.path, tmp_path)


def test_latest_follows_the_newest_run(tmp_path):
    for run_id in ("a", "b"):
        folder = RunFolder.create(tmp_path, run_id=run_id, now=NOW)
        folder.finish(run().model_copy(update={"id": run_id}))
        folder.retire()
        assert load_results(tmp_path / "latest").run.id == run_id
    assert (tmp_path / "latest").readlink() == Path("20261124T054500Z-b")


def test_where_a_symlink_cannot_be_made_a_file_names_the_newest(tmp_path):
    (tmp_path / "latest" / "something").mkdir(parents=True)
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    folder.finish(run())
    folder.retire()
    assert (tmp_path / "latest.txt").read_text(encoding="utf-8") == f"{folder.path.name}\n"
    assert not list(tmp_path.glob(".latest*"))
    (tmp_path / "latest" / "something").rmdir()
    (tmp_path / "latest").rmdir()
    assert load_run(tmp_path / "latest", tmp_path).run.id == load_run("latest", tmp_path).run.id == "3f9a1c"


def test_trials_of_several_processes_do_not_mix(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from harness.records.board import Trial\nfrom harness.store import RunFolder\n"
        "folder = RunFolder.open(Path(sys.argv[1]))\n"
        "for i in range(40):\n"
        "    folder.append_trial(sys.argv[2], 'e', Trial(index=i, block=0, arm='candidate', kind='latency',"
        " samples_ns=tuple(range(2000))))\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(folder.path), name], cwd=Path(__file__).parents[2])
        for name in ("left", "right")
    ]
    assert [worker.wait() for worker in workers] == [0, 0]
    lines = list(folder.trials())
    for name in ("left", "right"):
        assert [line.trial.index for line in lines if line.device == name] == list(range(40))
    assert {len(line.trial.samples_ns) for line in lines} == {2000}


def test_trials_survive_the_finish(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    folder.append_trial("rpi4", "digits_cnn/int8", a_trial(0))
    folder.finish(run())
    line = json.loads((folder.path / "trials.jsonl").read_text(encoding="utf-8"))
    assert (line["device"], line["entry"], line["trial"]["samples_ns"]) == ("rpi4", "digits_cnn/int8", [0, 1, 2])


def test_a_torn_line_is_cut_off_by_the_next_append(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    folder.append_trial("rpi4", "e", a_trial(0))
    with (folder.path / "trials.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"device": "rp')
    assert [line.trial.index for line in folder.trials()] == [0]
    folder.append_trial("rpi4", "e", a_trial(1))
    assert [line.trial.index for line in folder.trials()] == [0, 1]


def test_a_damaged_line_is_named(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    (folder.path / "journal" / "entries.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(ResultsFileError, match=r"entries\.jsonl, line 1: damaged: device: Field required"):
        folder.entries()


def test_a_trial_too_large_is_an_error_of_its_entry(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    with pytest.raises(EntryError, match="--num-runs"):
        folder.append_trial("rpi4", "e", a_trial(0, samples=2_500_000))
    assert list(folder.trials()) == []


def test_a_file_does_not_grow_past_its_limit(tmp_path):
    file = tmp_path / "lines"
    append_line(file, b"12345", lock=tmp_path / "lock", max_file_bytes=10)
    with pytest.raises(HarnessError, match="would grow past 10 bytes"):
        append_line(file, b"12345", lock=tmp_path / "lock", max_file_bytes=10)
    assert file.read_bytes() == b"12345\n"


def test_a_full_disk_is_one_clear_line(tmp_path):
    with (
        pytest.raises(HarnessError, match=r"x: cannot be written \(No space left on device\): a run needs room"),
        disk_errors_named(tmp_path / "x"),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")


@pytest.mark.parametrize("name", ["trials.jsonl", "journal/entries.jsonl", "journal/lock"])
def test_nothing_is_written_through_a_link_in_a_run_folder(tmp_path, name):
    outside = tmp_path / "outside"
    outside.write_text("mine")
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    (folder.path / name).symlink_to(outside)

    with pytest.raises(HarnessError, match="mend what stands there"):
        folder.append_trial("rpi4", "e", a_trial(0))
        folder.append_entry(results().entries[0])

    assert outside.read_text() == "mine"


def test_a_resumed_run_keeps_the_trials_of_finished_entries_alone(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    done = entries()[0]
    folder.append_entry(done)
    for test in (done.test, None, "test_unfinished"):
        for index in range(2):
            folder.append_trial(done.device, done.subject, a_trial(index), test=test)
    folder.append_trial(done.device, "another", a_trial(0), test=done.test)
    with (folder.path / "trials.jsonl").open("ab") as file:
        file.write(b'{"device":"torn')
    RunFolder.resumed(folder.path, tmp_path)
    found = [(line.entry, line.test, line.trial.index) for line in folder.trials()]
    assert found == [(done.subject, test, index) for test in (done.test, None) for index in range(2)]
    assert (folder.path / "trials.jsonl").read_bytes().endswith(b"}\n")


def test_a_run_whose_journal_is_a_link_is_not_resumed(tmp_path):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    elsewhere = (folder.path / "journal").rename(tmp_path / "elsewhere")
    (folder.path / "journal").symlink_to(elsewhere)

    with pytest.raises(UsageError, match="no run that was cut off"):
        RunFolder.resumed(folder.path, tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "endless"])
def test_a_journal_that_is_no_plain_file_is_refused_at_once(tmp_path, kind):
    folder = RunFolder.create(tmp_path, run_id="a", now=NOW)
    file = folder.path / "journal" / "entries.jsonl"
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("/dev/zero")

    with pytest.raises(ResultsFileError, match=r"entries\.jsonl: cannot be read"):
        folder.entries()


@pytest.mark.parametrize("written", ["..", "../../etc", "/etc", "", "a\x00b", "20261124T054500Z-a\n20261124T054500Z-b"])
def test_a_pointer_to_anything_but_a_run_beside_it_is_refused(tmp_path, written):
    (tmp_path / "latest.txt").write_text(written)
    with pytest.raises(UsageError, match=r"latest\.txt: names no run's folder"):
        latest_run(tmp_path)


def test_a_pointer_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "latest.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"latest\.txt: cannot be read: it is not UTF-8 text"):
        latest_run(tmp_path)


def test_a_link_to_the_latest_run_that_leads_elsewhere_is_refused(tmp_path):
    reports, elsewhere = tmp_path / "reports", tmp_path / "elsewhere"
    reports.mkdir()
    elsewhere.mkdir()
    (reports / "latest").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="leads out of its folder"):
        latest_run(reports)


def test_a_disk_that_fills_in_the_middle_of_a_line_leaves_no_part_of_it(tmp_path):
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom harness.store.disk import append_line\n"
        "file = Path(sys.argv[1])\n"
        "append_line(file, b'whole', lock=file.with_name('lock'), max_file_bytes=10**9)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "append_line(file, b'x' * 5000, lock=file.with_name('lock'), max_file_bytes=10**9)\n"
    )
    file = tmp_path / "lines"
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "HarnessError" in done.stderr and "File too large" in done.stderr
    assert file.read_bytes() == b"whole\n"
