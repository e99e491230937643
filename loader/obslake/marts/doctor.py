"""What the installation and the lakehouse are like, and what to do about it: ``obslake doctor``."""

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import duckdb
from packaging.requirements import Requirement

from obslake import engine
from obslake.engine import EXTENSIONS, lock_holder, quote_literal
from obslake.errors import NoLakehouseError, ObslakeError
from obslake.lakehouse.home import MARTS_FILE, home_folder
from obslake.lakehouse.system_errors import system_error
from obslake.marts.project import find_project, own_project
from obslake.marts.remembered import last_build, published, tables_of
from obslake.version import __version__

# Packages whose versions decide what obslake does; the others are checked, and named only if they do not fit.
_NAMED = ("dbt-core", "dbt-duckdb", "duckdb", "pyiceberg", "pyarrow")


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        name: the subject of the check.
        found: what there is.
        is_fault: whether commands fail because of it.
        to_do: what to do about it; empty: nothing.
    """

    name: str
    found: str
    is_fault: bool = False
    to_do: str = ""


def examine(home: str | None, project: str | None) -> Iterator[Finding]:
    """Check the installation, then the lakehouse; a check that fails is a finding of its own.

    Args:
        home: folder of the lakehouse; None: as for every command.
        project: folder of the dbt project; None: ``find_project`` chooses.
    """
    folder = home_folder(home)
    checks: Sequence[tuple[str, Callable[[], Iterator[Finding]]]] = (
        ("obslake", _package),
        ("packages", _packages),
        ("extensions", _extensions),
        ("dbt project", lambda: _project(project)),
        ("lakehouse", lambda: _lakehouse(folder)),
        ("marts", lambda: _marts(folder)),
    )
    for name, check in checks:
        try:
            yield from check()
        except Exception as error:
            known = system_error(error, folder)
            text = str(known or error) or type(error).__name__
            found, _, to_do = text.partition("\n")
            yield Finding(name, found, is_fault=True, to_do=to_do.strip())


def _package() -> Iterator[Finding]:
    place = Path(__file__).parents[1]
    yield Finding("obslake", f"{__version__}, in {place}")
    yield Finding("Python", f"{platform.python_version()}, {platform.platform(terse=True)}")


def _packages() -> Iterator[Finding]:
    needed = [Requirement(line) for line in requires("obslake") or ()]
    for each in sorted(needed, key=lambda each: each.name):
        if each.marker and not each.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(each.name)
        except PackageNotFoundError:
            found = "missing"
        if found == "missing" or not each.specifier.contains(found, prereleases=True):
            wanted = f"{each.name}{each.specifier}"
            to_do = f"install it: pip install '{wanted}'"
            yield Finding(each.name, found, is_fault=True, to_do=to_do)
        elif each.name in _NAMED:
            yield Finding(each.name, found)


def _extensions() -> Iterator[Finding]:
    with duckdb.connect() as connection:
        for name in EXTENSIONS:
            try:
                engine.load_extensions(connection, [name])
            except (ImportError, StopIteration, duckdb.Error) as error:
                package = f"duckdb-extension-{name}=={duckdb.__version__}"
                found = engine.reason(error) if isinstance(error, duckdb.Error) else "missing"
                to_do = f"install the version of DuckDB: pip install '{package}'"
                yield Finding(f"extension {name}", found, is_fault=True, to_do=to_do)
            else:
                found = f"{version(f'duckdb-extension-{name}')}, loads without the network"
                yield Finding(f"extension {name}", found)


def _project(project: str | None) -> Iterator[Finding]:
    found = find_project(project)
    whose = "of obslake" if found == own_project() else "your own"
    yield Finding("dbt project", f"{found}, {whose}")


def _lakehouse(home: Path) -> Iterator[Finding]:
    from obslake.lakehouse.catalog import Lakehouse
    from obslake.lakehouse.visible import visible_at

    try:
        lakehouse = Lakehouse.open(home)
    except NoLakehouseError as error:
        if (home / "catalog.db").exists():
            raise
        yield Finding("lakehouse", str(error).partition("\n")[0], to_do="obslake init, or load")
        return
    lakehouse.locations()
    loads = len(visible_at(lakehouse).state.loads)
    found = f"{home}, the catalog answers, {loads:,} load{'' if loads == 1 else 's'}"
    yield Finding("lakehouse", found, to_do="" if loads else "load something: obslake load --help")


def _marts(home: Path) -> Iterator[Finding]:
    marts = home / MARTS_FILE
    if not marts.exists():
        yield Finding("marts", "not built yet", to_do="obslake build, after a load")
        return
    with engine.connect(with_iceberg=False) as connection:
        try:
            connection.execute(f"attach {quote_literal(str(marts))} as marts (read_only)")
        except duckdb.Error as error:
            holder = lock_holder(error)
            found = f"{holder} has them open for writing" if holder else engine.reason(error)
            to_do = "wait until it ends" if holder else "build them again: obslake build"
            yield Finding("marts", found, is_fault=True, to_do=to_do)
            return
    moment = datetime.fromtimestamp(marts.stat().st_mtime, UTC)
    age = f"built {_ago(datetime.now(UTC) - moment)}, at {moment:%Y-%m-%d %H:%M} UTC"
    try:
        tables = tables_of(home)
    except ObslakeError:
        # The check of the lakehouse has said why.
        yield Finding("marts", age)
        return
    last = last_build(home)
    if last is None or last.marts != published(home):
        yield Finding(
            "marts", f"{age}, not by obslake build", to_do="obslake build says whether they are new"
        )
    elif last.tables != tables:
        yield Finding("marts", f"{age}, before the last load", to_do="obslake build")
    else:
        yield Finding("marts", f"{age}, from all loads")


def _ago(age: timedelta) -> str:
    """Return an age in the largest unit of which it has at least two."""
    seconds = max(int(age.total_seconds()), 0)
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return "just now"
