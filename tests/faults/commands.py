"""The commands that are killed, each with its initial lakehouse."""

from collections.abc import Callable
from pathlib import Path

from tests.faults import sources
from tests.faults.sources import SOURCES
from tests.faults.trials import OTHER, Killing, Lab
from tests.harness.requests import Point

# Functions between which the effect of a command is absent, partial or complete.
COMMITS = (
    "pyiceberg.catalog.sql:SqlCatalog.commit_table",
    "pyiceberg.catalog.sql:SqlCatalog._write_metadata",
)
FILES = (
    "tempfile:mkdtemp",
    "fcntl:flock",
    "pyiceberg.io.pyarrow:PyArrowFile.create",
    "pyiceberg.io.pyarrow:PyArrowFileIO.delete",
)
TARGETS = {
    "init": (
        "pyiceberg.catalog.sql:SqlCatalog.create_tables",
        "pyiceberg.catalog.sql:SqlCatalog.create_namespace",
        "pyiceberg.catalog.sql:SqlCatalog.create_table",
        *COMMITS,
    ),
    "load": (
        "pyiceberg.catalog.sql:SqlCatalog.create_table",
        "obslake.load.appending:write_data_files",
        "obslake.cli.load:echo_report",
        *COMMITS,
        *FILES,
    ),
    "compact": ("obslake.upkeep.compaction:write_data_files", *COMMITS, *FILES),
    "expire": ("obslake.upkeep.expiry:_delete", *COMMITS, *FILES),
    "rollback": (*COMMITS, *FILES),
    "forget": ("obslake.upkeep.forgetting:write_data_files", *COMMITS, *FILES),
    "retry": ("obslake.load.appending:write_data_files", *COMMITS, *FILES),
}


def init(lab: Lab) -> Killing:
    lab.restore("nothing")
    return _killing(lab, "init", "init")


def first_load(lab: Lab) -> Killing:
    """A load that creates the lakehouse."""
    lab.restore("nothing")
    return _killing(lab, "first load", "load", *sources.published_rows(lab.folder, "new"))


def load_of(kind: str) -> Callable[[Lab], Killing]:
    """A load into a lakehouse with rows."""

    def load(lab: Lab) -> Killing:
        lab.restore("nothing")
        lab.obslake("load", *sources.published_rows(lab.folder, "old"))
        source = SOURCES[kind](lab.folder, f"new-{kind.replace(' ', '-')}")
        return _killing(lab, f"load {kind}", "load", *source)

    return load


def compact(lab: Lab) -> Killing:
    _load_some(lab)
    return _killing(lab, "compact", "compact")


def expire(lab: Lab) -> Killing:
    _load_some(lab)
    lab.obslake("compact")
    return _killing(lab, "expire", "expire", "--older-than=0s")


def rollback(lab: Lab) -> Killing:
    _load_some(lab)
    lab.obslake("compact")
    first = lab.obslake("sql", "select min(load_id) as id from lake.observations", "--json")
    killing = _killing(lab, "rollback", "rollback", "--yes", "--to", first.out.split('"')[3])
    # The repetition would roll it back.
    killing.other = ()
    return killing


def forget(lab: Lab) -> Killing:
    _load_some(lab)
    # The forgotten rows are in the same files as others.
    lab.obslake("compact")
    killing = _killing(lab, "forget", "forget", "--yes", "--data-set=aside")
    killing.is_atomic = False
    # A repetition after completion fails, because there is nothing left to forget.
    killing.statuses = (0, 1)
    return killing


def retry(lab: Lab) -> Killing:
    """A retry of records that were set aside."""
    _load_some(lab)
    return _killing(lab, "retry", "quarantine", "--retry")


def _load_some(lab: Lab) -> None:
    """Load sources of several kinds, for maintenance."""
    if lab.restore("loaded"):
        return
    for number in range(2):
        lab.obslake("load", *sources.published_rows(lab.folder, f"old{number}"))
    lab.obslake("load", *sources.half_understood(lab.folder, "aside"))
    lab.obslake("load", *sources.lasso_export(lab.folder, "cells"))
    lab.keep("loaded")


def _killing(lab: Lab, name: str, *command: str) -> Killing:
    return Killing(lab, name, command, sources.published_rows(lab.folder, OTHER, problems=1))


COMMANDS: dict[str, Callable[[Lab], Killing]] = {
    "init": init,
    "first load": first_load,
    **{f"load {kind}": load_of(kind) for kind in SOURCES},
    "compact": compact,
    "expire": expire,
    "rollback": rollback,
    "forget": forget,
    "retry": retry,
}
_PREPARED: dict[tuple[Path, str], Killing] = {}


def prepared(lab: Lab, name: str) -> Killing:
    """Return a command with its initial lakehouse, created once for all tests."""
    key = (lab.folder, name)
    if key not in _PREPARED:
        _PREPARED[key] = COMMANDS[name](lab)
    return _PREPARED[key]


def targets_of(name: str) -> tuple[str, ...]:
    """Return the functions before and after which a command is killed."""
    return TARGETS["load" if "load" in name else name]


def point_of(name: str, text: str) -> Point:
    """Return the point of a command described by a text like ``after commit_table 2``."""
    when, function, call = text.split()
    (target,) = (t for t in targets_of(name) if t.endswith((f":{function}", f".{function}")))
    return Point(target, "before" if when == "before" else "after", int(call))
