"""Loading: from files to rows of the tables, each source once."""
