"""Readers: each turns the files of one kind of source into rows of the Iceberg tables."""
