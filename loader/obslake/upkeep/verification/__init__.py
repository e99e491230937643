"""Checks a lakehouse: catalog, metadata, files, loads and marts against each other."""
