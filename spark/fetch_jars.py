"""Installs the Java libraries for S3-compatible stores where `spark.jars` finds them.

    python -m spark.fetch_jars

No package contains only these libraries. One has them, among many others, in its wheel: they are extracted from
the wheel, which is not installed.
"""

import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from spark.jars import STORE_JARS, JarError, store_folder

_REQUIREMENTS = Path(__file__).parent / "requirements-jars.txt"


def fetch(folder: Path) -> list[Path]:
    """Install the libraries into a folder, unless it has all of them; return those installed.

    Raises:
        JarError: the wheel is not available, or lacks a library.
    """
    if all((folder / name).exists() for name in STORE_JARS):
        return []
    with TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--require-hashes", "--only-binary", ":all:", "--dest", temporary]
        done = subprocess.run(
            [*command, "--requirement", str(_REQUIREMENTS)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise JarError(f"cannot download the wheel of {_REQUIREMENTS}: {done.stderr.strip()}")
        (wheel,) = Path(temporary).glob("*.whl")
        return unpack(wheel, folder)


def unpack(wheel: Path, folder: Path) -> list[Path]:
    """Extract the libraries of a wheel into a folder.

    Raises:
        JarError: the wheel lacks a library; nothing is extracted.
    """
    with zipfile.ZipFile(wheel) as archive:
        members = {Path(name).name: name for name in archive.namelist()}
        if missing := [name for name in STORE_JARS if name not in members]:
            raise JarError(f"{wheel.name} has no {', '.join(missing)}")
        folder.mkdir(parents=True, exist_ok=True)
        for name in STORE_JARS:
            # Atomically: existing files are not checked again.
            part = folder / f".{name}.part"
            part.write_bytes(archive.read(members[name]))
            part.replace(folder / name)
    return [folder / name for name in STORE_JARS]


def main() -> None:
    """Run the command line."""
    try:
        fetched = fetch(store_folder())
    except JarError as error:
        sys.exit(f"spark.fetch_jars: {error}")
    print(f"{len(fetched)} of {len(STORE_JARS)} libraries installed into {store_folder()}")


if __name__ == "__main__":
    main()
