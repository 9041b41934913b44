"""Runs, their entries and measurements."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("harness_version", sa.String(32), nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("exit_code", sa.Integer, nullable=False),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("device", sa.String(128), nullable=False),
        sa.Column("test", sa.Text, nullable=False),
        sa.Column("candidate", sa.String(256), nullable=False),
        sa.Column("recipe", sa.String(256)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("artifact_sha256", sa.String(64)),
        sa.Column("runtime", sa.String(64)),
    )
    op.create_index("entries_by_subject", "entries", ["device", "candidate", "recipe"])
    op.create_table(
        "measurements",
        sa.Column("entry_id", sa.Integer, sa.ForeignKey("entries.id"), primary_key=True),
        sa.Column("metric", sa.String(64), primary_key=True),
        sa.Column("unit", sa.String(8), nullable=False),
        sa.Column("better", sa.String(8), nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("ci_low", sa.Float),
        sa.Column("ci_high", sa.Float),
        sa.Column("n", sa.Integer, nullable=False),
    )
