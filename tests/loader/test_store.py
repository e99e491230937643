"""Tables in an object store: access for DuckDB and dbt, and errors of a store that does not answer."""

import socket
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from obslake import engine
from obslake.errors import QueryError, StoreError
from obslake.lakehouse import store
from obslake.lakehouse.moved import local_path
from obslake.lakehouse.schemas import ALL_TABLES, OBSERVATIONS
from obslake.lakehouse.snapshots import data_files_query
from obslake.lakehouse.store import configure_store, store_options
from obslake.lakehouse.system_errors import system_error
from obslake.lakehouse.views import create_source_views
from pyiceberg.catalog.sql import SqlCatalog

from tests.conftest import configure_catalog
from tests.harness.commands import PROJECT
from tests.harness.lake import Lake, observation
from tests.harness.workspace import Workspace

KEYS = {"s3.access-key-id": "me", "s3.secret-access-key": "it's", "s3.region": "eu-1"}
SECRETS = "select name, scope, secret_string from duckdb_secrets() order by name"


@pytest.mark.parametrize(
    ("properties", "options"),
    [
        ({}, {}),
        ({"uri": "sqlite://", "warehouse": "s3://b/w"}, {}),
        (KEYS, {"key_id": "me", "secret": "it's", "region": "eu-1"}),
        (
            {"client.access-key-id": "c", "client.secret-access-key": "d", "client.region": "r"},
            {"key_id": "c", "secret": "d", "region": "r"},
        ),
        (
            {"s3.session-token": "t", "client.session-token": "u", "s3.access-key-id": ""},
            {"session_token": "t"},
        ),
        (
            {"s3.endpoint": "http://store:8333/"},
            {"endpoint": "store:8333", "use_ssl": "false", "url_style": "path"},
        ),
        (
            {"s3.endpoint": "https://store", "s3.force-virtual-addressing": "true"},
            {"endpoint": "store", "use_ssl": "true", "url_style": "vhost"},
        ),
        (
            {"s3.endpoint": "store:443"},
            {"endpoint": "store:443", "use_ssl": "true", "url_style": "path"},
        ),
    ],
)
def test_options(properties: dict[str, str], options: dict[str, str]) -> None:
    assert store_options(properties) == options


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n"])
def test_duckdb_has_the_access_of_pyiceberg(lake: Lake, scheme: str) -> None:
    table = lake.open().table(OBSERVATIONS)
    table.metadata = table.metadata.model_copy(update={"location": f"{scheme}://b/[w]/o/"})
    with engine.connect(with_iceberg=False) as connection:
        configure_store(connection, table)
        assert connection.execute(SECRETS).fetchall() == []
        table.io.properties = {**KEYS, "s3.endpoint": "http://store:8333"}
        # Repetition does not matter.
        configure_store(connection, table)
        configure_store(connection, table)
        ((name, scope, secret),) = connection.execute(SECRETS).fetchall()
        assert name == "obslake.obslake.observations"
        assert sorted(scope) == [f"{scheme}://b/[[]w]/o/", f"{scheme}://b/[w]/o/"]
        for part in ("endpoint=store:8333", "secret=redacted", "url_style=path", "use_ssl=false"):
            assert part in secret
        ((kept,),) = connection.execute("select persistent from duckdb_secrets()").fetchall()
        assert not kept
        # The secret applies to nothing else in the store.
        found = connection.execute("from which_secret('s3://b/other/o/x', 's3')").fetchall()
        assert found == []


