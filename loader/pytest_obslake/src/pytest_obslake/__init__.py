"""A pytest plugin that records every call of the functions and classes under test."""

__version__ = "0.1.0"
