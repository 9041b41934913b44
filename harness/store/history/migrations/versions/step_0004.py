"""Self-tests: a board measured against itself, and what that would have caught."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """A table of their own, an entry each."""
    op.create_table(
        "selftests",
        sa.Column("entry_id", sa.Integer, sa.ForeignKey("entries.id"), primary_key=True),
        sa.Column("detectable", sa.Float),
    )
