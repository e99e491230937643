"""Progress of long work, shown on a terminal only."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.progress import (
    DownloadColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as RichProgress

Unit = Literal["bytes", "rows"]


class Task(ABC):
    """A piece of work whose size is not known in advance."""

    @abstractmethod
    def advance(self, amount: int) -> None:
        """Report that more is done."""


class Progress:
    """Shows tasks on standard error while they run, if it is a terminal."""

    def __init__(self, *, enabled: bool | None = None) -> None:
        """Show progress if ``enabled``, by default if standard error is a terminal."""
        self._enabled = sys.stderr.isatty() if enabled is None else enabled

    @contextmanager
    def task(self, description: str, unit: Unit) -> Iterator[Task]:
        """Show one task until the block ends."""
        if not self._enabled:
            yield _Silent()
            return
        amount = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
        columns = (SpinnerColumn(), TextColumn("{task.description}"), amount, TimeElapsedColumn())
        with RichProgress(*columns, console=Console(stderr=True), transient=True) as shown:
            yield _Shown(shown, shown.add_task(description, total=None))


class _Silent(Task):
    def advance(self, amount: int) -> None:
        """Do nothing."""


class _Shown(Task):
    def __init__(self, progress: RichProgress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, amount: int) -> None:
        self._progress.advance(self._task, amount)
