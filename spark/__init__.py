"""The same models on Apache Spark: set-up, configuration and comparison with DuckDB."""
