"""The Iceberg tables: where they are, what is in them, how they are read and written."""
