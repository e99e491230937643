"""Building the plugin from a checkout."""

import shutil
import zipfile
from pathlib import Path

import pytest
from flit_core import buildapi

CHECKOUT = Path(__file__).parents[2] / "loader" / "pytest_obslake"


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_a_build_leaves_nothing_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    build = {"wheel": buildapi.build_wheel, "editable": buildapi.build_editable}[kind]
    checkout = tmp_path / "checkout"
    shutil.copytree(CHECKOUT, checkout, ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(checkout.rglob("*"))
    monkeypatch.chdir(checkout)
    name = build(str(tmp_path))
    assert sorted(checkout.rglob("*")) == before
    with zipfile.ZipFile(tmp_path / name) as wheel:
        names = wheel.namelist()
        (points,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "obslake=pytest_obslake.plugin" in wheel.read(points).decode()
    if kind == "wheel":
        files = (checkout / "src" / "pytest_obslake").iterdir()
        assert {f"pytest_obslake/{file.name}" for file in files} <= set(names)
