"""The tables as the newest schema has them; ``migrations`` leads there from every older one."""

from typing import Final

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

NEWEST: Final = "0006"
"""The schema's version that these tables are."""
METADATA: Final = MetaData()

RUNS: Final = Table(
    "runs",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("commit", String(64)),
    Column("harness_version", String(32), nullable=False),
    Column("command", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("branch", Text),
    Index("runs_by_commit", "commit"),
    Index("runs_by_time", "created_at", "id"),
)
ENTRIES: Final = Table(
    "entries",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", String(64), ForeignKey("runs.id"), nullable=False),
    Column("device", Text, nullable=False),
    Column("test", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("recipe", Text),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("fingerprint", Text),
    Column("artifact_sha256", String(64)),
    Column("runtime", Text),
    Column("delegate", Text),
    Column("num_threads", Integer),
    Index("entries_by_subject", "device", "candidate", "run_id"),
    Index("entries_by_run", "run_id"),
    Index("entries_by_test", "test", "device"),
)
MEASUREMENTS: Final = Table(
    "measurements",
    METADATA,
    Column("entry_id", Integer, ForeignKey("entries.id"), primary_key=True),
    Column("metric", String(64), primary_key=True),
    Column("unit", String(8), nullable=False),
    Column("better", String(8), nullable=False),
    Column("value", Float),
    Column("ci_low", Float),
    Column("ci_high", Float),
    Column("n", Integer, nullable=False),
    Column("source", Text),
)
SELFTESTS: Final = Table(
    "selftests",
    METADATA,
    Column("entry_id", Integer, ForeignKey("entries.id"), primary_key=True),
    Column("detectable", Float),
)
