"""The branch that a run measured, so that a main branch's figures stand apart from all others."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; older runs do not know theirs."""
    op.add_column("runs", sa.Column("branch", sa.Text))
