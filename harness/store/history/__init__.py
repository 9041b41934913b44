"""Every run's figures in one SQL database, appended and never changed: SQLite by default, PostgreSQL by its URL."""

from harness.store.history.changepoints import newest_points, with_changes
from harness.store.history.database import History
from harness.store.history.place import OpenHistory, address_of, import_runs, open_history

__all__ = ["History", "OpenHistory", "address_of", "import_runs", "newest_points", "open_history", "with_changes"]
