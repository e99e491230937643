"""Reads test reports of CI systems: one observation per attempt at a test case, with a verdict as response."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from obslake.engine import quote_identifier, reason, run_sql_file, set_variables
from obslake.errors import SourceFormatError
from obslake.lakehouse.schemas import IMPLEMENTATIONS, OBSERVATIONS, RUNS, TESTS
from obslake.load.sources import SQL
from obslake.load.sources.base import Opened, Options, Reader, Staged, loaded
from obslake.load.sources.files import SourceFile
from obslake.load.sources.records import FileRecords, as_bytes
from obslake.load.sources.report_contents import Case, Naming, ReportSummary, Suite, shorten_name
from obslake.load.sources.report_options import COMMAND_OPTIONS, ReportOptions
from obslake.load.sources.reports import read_report
from obslake.load.sources.suite_names import short_path
from obslake.path_pattern import PLACEHOLDERS, PathPattern

_BATCH_ROWS = 10_000
_BATCH_CHARACTERS = 16 << 20

Value = str | int | None


class JUnitReader(Reader):
    """``obslake load junit``."""

    name = "junit"
    help = """Load test reports: JUnit XML, TRX, xUnit.net, NUnit 3 (gzip or not).

    Each case is a test, and its verdict is the response: passed, failed, error or skipped. Files that
    are not test reports are refused, and all of them are listed with their reasons.
    """
    example = (
        "obslake load junit build/test-results --revision 3f2a9c1 --run 4711 --environment linux\n"
        "obslake load junit ci --path-pattern 'ci/{run}/{environment}/{revision}/*.xml'"
    )
    options = COMMAND_OPTIONS
    suffixes = (".xml", ".trx")
    takes_run = True
    identity_keys = None
    reads_tables = False
    refuses_single_files = True

    def __init__(self, **settings: Any) -> None:
        """Read reports with these ``ReportOptions``.

        Raises:
            SourceFormatError: a pattern is not valid.
        """
        options = self._options = ReportOptions(**settings)
        self._naming = Naming(options.keep_names, options.environment_from)
        for option, pattern in (
            *(("--strip", pattern) for pattern in options.strip),
            *((("--test-name", options.test_name),) if options.test_name is not None else ()),
        ):
            _check_pattern(option, pattern)
        self._pattern = (
            PathPattern.parse(options.path_pattern, PLACEHOLDERS) if options.path_pattern else None
        )

    def settings(self) -> dict[str, Any]:
        """Return the options about the reports."""
        return asdict(self._options)

    def identity(self, file: SourceFile, options: Options) -> dict[str, object]:
        """Add the values in the path: reports of two runs may be identical."""
        return {**options.identity(), **self._options.said(), "path": self._values_in_path(file)}

    def open(self, connection: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]) -> Opened:
        """Read all reports into tables, and remove the rows of broken reports."""
        run_sql_file(connection, SQL / "junit_tables.sql")
        refused: dict[SourceFile, str] = {}
        for file_id, file in enumerate(files):
            rows = _Rows(connection, file_id)
            try:
                summary = read_report(file, rows, self._naming)
            except SourceFormatError as error:
                rows.remove()
                refused[file] = str(error)
            else:
                rows.file(file, summary, self._values_in_path(file), self._naming)
                rows.flush()
        # The tables have no rows of refused files, so `_stage` need not know the other files.
        return Opened(refused, lambda _, options: self._stage(connection, options))

    def _stage(self, connection: duckdb.DuckDBPyConnection, options: Options) -> Staged:
        """Create the views of ``sql/junit.sql`` on the tables of reports."""
        run_sql_file(connection, SQL / "protocol.sql")
        run_sql_file(connection, SQL / "zones.sql")
        run_sql_file(connection, SQL / "moments.sql")
        set_variables(
            connection,
            {
                "data_set": options.data_set,
                "environment": options.environment,
                "run": options.run,
                "implementation": self._options.implementation,
                "revision": self._options.revision,
                "lineage": self._options.lineage,
                "problem": self._options.problem,
                "repeats": self._options.repeats,
                "environment_from": self._options.environment_from,
                "strip": "|".join(f"(?:{pattern})" for pattern in self._options.strip) or None,
                "test_name": self._options.test_name,
            },
        )
        run_sql_file(connection, SQL / "junit.sql")
        warnings = connection.execute("select warning from junit_warnings order by 1").fetchall()
        return Staged(
            views=loaded(IMPLEMENTATIONS, TESTS, RUNS, OBSERVATIONS),
            warnings=[warning for (warning,) in warnings],
            advice_on_repeats="tell the files apart with --path-pattern, or load them with different --run",
        )

    def write_records(self, records: FileRecords, path: Path) -> list[SourceFile]:
        """Write a report unchanged; each report is one record."""
        ((n, record, form),) = records.connection.execute(
            f"select n, record, record_form from {records.those()}"
        ).fetchall()
        path.write_bytes(as_bytes(record, form))
        return [records.written(path, "csv", [(None, n)])]

    def _values_in_path(self, file: SourceFile) -> dict[str, str]:
        if self._pattern is None:
            return {}
        values = self._pattern.match(Path(file.name))
        if values is None:
            raise SourceFormatError(
                f"{file.name}: its path does not match --path-pattern {self._pattern.text}"
            )
        return values


def _check_pattern(option: str, pattern: str) -> None:
    """Check that DuckDB accepts a regular expression, because its RE2 does the search.

    Raises:
        SourceFormatError: the regular expression is not valid.
    """
    with duckdb.connect() as connection:
        try:
            connection.execute("select regexp_matches('', ?)", [pattern])
        except duckdb.Error as error:
            raise SourceFormatError(
                f"{option} {pattern!r}: not a valid regular expression (RE2): {reason(error)}"
            ) from error


@dataclass
class _Table:
    """Rows that have not been written to the database yet."""

    columns: tuple[str, ...]
    rows: list[tuple[Value, ...]] = field(default_factory=list)
    characters: int = 0


class _Rows:
    """Writes the rows of one report to tables, in batches of bounded size."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file_id: int) -> None:
        self._connection = connection
        self._file_id = file_id
        self._position = 0
        self._tables = {
            name: _Table(tuple(column for column, _ in _columns(connection, name)))
            for name in (
                "report_files",
                "report_results",
                "report_suites",
                "report_properties",
                "report_classes",
            )
        }

    def case(self, case: Case) -> None:
        """Add one row per attempt."""
        self._position += 1
        for number, result in enumerate(case.results):
            self._add(
                "report_results",
                self._position,
                number,
                case.suite_number,
                int(case.is_outside),
                case.suite,
                case.group,
                case.any_suite,
                case.classname,
                case.name,
                case.file,
                case.file and short_path(case.file),
                case.reference,
                result.verdict,
                result.type,
                result.message,
                result.time and result.time[:100],
                result.timestamp and result.timestamp[:100],
                result.suite_timestamp and result.suite_timestamp[:100],
            )

    def suite(self, suite: Suite) -> None:
        """Add a suite when it ends."""
        self._add(
            "report_suites",
            suite.number,
            suite.written,
            suite.name,
            suite.project,
            *(label and shorten_name(label) for label in suite.labels),
            suite.unexplained,
            suite.missing,
        )

    def property(self, suite_number: int, suite: str, name: str, value: str) -> None:
        """Add a property of the context."""
        self._add("report_properties", suite_number, suite, name, value)

    def test_class(self, reference: str, classname: str) -> None:
        """Add the class of a test."""
        self._add("report_classes", reference, classname)

    def file(
        self, file: SourceFile, summary: ReportSummary, path_values: dict[str, str], naming: Naming
    ) -> None:
        """Add the report itself."""
        stem = Path(file.name).name
        for suffix in (".gz", ".zst", ".xml", ".trx"):
            stem = stem.removesuffix(suffix)
        self._add(
            "report_files",
            file.name,
            summary.format,
            summary.n_replaced,
            summary.n_cases,
            naming.steady(stem).name or None,
            shorten_name(stem),
            file.modified_at.isoformat(),
            *(path_values.get(placeholder) for placeholder in PLACEHOLDERS),
        )

    def flush(self) -> None:
        """Write all buffered rows."""
        for name, table in self._tables.items():
            if table.rows:
                types = pa.schema(_columns(self._connection, name))
                columns = [
                    pa.array(values, type_)
                    for values, type_ in zip(
                        zip(*table.rows, strict=True), types.types, strict=True
                    )
                ]
                arrow = pa.Table.from_arrays(columns, schema=types)
                self._connection.register("report_batch", arrow)
                self._connection.execute(
                    f"insert into {quote_identifier(name)} by name select * from report_batch"
                )
                self._connection.unregister("report_batch")
                table.rows.clear()
                table.characters = 0

    def remove(self) -> None:
        """Remove all rows of this report."""
        for name, table in self._tables.items():
            table.rows.clear()
            self._connection.execute(
                f"delete from {quote_identifier(name)} where file_id = ?", [self._file_id]
            )

    def _add(self, name: str, *values: Value) -> None:
        table = self._tables[name]
        table.rows.append((self._file_id, *values))
        table.characters += sum(len(value) for value in values if isinstance(value, str))
        if len(table.rows) >= _BATCH_ROWS or table.characters >= _BATCH_CHARACTERS:
            self.flush()


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, pa.DataType]]:
    """Return the columns of a table with the Arrow types of the rows to insert."""
    described = connection.table(table)
    return [
        (name, pa.int64() if str(type_) in ("INTEGER", "BIGINT") else pa.string())
        for name, type_ in zip(described.columns, described.types, strict=True)
    ]
