"""Every run's figures in one SQL database, appended and never changed: SQLite by default, PostgreSQL by its URL."""

from harness.store.history.database import History, Series, SeriesPoint

__all__ = ["History", "Series", "SeriesPoint"]
