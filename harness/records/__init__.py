"""Frozen records that pass from room to room, and the exception tree.

Import from the modules (``harness.records.results`` and so on); this room
imports nothing of the harness.
"""
