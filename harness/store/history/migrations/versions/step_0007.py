"""Which estimator made a run's figures, so that those of two are no series."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; older runs have the medians over trials of the first estimator."""
    op.add_column("runs", sa.Column("estimator", sa.Integer, nullable=False, server_default="1"))