def test_without_keys_duckdb_uses_its_own_secrets(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret without keys would take precedence over those of the user."""
    table = lake.open().table(OBSERVATIONS)
    table.metadata = table.metadata.model_copy(update={"location": "s3://b/o"})
    table.io.properties = {"s3.endpoint": "http://store:8333", "s3.region": "eu-1"}
    with engine.connect() as connection:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
        configure_store(connection, table)
        assert connection.execute(SECRETS).fetchall() == []
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
        configure_store(connection, table)
        assert len(connection.execute(SECRETS).fetchall()) == 1


def test_local_files_need_no_secret(lake: Lake) -> None:
    table = lake.open().table(OBSERVATIONS)
    table.io.properties = dict(KEYS)
    with engine.connect() as connection:
        configure_store(connection, table)
        assert connection.execute(SECRETS).fetchall() == []


def test_duckdb_has_access_to_everything_it_reads(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "STORE_SCHEMES", ("file",))
    lakehouse = lake.open()
    lakehouse.catalog.properties.update(KEYS)
    with engine.connect() as connection:
        create_source_views(lakehouse, connection)
        assert {name.split(".")[-1] for name, *_ in connection.execute(SECRETS).fetchall()} == {
            definition.name for definition in ALL_TABLES if lakehouse.has(definition)
        }
    with engine.connect() as connection:
        data_files_query(connection, lakehouse.table(OBSERVATIONS))
        assert len(connection.execute(SECRETS).fetchall()) == 1


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("file:///a/b c/%20#", "/a/b c/%20#"),
        ("file:/a/b c/%20#", "/a/b c/%20#"),
        ("/a/file:/b", "/a/file:/b"),
        ("file:///file:/b", "/file:/b"),
        ("file:a", "file:a"),
    ],
)
def test_paths_of_addresses(location: str, path: str) -> None:
    assert local_path(location) == Path(path)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Iterator[str]:
    """The address of a store that does not answer, configured for the catalog of all processes."""
    with socket.socket() as nobody:
        # Bound but not listening: no other process can use the port.
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        configure_catalog(
            monkeypatch,
            type="sql",
            uri=f"sqlite:///{workspace.folder / 'catalog.db'}",
            warehouse="s3://bucket/warehouse",
            s3__endpoint=f"http://{address}",
            s3__access_key_id="me",
            s3__secret_access_key="secret",
            s3__region="eu-1",
        )
        yield address


@pytest.mark.parametrize("command", [("init",), ("load", "observations", "-")])
def test_a_store_that_does_not_answer(
    workspace: Workspace, silent: str, command: tuple[str, ...]
) -> None:
    done = workspace.run("obslake", *command, stdin=b'{"problem_id": "p"}')
    assert done.returncode == 1
    assert done.stdout == ""
    first, *advice = done.stderr.splitlines()
    assert first.startswith("obslake: the object store refused the request or did not respond: ")
    assert silent.split(":")[1] in first
    assert advice == [
        "  run the command again: the tables are intact, and the next run completes the work"
    ]


def tables_in_store(workspace: Workspace) -> None:
    """Create a catalog with tables whose metadata cannot be read."""
    catalog = SqlCatalog(
        "obslake",
        uri=f"sqlite:///{workspace.folder / 'catalog.db'}",
        warehouse=f"file://{workspace.folder / 'before'}",
    )
    catalog.create_namespace("obslake")
    for definition in ALL_TABLES:
        catalog.create_table(("obslake", definition.name), definition.schema)
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql(
            "update iceberg_tables set metadata_location = 's3://bucket/observations/v.json'"
        )


def test_a_store_that_no_longer_answers(workspace: Workspace, silent: str) -> None:
    tables_in_store(workspace)
    for command in (["status"], ["compact"], ["verify"], ["sql", "from lake.observations"]):
        done = workspace.run("obslake", *command)
        assert done.returncode == 1, command
        assert "Traceback" not in done.stderr
        assert "NETWORK_CONNECTION" in done.stderr + done.stdout, command
    done = workspace.run("dbt", "run", cwd=PROJECT)
    assert done.returncode != 0
    assert "the object store refused the request or did not respond" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_errors_of_duckdb_about_a_store(silent: str) -> None:
    with engine.connect() as connection:
        connection.execute(
            f"create secret (type s3, key_id 'a', secret 'b', region 'r', endpoint '{silent}', "
            "use_ssl false, url_style 'path')"
        )
        with pytest.raises(duckdb.IOException) as refused:
            connection.execute("from read_parquet('s3://bucket/file.parquet')")
    found = system_error(refused.value, Path("home"))
    assert isinstance(found, StoreError)
    assert "\n\n" not in str(found)
    # An error in the user's own query is not translated.
    asked = QueryError("no such file")
    asked.__cause__ = refused.value
    assert system_error(asked, Path("home")) is None


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("AWS Error ACCESS_DENIED during HeadObject operation", True),
        ("AWS Error UNKNOWN (HTTP status 301) during HeadObject operation", True),
        ("AWS Error UNKNOWN (HTTP status 503) during HeadObject operation", False),
        ("AWS Error NETWORK_CONNECTION during HeadObject operation", False),
        ("HTTP GET error reading 's3://b/f' in region 'r' (HTTP 403 Forbidden)", True),
        ("HTTP GET error reading 's3://b/f' in region 'r' (HTTP 503 Slow Down)", False),
    ],
)
def test_refusals_of_a_store_are_told_from_outages(text: str, is_refused: bool) -> None:
    found = system_error(OSError(text), Path("home"))
    assert isinstance(found, StoreError)
    assert ("check the bucket, the keys" in str(found)) == is_refused


def test_wrong_configuration_is_not_reported_as_damage(
    workspace: Workspace, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables_in_store(workspace)
    configure_catalog(monkeypatch, s3__connect_timeout="soon")
    done = workspace.run("obslake", "status")
    assert done.returncode == 1
    first, *advice = done.stderr.splitlines()
    assert "soon" in first
    assert advice == ["  check the configuration of PyIceberg: docs/configuration.md"]


def test_dbt_is_refused_once(lake: Lake) -> None:
    """dbt connects again for every model."""
    # Takes seconds, which every worker would need to collect the tests.
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt_common.exceptions import DbtRuntimeError
    from obslake.dbt_plugin import Plugin

    lake.load("observations", lake.jsonl("o.jsonl", [observation()]))
    credentials = DuckDBCredentials(
        database="marts", schema="main", path=str(lake.home / "building/marts.duckdb")
    )
    config = {"home": str(lake.home), "as_of_snapshot": "1"}
    plugin = Plugin("obslake", config, credentials)
    plugin.update_connection_config(credentials, config)
    with (
        duckdb.connect() as connection,
        pytest.raises(DbtRuntimeError, match="has no snapshot 1") as refused,
    ):
        plugin.configure_connection(connection)
    with pytest.raises(DbtRuntimeError) as again:
        plugin.update_connection_config(credentials, config)
    assert again.value is refused.value
