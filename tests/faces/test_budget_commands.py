"""harness budgets propose, check, harness judge: as they are typed, on stored runs; no board is touched."""

import json
import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from support.commands import outer_environment
from support.sample_results import devices, entry, run
from support.warm import run_warm

from harness.records.entry import Finding
from harness.records.results import Results
from harness.records.status import Status
from harness.store.results_file import save_results

STAMP = "20260101T000000Z-3f9a1c"
BENCHMARK = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("digits_cnn", recipes=["float32", "int8"]), ids=str)
@pytest.mark.budget(accuracy_drop="2 pt")
def test_digits(bench, candidate):
    bench(candidate)
"""
BUDGETS = """# what the boards must keep
[rpi4."digits_cnn/int8"]
latency_p50 = "1.6 ms"  # as of May
model_size = "900 kB"

# the rest
[local."*"]
peak_memory = "40 MB"
"""
WAIVER = """
[[waiver]]
device = "rpi4"
candidate = "digits_cnn/*"
metric = "latency_p50"
limit = "2 ms"
until = {until}
issue = "#123"
reason = "new kernel"
"""


@pytest.fixture
def project(tmp_path):
    """A folder with benchmarks and one stored run of two devices, all of it measured well."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/test_models.py").write_text(BENCHMARK)
    keep(tmp_path, good())
    (tmp_path / "reports/latest").symlink_to(STAMP)
    return tmp_path


def good(*more):
    rows = [("local", "int8", 0.000052), ("rpi4", "float32", 0.00425), ("rpi4", "int8", 0.00145)]
    return [
        *(
            entry(d, "digits_cnn", recipe, Status.MEASURED, reason="10 trials", p50_s=p50_s)
            for d, recipe, p50_s in rows
        ),
        *more,
    ]


def keep(folder, entries, **changes):
    home = folder / "reports" / STAMP
    home.mkdir(parents=True, exist_ok=True)
    own = run().model_copy(update={"status": Status.MEASURED, "exit_code": 0, **changes})
    save_results(Results(run=own, devices=devices(), entries=entries), home / "results.json")


def budgets_in(folder, *texts):
    (folder / "benchmarks/budgets.toml").write_text("".join(texts))


def in_days(days):
    return datetime.now(UTC).date() + timedelta(days=days)


def harness(folder, *arguments):
    done = run_warm("harness", arguments, folder, outer_environment())
    assert "Traceback" not in done.text, done.err
    return done


def one_line(done, code, *words):
    assert done.code == code, done.text
    line = done.err.splitlines()[-1]
    assert line.startswith("harness: ") and all(word in line for word in words), line


def test_a_first_proposal_makes_the_file(project):
    said = harness(project, "budgets", "propose", "latest")

    assert said.code == 0, said.err
    assert said.out.splitlines()[:3] == [
        "benchmarks/budgets.toml (new)",
        '  [local."digits_cnn/int8"]',
        '+ latency_p50 = "57.5 µs"  # measured 52 µs (51.79-52.21 µs, 95 %, 10 trials)',
    ]
    assert said.out.splitlines()[-1] == "9 added, 0 changed, 0 kept"
    written = tomllib.loads((project / "benchmarks/budgets.toml").read_text())
    limits = {"latency_p50": "1.61 ms", "model_memory": "8.14 MB", "model_size": "124 kB"}
    assert written["rpi4"]["digits_cnn/int8"] == limits
    judged = harness(project, "judge", "latest")
    assert judged.code == 0 and "3 passed; exit code 0: everything held" in judged.out


def test_the_second_time_nothing_changes(project):
    harness(project, "budgets", "propose", "latest")
    before = (project / "benchmarks/budgets.toml").read_bytes()

    for extra in ((), ("--update",)):
        said = harness(project, "budgets", "propose", f"reports/{STAMP}/results.json", *extra)
        assert said.out.splitlines() == ["benchmarks/budgets.toml", "0 added, 0 changed, 9 kept"]
    assert (project / "benchmarks/budgets.toml").read_bytes() == before


