"""Runs dbt in another process, which ends with its connections and its settings."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from obslake.errors import BuildError


def run_dbt_apart(arguments: Sequence[str], environment: Mapping[str, str], failure: str) -> None:
    """Run dbt without output.

    Args:
        arguments: the command of dbt and its options.
        environment: variables that differ from those of this process.
        failure: what has failed if dbt fails; its output follows.

    Raises:
        BuildError: dbt failed.
    """
    # -P: not modules of the working folder, which may be that of untrusted code.
    done = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()"),
            *("--quiet", "--no-use-colors", *arguments),
        ],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"{failure}\n{done.stdout.strip()}")
