"""Tests of faults and of parallel commands."""
