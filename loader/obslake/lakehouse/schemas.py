"""The Iceberg tables of a lakehouse, column by column.

Field ids are part of the storage format: never reuse or renumber them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyiceberg.schema import Schema
from pyiceberg.types import (
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    MapType,
    NestedField,
    PrimitiveType,
    StringType,
    TimestamptzType,
)

from obslake.lakehouse.home import NAMESPACE as NAMESPACE

RESPONSE_KINDS = (
    "value",
    "void",
    "instance",
    "exception",
    "verdict",
    "timeout",
    "crash",
    "not_serializable",
    "not_executed",
    "skipped",
    "other",
)

# Row groups of this many rows hold only a few problems each, so statistics prune well, and the dictionary
# pages of sorted key columns stay small.
#
# Files of this size on disk hold about four million observations. A corpus of 8.6 million is a few files, one
# problem is in one or two of them, and readers read few footers. Larger files would make compaction rewrite
# more rows that have not changed.
#
# The retries are for other writers; obslake retries its commits itself.
_PROPERTIES: Mapping[str, str] = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.parquet.compression-level": "3",
    "write.parquet.row-group-limit": "131072",
    "write.target-file-size-bytes": str(16 << 20),
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
    "commit.retry.num-retries": "10",
}

# Number of leading sort columns with full bounds in the manifests: by default bounds are cut off after 16
# characters, and all classes of one package look like one problem.
_FULL_BOUNDS = 2


@dataclass(frozen=True)
class TableDefinition:
    """One Iceberg table: its schema, the order its rows are written in, and its description."""

    name: str
    comment: str
    schema: Schema
    sort_columns: tuple[str, ...]

    @property
    def properties(self) -> dict[str, str]:
        """Iceberg table properties: layout and upkeep."""
        columns = self.sort_columns[:_FULL_BOUNDS]
        return {**_PROPERTIES, **{f"write.metadata.metrics.column.{c}": "full" for c in columns}}

    @property
    def column_names(self) -> list[str]:
        """Column names in storage order."""
        return [f.name for f in self.schema.fields]


_SQL_TYPES: Mapping[type[IcebergType], str] = {
    StringType: "varchar",
    IntegerType: "integer",
    LongType: "bigint",
    DoubleType: "double",
    TimestamptzType: "timestamptz",
    MapType: "map(varchar, varchar)",
}


def sql_type(type_: IcebergType) -> str:
    """Return the DuckDB type of a column."""
    return _SQL_TYPES[type(type_)]


def _schema(*columns: tuple[str, PrimitiveType | MapType, bool, str]) -> Schema:
    fields = [
        NestedField(field_id=i, name=name, field_type=type_, required=required, doc=doc)
        for i, (name, type_, required, doc) in enumerate(columns, start=1)
    ]
    return Schema(*fields)


_STRING = StringType()
_LOAD_ID = ("load_id", _STRING, True, "load that appended the row (UUIDv7, so ordered by time)")

OBSERVATIONS = TableDefinition(
    name="observations",
    comment="One row per actuation: a stimulus, its response and its context.",
    schema=_schema(
        ("data_set_id", _STRING, True, "data set the problem belongs to"),
        ("problem_id", _STRING, True, "functional abstraction that is implemented"),
        ("test_id", _STRING, True, "ordered sequence of stimuli"),
        ("step_id", IntegerType(), True, "0-based position of the stimulus in its test"),
        ("implementation_id", _STRING, True, "stimulated system; `oracle` is the specified oracle"),
        ("environment_id", _STRING, True, "where: matrix job, interpreter, platform"),
        ("run_id", _STRING, True, "one pipeline execution"),
        ("attempt", IntegerType(), True, "0, or the number of the retry in the run"),
        ("operation", _STRING, False, "signature of the operation that was called"),
        ("target", _STRING, False, "object or class it was called on"),
        ("inputs", _STRING, False, "JSON array with one element per argument"),
        ("output", _STRING, False, "response as recorded, in the response protocol"),
        ("response_kind", _STRING, True, "class of the response in the response protocol"),
        ("duration_ns", LongType(), False, "duration of the actuation in nanoseconds"),
        ("observed_at", TimestamptzType(), True, "when the stimulus was executed"),
        _LOAD_ID,
        ("test_content_hash", _STRING, False, "hash of the test's content, as it was executed"),
        ("alternative", _STRING, False, "one of several specified responses; null: the first"),
    ),
    sort_columns=(
        "data_set_id",
        "problem_id",
        "test_id",
        "step_id",
        "implementation_id",
        "environment_id",
        "run_id",
        "attempt",
    ),
)

# Rows of observations that share all of these are duplicates: only one of them counts. The sort order does not
# include the last column, which tables of earlier versions lack.
ACTUATION_KEYS = (*OBSERVATIONS.sort_columns, "alternative")

TESTS = TableDefinition(
    name="tests",
    comment="One row per description of a test by a load.",
    schema=_schema(
        ("data_set_id", _STRING, True, "data set the problem belongs to"),
        ("problem_id", _STRING, True, "problem the test stimulates"),
        ("test_id", _STRING, True, "ordered sequence of stimuli"),
        ("stimulus_sheet", _STRING, False, "the scenario as its producer wrote it"),
        ("interface", _STRING, False, "focal interface of the problem"),
        ("language", _STRING, False, "language the test is written in"),
        ("content_hash", _STRING, False, "hash of the test's content"),
        ("origin", _STRING, False, "where the test comes from: generator, suite, file"),
        _LOAD_ID,
    ),
    sort_columns=("data_set_id", "problem_id", "test_id"),
)

IMPLEMENTATIONS = TableDefinition(
    name="implementations",
    comment=(
        "One row per description of an implementation by a load. "
        "A row without implementation_id describes a whole system, with its variants and adapters."
    ),
    schema=_schema(
        ("data_set_id", _STRING, True, "data set the problem belongs to"),
        ("problem_id", _STRING, False, "problem that is implemented; null: any of the data set"),
        ("implementation_id", _STRING, False, "implementation; null: all of the system"),
        ("system", _STRING, False, "system that was stimulated"),
        ("variant", _STRING, False, "`original`, or the mutant"),
        ("adapter", _STRING, False, "how the interface was adapted"),
        ("lineage", _STRING, False, "library or branch with ordered revisions"),
        ("revision", _STRING, False, "version or commit inside the lineage"),
        ("revised_at", TimestamptzType(), False, "when the revision was made"),
        ("content", _STRING, False, "source code"),
        ("content_hash", _STRING, False, "hash of the source code"),
        ("language", _STRING, False, "programming language"),
        ("origin", _STRING, False, "model, package or person that made it"),
        ("licence", _STRING, False, "SPDX identifier of the licence"),
        _LOAD_ID,
    ),
    sort_columns=("data_set_id", "problem_id", "implementation_id"),
)

RUNS = TableDefinition(
    name="runs",
    comment="One row per description of a run in an environment by a load.",
    schema=_schema(
        ("data_set_id", _STRING, True, "data set the run belongs to"),
        ("run_id", _STRING, True, "one pipeline execution"),
        ("environment_id", _STRING, True, "where: matrix job, interpreter, platform"),
        ("source", _STRING, False, "tool that recorded the run"),
        ("started_at", TimestamptzType(), False, "when the run started"),
        ("git_commit", _STRING, False, "commit that was checked out"),
        ("git_branch", _STRING, False, "branch that was checked out"),
        ("pipeline", _STRING, False, "identifier of the pipeline execution in its CI system"),
        (
            "attributes",
            MapType(key_id=101, key_type=_STRING, value_id=102, value_type=_STRING),
            False,
            "further attributes of the context",
        ),
        _LOAD_ID,
    ),
    sort_columns=("data_set_id", "run_id", "environment_id"),
)

MEASUREMENTS = TableDefinition(
    name="measurements",
    comment="One row per measured metric of a subject: coverage, mutation, static metrics.",
    schema=_schema(
        ("data_set_id", _STRING, True, "data set the problem belongs to"),
        ("problem_id", _STRING, True, "problem the measurement belongs to"),
        ("subject_kind", _STRING, True, "implementation, system, test or problem"),
        ("subject_id", _STRING, True, "identifier of the subject"),
        ("scope", _STRING, False, "part of the subject or of the tests it was measured on"),
        ("environment_id", _STRING, False, "context: environment, if any"),
        ("run_id", _STRING, False, "context: run, if any"),
        ("metric", _STRING, True, "name of the metric, as its producer writes it"),
        ("value", DoubleType(), False, "numeric value"),
        ("value_text", _STRING, False, "value that is not a number"),
        ("unit", _STRING, False, "unit of the value"),
        ("measured_at", TimestamptzType(), False, "when it was measured"),
        _LOAD_ID,
    ),
    sort_columns=("data_set_id", "problem_id", "subject_kind", "subject_id", "metric"),
)

QUARANTINE = TableDefinition(
    name="quarantine",
    comment=(
        "One row per record that a load could not understand and has set aside. "
        "It includes records that a later load has read; `obslake quarantine` leaves these out."
    ),
    schema=_schema(
        ("file", _STRING, True, "file of the source, as the load named it"),
        ("position", LongType(), False, "row in the file, from 1; null: the whole file"),
        ("column_name", _STRING, False, "column at fault; null: the whole record"),
        ("reason", _STRING, True, "why the record was set aside"),
        ("record", _STRING, True, "the original record, in the form that record_form names"),
        (
            "record_form",
            _STRING,
            True,
            "`row`: a JSON object; `text`: its text; `base64`: its bytes",
        ),
        (
            "context",
            _STRING,
            False,
            "what is needed to read it: a header, the session of a recording",
        ),
        ("reader", _STRING, True, "reader of the source: `observations`, `lasso` and so on"),
        ("options", _STRING, True, "JSON object with the options of the load"),
        ("source_key", _STRING, True, "key of the source: a hash of its content and options"),
        ("file_time", TimestamptzType(), True, "when the file was last written"),
        ("set_aside_at", TimestamptzType(), True, "when the record was set aside"),
        _LOAD_ID,
        ("data_set_id", _STRING, False, "data set of the record; null: unknown"),
        ("problem_id", _STRING, False, "problem of the record; null: none or unknown"),
        ("run_id", _STRING, False, "run of the record; null: none or unknown"),
    ),
    sort_columns=("load_id", "file", "position"),
)

PINNED = TableDefinition(
    name="pinned",
    comment="What `obslake pin` makes visible to engines other than DuckDB, in rows of several kinds.",
    schema=_schema(
        (
            "kind",
            _STRING,
            True,
            "`table`: a snapshot; `hidden`: a load whose rows in a table are hidden; `load`: a visible load; "
            "`forgotten`: a deletion; `shown`: the snapshot of observations",
        ),
        ("table_name", _STRING, False, "table of the snapshot or of the hidden rows"),
        ("snapshot_id", LongType(), False, "visible snapshot; null: no rows are visible"),
        ("load_id", _STRING, False, "visible or hidden load"),
        ("revision", _STRING, False, "changes when rows of the load are deleted"),
        ("forget_id", _STRING, False, "`obslake forget` command that deleted rows"),
        ("data_set_id", _STRING, False, "data set of the deleted rows"),
        ("problem_id", _STRING, False, "problem of the deleted rows; null: any"),
        (
            "digest",
            _STRING,
            False,
            "hash of the visible loads and of the deletions among their rows",
        ),
    ),
    sort_columns=("kind", "table_name"),
)

# The tables that the marts are built from.
TABLES: tuple[TableDefinition, ...] = (IMPLEMENTATIONS, TESTS, RUNS, MEASUREMENTS, OBSERVATIONS)

# In the order of a load's commits: once its observations are visible, so are their descriptions.
ALL_TABLES: tuple[TableDefinition, ...] = (*TABLES[:-1], QUARANTINE, OBSERVATIONS)

# All tables that obslake writes, and that need upkeep.
KEPT_TABLES: tuple[TableDefinition, ...] = (*ALL_TABLES, PINNED)
