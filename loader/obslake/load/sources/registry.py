"""Readers by the name of their command."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obslake.load.sources.base import Reader

# Module and class. A command imports only its own reader: importing all takes a fifth longer.
READERS = {
    "observations": ("observations", "ObservationsReader"),
    "recording": ("recording", "RecordingReader"),
    "junit": ("junit", "JUnitReader"),
    "lasso": ("lasso", "LassoReader"),
    "implementations": ("descriptions", "ImplementationsReader"),
    "revisions": ("revisions", "RevisionsReader"),
    "tests": ("descriptions", "TestsReader"),
    "runs": ("descriptions", "RunsReader"),
    "measurements": ("descriptions", "MeasurementsReader"),
}


def reader_class(name: str) -> "type[Reader]":
    """Return the reader of the command ``obslake load NAME``."""
    module, class_name = READERS[name]
    found: type[Reader] = getattr(import_module(f"obslake.load.sources.{module}"), class_name)
    return found
