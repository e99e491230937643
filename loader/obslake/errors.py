"""The errors a user can meet, one class per situation.

Every message says what is wrong, where (file, row, column), and what to do about it. The command
line prints it on standard error and exits with its status; programs that import the loader catch
``ObslakeError``.
"""


class ObslakeError(Exception):
    """Base of all errors that are meant for the user."""

    exit_status = 1


class NoLakehouseError(ObslakeError):
    """There is no lakehouse at the place that was named."""


class MovedLakehouseError(NoLakehouseError):
    """The folder of a lakehouse was moved or copied, and its metadata names files elsewhere."""


class DamagedMetadataError(ObslakeError):
    """The metadata of a table is gone, or cannot be read."""


class StoreError(ObslakeError):
    """The store of the tables' files refuses, or does not answer."""


class CatalogError(ObslakeError):
    """The catalog does not answer."""


class NoSpaceError(ObslakeError):
    """The disk of the lakehouse is full."""


class NotWritableError(ObslakeError):
    """The folder of the lakehouse may not be written to."""


class CatalogLockedError(ObslakeError):
    """Another process has the catalog for longer than this one waits."""


class SourceNotFoundError(ObslakeError):
    """A path to load does not exist or cannot be read."""


class SourceFormatError(ObslakeError):
    """A source is not of a form that the chosen reader understands."""


class SourceRowError(ObslakeError):
    """More rows of a source cannot be understood than is tolerated; nothing of the load was kept."""


class AlreadyLoadedError(ObslakeError):
    """The content of a source was loaded before, under options that gave it another meaning."""


class RecordsSetAsideError(ObslakeError):
    """A load is complete but for records that were set aside."""

    exit_status = 3


class QuarantineError(ObslakeError):
    """The quarantine does not have what was asked for."""


class SnapshotNotFoundError(ObslakeError):
    """The snapshot that was asked for is not in the table's history."""


class CommitConflictError(ObslakeError):
    """Other processes changed a table all the time while one wanted to."""


class DeleteFilesError(ObslakeError):
    """A table has delete files of another engine, which obslake cannot rewrite."""


class PartitionError(ObslakeError):
    """A table is partitioned by what obslake cannot write; the table is as it was."""


class RollbackError(ObslakeError):
    """The tables cannot be rolled back as it was asked; they are as they were."""


class ForgetError(ObslakeError):
    """Rows cannot be forgotten as it was asked."""


class VerificationError(ObslakeError):
    """A lakehouse has faults."""


class ConfirmationError(ObslakeError):
    """A command that takes rows away was not confirmed."""


class RewriteError(ObslakeError):
    """The files of a table cannot be rewritten; the table is as it was."""


class QueryError(ObslakeError):
    """A query of the user could not be answered."""


class ExportError(ObslakeError):
    """A mart cannot be exported as it was asked."""
