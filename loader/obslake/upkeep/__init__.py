"""Upkeep: what changes, removes or checks rows that are there."""
