"""Maintenance: changes, removes and checks rows of the tables."""
