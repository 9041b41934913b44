"""A base's own artifact, as the history has it of that commit."""

from pathlib import Path

import pytest

from harness.pipeline.builder.artifact_folder import ArtifactFolder, export_artifacts
from harness.pipeline.cache import file_sha256
from harness.records.board import BoardFacts
from harness.records.candidate import Candidate
from harness.records.entry import ArtifactRecord
from harness.records.results import DeviceRecord, Results, Run
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session.baselines.kinds import BaselineContext
from harness.session.baselines.revision import Commit, MeasuredArtifacts, RevisionBaseline
from harness.store.history import History
from harness.testing import make_artifact, make_entry, make_facts, make_profile

COMMIT = "1" * 40
CANDIDATE = Candidate("net", "zoo", "net", recipe="int8")


def built(place: Path, content: bytes):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return make_artifact("net", recipe="int8", sha256=file_sha256(place), path=str(place), versions={"litert": "2.3"})


@pytest.fixture
def settings(tmp_path):
    return Settings(reports_dir=tmp_path / "reports", cache_dir=tmp_path / "cache", devices=("simulated",))


@pytest.fixture
def then(tmp_path, settings):
    """What was measured at the commit, in the cache and in the history."""
    artifact = built(tmp_path / "cache/artifacts/key/model.tflite", b"converted then")
    settings.reports_dir.mkdir()
    entry = make_entry(candidate="net", recipe="int8", artifact=ArtifactRecord.of(artifact))
    run = Run(
        id="then", created_at="2026-01-01T00:00:00Z", harness_version="1", commit=COMMIT, command="pytest",
        settings={}, status=Status.MEASURED, exit_code=0, seconds={}, bytes_sent={},
    )  # fmt: skip
    History.open(str(settings.reports_dir / "history.db")).append(Results(run=run, devices={}, entries=[entry]))
    return artifact


@pytest.fixture
def base(tmp_path, settings):
    """The commit's candidates as they are built today."""
    export_artifacts(tmp_path / "exported", [(CANDIDATE, built(tmp_path / "today/model.tflite", b"converted today"))])

    def build(candidate):
        return make_artifact("model", sha256=file_sha256(Path(candidate.source)), path=candidate.source)

    around = BaselineContext(settings, build, lambda _what: None)
    recorded = MeasuredArtifacts.at(COMMIT, settings)
    exported = ArtifactFolder.open(tmp_path / "exported")
    return RevisionBaseline(
        "main", Commit(COMMIT, "commit 1111"), exported, {}, {}, tmp_path / "gone", around, recorded
    )


def opponent(base, facts: BoardFacts | None = None):
    device = DeviceRecord(profile=make_profile(), facts=facts or make_facts(), fingerprint=None)
    return base.arm_for(CANDIDATE, device, make_entry())


@pytest.mark.usefixtures("then")
def test_what_was_measured_then_is_measured_again_where_the_cache_has_it(then, base):
    found = opponent(base)
    assert found.artifact.sha256 == then.sha256
    assert (found.artifact.candidate, found.artifact.recipe) == ("net", "int8")
    assert "measured at commit 1111" in found.record.sentence
    assert any("not scored again" in reason for reason in found.record.not_compared)


def test_what_the_cache_has_lost_is_told_as_not_compared(then, base):
    Path(then.path).unlink()
    found = opponent(base)
    assert found.artifact.sha256 != then.sha256
    assert any("not in the cache any more" in reason for reason in found.record.not_compared)


def test_without_a_record_what_is_built_today_stands_for_the_commit(base):
    found = opponent(base)
    assert found.record.sentence == "commit 1111"
    assert any("the converters" in reason for reason in found.record.not_compared)


def test_a_history_that_cannot_be_read_has_no_records(settings):
    settings.reports_dir.mkdir()
    (settings.reports_dir / "history.db").write_bytes(b"no database" * 99)
    assert MeasuredArtifacts.at(COMMIT, settings).artifacts == {}
