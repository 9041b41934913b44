"""What must be alike before two entries are compared: delegate and threads; and where a figure comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; older entries do not know them."""
    op.add_column("entries", sa.Column("delegate", sa.String(256)))
    op.add_column("entries", sa.Column("num_threads", sa.Integer))
    op.add_column("measurements", sa.Column("source", sa.Text))