def test_what_stands_is_kept_with_its_comments_until_update_is_asked_for(project):
    budgets_in(project, BUDGETS)

    added = harness(project, "budgets", "propose", "latest", "--device", "rpi4", "--metric", "model_size")
    assert '    kept; --update makes it "124 kB": measured 112.7 kB (exact)' in added.out.splitlines()
    text = (project / "benchmarks/budgets.toml").read_text()
    assert text == BUDGETS + '\n[rpi4."digits_cnn/float32"]\nmodel_size = "454 kB"\n'

    changed = harness(project, "budgets", "propose", "latest", "--device", "rpi4", "--update")
    assert '- model_size = "900 kB"' in changed.out and '+ model_size = "124 kB"' in changed.out
    text = (project / "benchmarks/budgets.toml").read_text()
    joined = 'model_size = "124 kB"\nmodel_memory = "8.14 MB"\n\n# the rest\n'
    assert text.startswith(BUDGETS.partition("model_size")[0] + joined)


def test_a_glob_s_limit_is_overruled_for_one_candidate_and_not_touched(project):
    budgets_in(project, BUDGETS)
    asked = ("--device=local", "--metric=peak_memory", "--update", "--margin=2 %")

    said = harness(project, "budgets", "propose", "latest", *asked)

    assert '- peak_memory = "40 MB"  # benchmarks/budgets.toml [local."*"] peak_memory' in said.out.splitlines()
    assert said.out.splitlines()[-1] == "0 added, 1 changed, 0 kept"
    own = '\n[local."digits_cnn/int8"]\npeak_memory = "39.2 MB"\n'
    assert (project / "benchmarks/budgets.toml").read_text() == BUDGETS + own


def test_what_was_not_fit_is_refused_by_name(project):
    hot = entry("rpi4", "vww", "int8", Status.INVALID, reason="board not fit", p50_s=0.01)
    keep(project, good(hot))

    said = harness(project, "budgets", "propose", "latest", "--json")

    assert said.code == 1
    assert said.err == "harness: not proposed: rpi4, vww/int8: INVALID: board not fit\n"
    (told,) = json.loads(said.out)
    assert told["refused"] == [{"device": "rpi4", "candidate": "vww/int8", "why": "INVALID: board not fit"}]
    assert {limit["step"] for limit in told["limits"]} == {"add"} and len(told["limits"]) == 9
    assert "vww" not in (project / "benchmarks/budgets.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("propose", "nowhere"), ("run nowhere: no run in reports, no folder and no results.json",)),
        (("propose", "latest", "--device=rpi44"), ("--device rpi44", "did you mean rpi4?")),
        (("propose", "latest", "--metric=latency"), ("--metric latency is not there", "latency_p50")),
        (("propose", "latest", "--margin=10"), ("--margin 10", "no unit")),
        (("propose", "latest", "--margin=-5%"), ("expected 0 % to",)),
        (("propose", "latest", "--margin=100%", "--metric=throughput"), ("--margin 100%", "of throughput less")),
        (("propose", "latest", "--budgets=no/folder/b.toml"), ("there is no folder no/folder",)),
        (("propose", "latest", "--budgets=wrong.toml"), ("wrong.toml", "did you mean latency_p50")),
        (("check", "nowhere"), ("nowhere: there is no such file or folder",)),
        (("check",), ("no budgets.toml is found",)),
    ],
)
def test_wrong_words_are_one_line(project, arguments, words):
    (project / "wrong.toml").write_text('[rpi4."x"]\nlatncy_p50 = "4 ms"\n')

    one_line(harness(project, "budgets", *arguments), 4, *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[rpi4."x"]\nlatency_p50 = "4 mW"\n', ("latency_p50", "is a power")),
        ('[rpi4."x"]\nlatency_p50 = "4 ms"\nlatency_p50 = "5 ms"\n', ("not valid TOML",)),
        ('[rpi4."x"]\nlatency_p50 = "4 ms"\n[rpi4."x"]\n', ("not valid TOML",)),
        ("[[waiver]]\n", ("[[waiver]] 1", "device, candidate, metric, limit, until, issue, reason missing")),
    ],
)
@pytest.mark.parametrize("command", [("budgets", "propose"), ("judge",), ("budgets", "check", "--run")])
def test_a_wrong_file_is_one_line_for_every_command(project, text, words, command):
    budgets_in(project, text)

    one_line(harness(project, *command, "latest"), 4, "benchmarks/budgets.toml", *words)


