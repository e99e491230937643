"""Read test reports without a lakehouse: fast enough to try hundreds per second."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

import duckdb
from obslake.load.sources.base import Options
from obslake.load.sources.files import open_sources
from obslake.load.sources.junit import JUnitReader

# `make fuzz` sets a higher number.
EXAMPLES = int(os.environ.get("OBSLAKE_FUZZ_EXAMPLES", "25"))


class Row(NamedTuple):
    """An observation."""

    run: str
    environment: str
    problem: str
    test: str
    attempt: int
    output: str
    kind: str
    observed_at: str


@dataclass(frozen=True)
class Staged:
    """The rows a load would append, and its warnings."""

    rows: list[Row]
    runs: dict[tuple[str, str], dict[str, Any]]
    warnings: list[str]

    def outputs(self, *columns: str) -> list[tuple[Any, ...]]:
        """Return test (or other columns) and output of each row, sorted."""
        names = columns or ("test",)
        return sorted((*(getattr(row, name) for name in names), row.output) for row in self.rows)


def stage_reports(
    folder: Path,
    reports: Mapping[str, str],
    *,
    environment: str = "default",
    modified_at: int | None = None,
    **options: Any,
) -> Staged:
    """Read reports, given by file name; a folder names the run."""
    paths = []
    for name, content in reports.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        if modified_at is not None:
            os.utime(path, (modified_at, modified_at))
        paths.append(str(path))
    pattern = "{run}/*" if all("/" in name for name in reports) else None
    reader = JUnitReader(path_pattern=pattern, **options)
    files = open_sources(paths, folder)
    context = Options(run="r", environment=environment)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        opened = reader.open(connection, files)
        assert opened.refused == {}
        staged = opened.stage(files, context)
        rows = connection.execute(
            "select run_id, environment_id, problem_id, test_id, attempt, output, response_kind, "
            "strftime(observed_at, '%Y-%m-%dT%H:%M:%S') from loaded_observations"
        ).fetchall()
        runs = connection.execute("from loaded_runs").to_arrow_table().to_pylist()
    return Staged(
        [Row(*row) for row in rows],
        {
            (run["run_id"], run["environment_id"]): run | {"attributes": dict(run["attributes"])}
            for run in runs
        },
        staged.warnings,
    )


def element(tag: str, inner: str = "", /, **attributes: str | int) -> str:
    """Return an element; a trailing underscore, as in `class_`, avoids Python keywords."""
    written = "".join(f" {k.strip('_')}={quoteattr(str(v))}" for k, v in attributes.items())
    return f"<{tag}{written}>{inner}</{tag}>"


def suite(name: str, inner: str = "", /, **attributes: str | int) -> str:
    """Return a suite of JUnit XML."""
    return element("testsuite", inner, name=name, **attributes)


def case(name: str, inner: str = "", /, **attributes: str | int) -> str:
    """Return a case of JUnit XML."""
    return element("testcase", inner, name=name, **attributes)


FAILED = '<failure message="no"/>'
