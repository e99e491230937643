"""Checks the catalog, metadata, files, loads and marts of a lakehouse against each other."""
