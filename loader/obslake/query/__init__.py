"""Queries: answers and exports from the marts and the tables."""