def test_slack_limits_alone_are_no_failure(project):
    budgets_in(project, BUDGETS)

    said = harness(project, "budgets", "check", "--run", "latest")

    assert said.code == 0, said.out + said.err
    first, last = said.out.splitlines()
    assert first.startswith('slack: benchmarks/budgets.toml [rpi4."digits_cnn/int8"] model_size: 900 kB leaves 87.48 %')
    assert last == "benchmarks/budgets.toml: 0 expired, 0 stale, 0 expire soon, 1 slack"
    without = harness(project, "budgets", "check")
    assert without.out.endswith("slack limits are found with --run RUN\n") and without.code == 0


def test_what_expired_is_stale_or_runs_out_is_told_apart(project):
    mistyped = '[rpi4."digits_cnm/*"]\nlatency_p50 = "4 ms"\n[rpi44."*"]\nlatency_p50 = "4 ms"\n'
    unused = WAIVER.format(until=in_days(90)).replace("latency_p50", "power_mean").replace("2 ms", "2 W")
    gone = WAIVER.format(until=in_days(-1)).replace("digits_cnn/*", "*")
    budgets_in(project, BUDGETS, mistyped, WAIVER.format(until=in_days(14)), gone, unused)

    said = harness(project, "budgets", "check", "benchmarks", "--json")

    assert said.code == 1
    told = json.loads(said.out)
    assert [len(told[kind]) for kind in ("files", "expired", "stale", "expiring")] == [1, 1, 3, 1]
    assert "[[waiver]] 2" in told["expired"][0] and "take it out" in told["expired"][0]
    assert "did you mean digits_cnn/" in told["stale"][0] and "did you mean rpi4" in told["stale"][1]
    assert "no budget limits power_mean there" in told["stale"][2]
    assert "[[waiver]] 1" in told["expiring"][0] and "in 14 days" in told["expiring"][0]
    assert (told["slack"], told["exit_code"]) == (None, 1)


def test_what_is_wrong_is_said_once_where_a_device_is_the_default(project):
    (project / "pyproject.toml").write_text('[tool.harness]\ndevice = ["rpi4", "local"]\n')
    budgets_in(project, BUDGETS, WAIVER.format(until=in_days(-1)))

    said = harness(project, "budgets", "check")

    assert (said.code, said.err) == (1, "") and said.out.count("expired on") == 1
    budgets_in(project, '[rpi4."x"]\nlatncy_p50 = "4 ms"\n')
    wrong = harness(project, "budgets", "check")
    assert (wrong.code, len(wrong.err.splitlines())) == (4, 1)


def test_a_waiver_on_a_marker_is_not_stale(project):
    marked = WAIVER.format(until=in_days(90)).replace("latency_p50", "accuracy_drop").replace("2 ms", "3 pt")
    budgets_in(project, BUDGETS, marked)

    assert harness(project, "budgets", "check").code == 0


def test_a_run_alone_says_what_is_stale_where_there_are_no_benchmarks(project):
    budgets_in(project, BUDGETS, '[local."vww/*"]\nlatency_p50 = "4 ms"\n')
    (project / "benchmarks").rename(project / "elsewhere")
    (project / "elsewhere/budgets.toml").rename(project / "budgets.toml")

    said = harness(project, "budgets", "check", "--run", "latest")

    assert said.code == 1 and 'stale: budgets.toml [local."vww/*"]: matches no candidate' in said.out


