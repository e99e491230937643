"""The errors that a user can meet, one class per situation.

Every message says what is wrong, where (file, row, column), and what to do about it. The command
line prints it on standard error and exits with ``exit_status``; programs that import the loader
catch ``ObslakeError``.
"""


class ObslakeError(Exception):
    """Base of all errors that are meant for the user."""

    exit_status = 1


class NoLakehouseError(ObslakeError):
    """There is no lakehouse at the given place."""


class MovedLakehouseError(NoLakehouseError):
    """The folder of a lakehouse was moved or copied, so its metadata names files elsewhere."""


class DamagedMetadataError(ObslakeError):
    """The metadata of a table is missing or cannot be read."""


class StoreError(ObslakeError):
    """The store of the tables' files denies access or does not answer."""


class CatalogError(ObslakeError):
    """The catalog does not answer."""


class NoSpaceError(ObslakeError):
    """The disk of the lakehouse is full."""


class NotWritableError(ObslakeError):
    """The folder of the lakehouse is not writable."""


class CatalogLockedError(ObslakeError):
    """Another process locks the catalog for longer than this one waits."""


class SourceNotFoundError(ObslakeError):
    """A path to load does not exist or cannot be read."""


class SourceFormatError(ObslakeError):
    """A source does not have a form that the chosen reader understands."""


class SourceRowError(ObslakeError):
    """A load has more faulty rows than it tolerates; nothing was loaded."""


class AlreadyLoadedError(ObslakeError):
    """The content of a source was loaded before, with options that gave it another meaning."""


class RecordsSetAsideError(ObslakeError):
    """A load is complete except for records that were set aside."""

    exit_status = 3


class QuarantineError(ObslakeError):
    """The quarantine does not have the requested records."""


class SnapshotNotFoundError(ObslakeError):
    """The requested snapshot is not in the table's history."""


class CommitConflictError(ObslakeError):
    """Other processes changed a table before each attempt to commit."""


class DeleteFilesError(ObslakeError):
    """A table has delete files of another engine, which obslake cannot rewrite."""


class PartitionError(ObslakeError):
    """A table has a partition field that obslake cannot write; the table is unchanged."""


class RollbackError(ObslakeError):
    """The tables cannot be rolled back as requested; they are unchanged."""


class ForgetError(ObslakeError):
    """Rows cannot be forgotten as requested."""


class VerificationError(ObslakeError):
    """A lakehouse has faults."""


class ConfirmationError(ObslakeError):
    """A command that removes rows was not confirmed."""


class RewriteError(ObslakeError):
    """The files of a table cannot be rewritten; the table is unchanged."""


class QueryError(ObslakeError):
    """A user's query was refused or failed."""


class UnknownNameError(ObslakeError):
    """The marts do not have a data set, problem, run, environment or lineage of the requested name."""


class MissingExtraError(ObslakeError):
    """A command needs packages of an extra, which are not installed."""


class ExportError(ObslakeError):
    """A mart cannot be exported as requested."""


class BuildError(ObslakeError):
    """The marts cannot be built as requested."""


class ReportError(ObslakeError):
    """A report or a plot cannot be written as requested."""


class GateError(ObslakeError):
    """A gate cannot compare what it was asked to compare."""


class GateFailedError(ObslakeError):
    """A revision changed something that fails the gate."""

    exit_status = 3
