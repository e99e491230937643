"""The distributions, and an environment in which nothing but the wheel of obslake is installed."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.commands import PROJECT
from tests.harness.shared import SharedFolders

PLUGIN = PROJECT / "loader" / "pytest_obslake"

# An arbitrary moment: archives have it instead of the times of files.
EPOCH = "1700000000"


def build_distributions(folder: Path, *projects: Path) -> None:
    """Build source archives, and wheels from these, as `make dist` does."""
    for project in projects:
        python(
            *("-m", "build", "--no-isolation", "--outdir", str(folder), str(project)),
            environment={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
        )


def python(*arguments: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Environment:
    """An environment of Python into which the wheel was installed."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def site_packages(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    @property
    def package(self) -> Path:
        return self.site_packages / "obslake"

    def run(
        self, *command: str, cwd: Path, check: bool = True, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program of the environment; nothing of the clone is on a path."""
        done = subprocess.run(
            command,
            cwd=cwd,
            env={
                "PATH": f"{self.bin}{os.pathsep}{os.defpath}",
                "HOME": str(cwd),
                # As in an installation that may be read-only.
                "PYTHONDONTWRITEBYTECODE": "1",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="session")
def distributions(shared_folders: SharedFolders) -> Path:
    """The folder with the wheels and source archives of obslake and its plugin."""
    return shared_folders.built(
        "distributions", lambda folder: build_distributions(folder, PROJECT, PLUGIN)
    )


@pytest.fixture(scope="session")
def installed(shared_folders: SharedFolders, distributions: Path) -> Environment:
    """An environment with the wheel of obslake; no test may write to it."""
    return Environment(
        shared_folders.built("installed", lambda folder: install(folder, distributions))
    )


def install(folder: Path, distributions: Path) -> None:
    """Install the wheel, and lend the environment the dependencies of this one."""
    python("-m", "venv", "--without-pip", str(folder))
    environment = Environment(folder)
    (wheel,) = distributions.glob("obslake-*.whl")
    options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    at = ("--python", str(environment.bin / "python"))
    python("-m", "pip", *at, "install", *options, str(wheel))
    # Python does not follow the .pth files there, so it does not find the clone.
    lent = [path for path in sys.path if path.endswith("site-packages")]
    (environment.site_packages / "dependencies.pth").write_text("\n".join(lent))
    dbt = environment.bin / "dbt"
    dbt.write_text(f"#!{environment.bin / 'python'}\nfrom dbt.cli.main import cli\n\ncli()\n")
    dbt.chmod(0o755)