UNNAMED = """
def test_model(bench):
    bench("digits_cnn/int8")
"""


def test_what_a_test_measures_that_names_it_when_it_runs_is_told_by_a_run(project):
    (project / "benchmarks/test_models.py").write_text(UNNAMED)
    budgets_in(project, BUDGETS, '[local."vww/*"]\nlatency_p50 = "4 ms"\n')

    alone = harness(project, "budgets", "check")

    assert alone.code == 0, alone.err
    first, last = alone.out.splitlines()
    assert first.startswith("not seen: benchmarks/budgets.toml: what matches nothing is not known")
    assert "in benchmarks/test_models.py::test_model: give --run RUN" in first
    assert last.startswith("benchmarks/budgets.toml: 0 expired, 0 stale")
    with_run = harness(project, "budgets", "check", "--run", "latest")
    assert with_run.code == 1 and "not seen" not in with_run.out
    assert 'stale: benchmarks/budgets.toml [local."vww/*"]: matches no candidate' in with_run.out


def test_a_device_that_is_none_is_stale_whatever_the_tests_name(project):
    (project / "benchmarks/test_more.py").write_text(UNNAMED)
    budgets_in(project, BUDGETS, '[rpi44."*"]\nlatency_p50 = "4 ms"\n', '[rpi4."vww/*"]\nlatency_p50 = "4 ms"\n')

    told = json.loads(harness(project, "budgets", "check", "--json").out)

    assert len(told["stale"]) == 1 and "did you mean rpi4" in told["stale"][0]
    assert len(told["unseen"]) == 1 and told["exit_code"] == 1


def test_a_folder_without_benchmarks_is_one_line(project):
    (project / "benchmarks/test_models.py").write_text("def test_nothing():\n    pass\n")
    budgets_in(project, BUDGETS)

    one_line(harness(project, "budgets", "check"), 4, "no benchmarks in benchmarks")


def test_judging_anew_is_the_same_each_time_and_leaves_the_run_alone(project):
    budgets_in(project, BUDGETS.replace("1.6 ms", "1.4 ms"))
    before = (project / "reports/latest/results.json").read_bytes()

    first, second = (harness(project, "judge", "latest", "--json") for _ in range(2))

    assert first.out == second.out and first.err == second.err
    assert first.code == 1
    told = json.loads(first.out)
    assert told["run"]["exit_code"] == 1 and told["run"]["status"] == "FAIL"
    assert told["run"]["id"] == "3f9a1c.judged"
    assert told["run"]["notes"][-1] == "run 3f9a1c judged anew, by benchmarks/budgets.toml"
    statuses = {(one["device"], one["recipe"]): one["status"] for one in told["entries"]}
    assert statuses == {("local", "int8"): "PASS", ("rpi4", "float32"): "MEASURED", ("rpi4", "int8"): "FAIL"}
    assert (project / "reports/latest/results.json").read_bytes() == before


def test_a_judged_run_is_written_where_it_is_asked_for(project):
    budgets_in(project, BUDGETS)

    said = harness(project, "judge", "latest", "--budgets", "benchmarks/budgets.toml", "--out", "judged")

    assert said.code == 0, said.out + said.err
    assert said.out.endswith("report: judged/report.html\n")
    written = {file.name for file in (project / "judged").iterdir()}
    assert written >= {"report.html", "results.json", "summary.md"} and "trials.jsonl" not in written
    again = harness(project, "judge", "judged", "--budgets", "benchmarks/budgets.toml", "--json")
    assert [one["status"] for one in json.loads(again.out)["entries"]] == ["PASS", "MEASURED", "PASS"]
    one_line(harness(project, "judge", "latest", "--out", "judged"), 4, "--out judged", "something is there already")


