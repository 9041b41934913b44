"""Every run's figures in one SQL database, appended and never changed: SQLite by default, PostgreSQL by its URL."""

from harness.store.history.database import History
from harness.store.history.intake import address_of, take_in
from harness.store.history.levels import with_changes

__all__ = ["History", "address_of", "take_in", "with_changes"]
