"""Indexes by which a query's time follows what it finds, not how many runs there are."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add them; the one by subject goes on to the run."""
    op.create_index("runs_by_commit", "runs", ["commit"])
    op.create_index("runs_by_time", "runs", ["created_at", "id"])
    op.create_index("entries_by_run", "entries", ["run_id"])
    op.create_index("entries_by_test", "entries", ["test", "device"])
    op.drop_index("entries_by_subject", "entries")
    op.create_index("entries_by_subject", "entries", ["device", "candidate", "run_id"])
