"""Readers: each turns the files of one kind of source into rows of the Iceberg tables."""

from pathlib import Path

SQL = Path(__file__).parent / "sql"
"""Folder of the SQL that the readers run."""
