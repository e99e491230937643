"""Spark is configured with PyIceberg's settings of the catalog and the store."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from obslake.errors import NoLakehouseError, ObslakeError

from spark.configure import catalog_settings, settings, write
from tests.conftest import configure_catalog
from tests.spark.running import SparkWorkspace

SQLITE = {"type": "sql", "uri": "sqlite:////x.db", "warehouse": "file:///w"}
POSTGRES = {
    "type": "sql",
    "uri": "postgresql+psycopg2://me:p%5Cw@db:5433/lake?sslmode=verify-full&sslrootcert=/ca.pem",
    "warehouse": "s3n://b/w",
}


def test_settings_of_a_database() -> None:
    found = catalog_settings(POSTGRES)
    assert found["uri"] == (
        "jdbc:postgresql://db:5433/lake?sslmode=verify-full&sslrootcert=%2Fca.pem"
    )
    assert (found["jdbc.user"], found["jdbc.password"]) == ("me", "p\\w")


@pytest.mark.parametrize("style", ["s3", "client"])
def test_settings_of_a_store(style: str) -> None:
    properties = {
        f"{style}.access-key-id": "key",
        f"{style}.secret-access-key": "secret",
        f"{style}.region": "eu-1",
        "s3.endpoint": "https://store:8333",
    }
    found = catalog_settings(POSTGRES | properties)
    assert {name: found[name] for name in found if "s3." in name or "client." in name} == {
        "s3.client-factory-impl": "org.apache.iceberg.aws.s3.DefaultS3FileIOAwsClientFactory",
        "http-client.type": "urlconnection",
        "s3.access-key-id": "key",
        "s3.secret-access-key": "secret",
        "client.region": "eu-1",
        "s3.endpoint": "https://store:8333",
        "s3.path-style-access": "true",
    }
    virtual = catalog_settings(POSTGRES | properties | {"s3.force-virtual-addressing": "true"})
    assert virtual["s3.path-style-access"] == "false"
    assert not [name for name in catalog_settings(SQLITE | properties) if "s3." in name]


@pytest.mark.parametrize(
    ("properties", "what"),
    [
        ({"type": "rest", "uri": "http://catalog"}, "catalogs of type rest"),
        (SQLITE | {"uri": "mysql://db/lake"}, "catalogs in mysql"),
        (SQLITE | {"uri": "postgresql://db/lake?gssencmode=require"}, "the option 'gssencmode'"),
        (SQLITE | {"warehouse": "gs://b/w"}, "stores of gs://"),
    ],
)
def test_unknown_settings_are_refused(properties: dict[str, str], what: str) -> None:
    with pytest.raises(ObslakeError, match=f"{what}.* cannot be translated"):
        catalog_settings(properties)


def test_the_driver_is_bound_to_loopback_for_local_executors_only(tmp_path: Path) -> None:
    here = settings(SQLITE, "local-cluster[2,1,2048]", tmp_path)
    assert here["spark.driver.host"] == "127.0.0.1"
    elsewhere = settings(SQLITE, "spark://cluster:7077", tmp_path)
    assert here.keys() - elsewhere.keys() == {"spark.driver.host", "spark.driver.bindAddress"}


def test_passwords_are_escaped_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = SparkWorkspace(tmp_path)
    with pytest.raises(NoLakehouseError, match="there is no lakehouse at"):
        write(tmp_path / "conf", str(workspace.home), "local[1]")
    # Spark's own driver reads the file.
    secret = "=a\\b ${env:HOME}"
    configure_catalog(
        monkeypatch,
        type="sql",
        uri=f"sqlite:///{tmp_path / 'catalog.db'}",
        warehouse="s3://b/w",
        s3__secret_access_key=secret,
        s3__access_key_id="key",
    )
    old = tmp_path / "conf" / "spark-defaults.conf"
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_text("")
    old.chmod(0o644)
    workspace.configure("local[1]")
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    name = "spark.sql.catalog.obslake.s3.secret-access-key"
    ask = (
        "from pyspark import SparkConf, SparkContext; SparkContext._ensure_initialized(); "
        f"print(SparkConf().get({name!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env=workspace.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{secret}\n"
    assert sorted(path.name for path in old.parent.iterdir() if path.name.startswith(".")) == []
