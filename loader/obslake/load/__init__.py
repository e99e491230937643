"""Loading: from source files to rows of the tables, each source once."""
