"""The readers, by the names of their commands."""

from obslake.load.sources.base import Reader
from obslake.load.sources.descriptions import (
    ImplementationsReader,
    MeasurementsReader,
    RunsReader,
    TestsReader,
)
from obslake.load.sources.junit import JUnitReader
from obslake.load.sources.lasso import LassoReader
from obslake.load.sources.observations import ObservationsReader
from obslake.load.sources.recording import RecordingReader

READERS: dict[str, type[Reader]] = {
    reader.name: reader
    for reader in (
        ObservationsReader,
        RecordingReader,
        JUnitReader,
        LassoReader,
        ImplementationsReader,
        TestsReader,
        RunsReader,
        MeasurementsReader,
    )
}
