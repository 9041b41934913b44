"""Names and fingerprints of any length: a fingerprint tells model, kernel and governor, and is longer than 64."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Widen the columns where the database keeps to lengths; SQLite never did."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for column in ("device", "candidate", "recipe", "fingerprint", "runtime", "delegate"):
        op.alter_column("entries", column, type_=sa.Text)
