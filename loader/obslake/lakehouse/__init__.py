"""The Iceberg tables: where they are, their contents and history, and how to read and write them."""