def test_limits_are_the_lineage_s_and_the_markers_stay(project):
    lineage = devices()["rpi4"].profile.model_copy(update={"name": "pi-07", "lineage": ("pi-07", "rpi4")})
    marked = Finding(
        gate="budget",
        metric="model_size",
        status=Status.PASS,
        reason="held",
        limit=100_000.0,
        origin="marker of benchmarks/test_models.py::test_digits model_size",
    )
    child = good()[2].model_copy(update={"device": "pi-07", "findings": [marked], "status": Status.PASS})
    boards = {**devices(), "pi-07": devices()["rpi4"].model_copy(update={"profile": lineage})}
    home = project / "reports" / STAMP / "results.json"
    save_results(Results(run=run(), devices=boards, entries=[child]), home)
    budgets_in(project, BUDGETS)

    told = json.loads(harness(project, "judge", "latest", "--json").out)

    findings = {one["metric"]: one for one in told["entries"][0]["findings"]}
    assert {metric: one["status"] for metric, one in findings.items()} == {"latency_p50": "PASS", "model_size": "FAIL"}
    assert "marker of" in findings["model_size"]["detail"]


def test_a_waiver_counts_as_of_the_day_of_the_run(project):
    budgets_in(project, BUDGETS.replace("1.6 ms", "1.4 ms"), WAIVER.format(until="2026-11-30"))
    said = harness(project, "judge", "latest")
    told = "WAIVED: rpi4 (simulated board), digits_cnn/int8, latency_p50: limit 1.4 ms waived to 2 ms until 2026-11-30"
    assert said.code == 0 and " ".join(said.out.split()).startswith(f"{told} (#123: new kernel)")

    keep(project, good(), created_at="2026-12-01T00:00:00Z")
    late = harness(project, "judge", "latest")
    assert late.code == 1
    assert "the waiver to 2 ms expired on 2026-11-30 (#123: new kernel)" in " ".join(late.out.split())


def test_a_stricter_waiver_is_refused(project):
    budgets_in(project, BUDGETS, WAIVER.format(until="2026-11-30").replace("2 ms", "1 ms"))

    one_line(harness(project, "judge", "latest"), 4, "1 ms does not relax 1.6 ms", "a waiver may only relax")


def test_runs_are_named_alike_for_every_command(project):
    budgets_in(project, BUDGETS)
    (project / "reports").rename(project / "kept")
    one_line(harness(project, "judge", "latest"), 4, "run latest: no run has ended in reports")
    (project / "pyproject.toml").write_text('[tool.harness]\nreports-dir = "kept"\n')
    for named in ("latest", STAMP.partition("-")[2], f"kept/{STAMP}", f"kept/{STAMP}/results.json"):
        for words in (("judge", named), ("budgets", "propose", named), ("budgets", "check", f"--run={named}")):
            said = harness(project, *words)
            assert said.code in {0, 1} and "no run" not in said.err, said.err


def test_nothing_to_judge_by_is_not_green(project):
    one_line(harness(project, "judge", "latest"), 4, "give --budgets FILE")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"alpha": 2.0}}, ("settings.alpha is 2.0", "edited")),
        ({"settings": {"inconclusive": "perhaps"}}, ("settings.inconclusive",)),
        ({"settings": {"trials": "ten"}}, ("settings.trials",)),
        ({"created_at": "yesterday"}, ("created_at 'yesterday' is no date",)),
    ],
)
def test_a_run_that_was_edited_is_one_line(project, changes, words):
    budgets_in(project, BUDGETS)
    keep(project, good(), **changes)

    one_line(harness(project, "judge", "latest"), 4, *words)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exit_code": 11}, 11),
        ({"exit_code": 1, "settings": {"devices": ["local", "rpi4", "rpi5"]}}, 11),
        ({"exit_code": 1, "settings": {"devices": ["local", "rpi4"]}}, 0),
    ],
)
def test_a_board_that_was_not_reached_is_not_forgotten(project, changes, code):
    budgets_in(project, BUDGETS)
    keep(project, good(), **changes)

    assert harness(project, "judge", "latest").code == code
