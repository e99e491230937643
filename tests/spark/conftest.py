"""Fixtures: a catalog and a store that several machines can share."""

from collections.abc import Iterator

import pytest

from tests.conftest import configure_catalog
from tests.faults import postgres
from tests.spark import seaweed
from tests.spark.running import SparkWorkspace
from tests.spark.seaweed import BUCKET, REGION, Store


@pytest.fixture
def store() -> Iterator[Store]:
    """An S3-compatible store."""
    with seaweed.running() as found:
        yield found


@pytest.fixture
def database() -> Iterator[str]:
    """The address of a database of PostgreSQL."""
    with postgres.running() as found:
        yield found


@pytest.fixture
def shared(
    tmp_path_factory: pytest.TempPathFactory,
    store: Store,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> SparkWorkspace:
    """A lakehouse whose folder has only the marts of DuckDB. Only the environment names its catalog and store."""
    configure_catalog(
        monkeypatch,
        type="sql",
        uri=database,
        warehouse=f"s3://{BUCKET}/warehouse",
        s3__endpoint=store.endpoint,
        s3__access_key_id=store.key_id,
        s3__secret_access_key=store.secret,
        s3__region=REGION,
    )
    workspace = SparkWorkspace(tmp_path_factory.mktemp("shared"))
    # The keys of the user and of the machine are not used.
    monkeypatch.setenv("HOME", str(workspace.folder))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return workspace
