"""Benchmarks of obslake on generated exports of any size."""
