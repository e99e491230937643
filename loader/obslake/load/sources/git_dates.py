"""When the revisions of a lineage were made, read from its git repository."""

import re
import subprocess
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from obslake.errors import SourceFormatError, SourceNotFoundError

# A hash, whole or abbreviated, alone or at the end of what `git describe` prints.
_HASH = re.compile(r"(.+-[0-9]+-g)?(?P<hash>[0-9a-fA-F]{7,64})")

# The least difference between the dates of a commit and its parents. Rebased commits often share a second.
_STEP = timedelta(microseconds=1)


def revision_dates(repository: Path, revisions: Collection[str]) -> dict[str, datetime]:
    """Return the dates of those revisions that the repository knows.

    A revision is the name of a commit: a hash, of which at least seven digits are given, a tag, or what
    ``git describe`` prints. Names that move, such as those of branches, are not looked up; shorter numbers are
    rather those of builds.

    The date is that of the committer, but later than those of the commit's parents, so that the order of dates
    is an order of the history even if clocks were wrong or commits were rebased. It depends on the ancestors of
    a commit only: later commits do not change it.

    Raises:
        SourceNotFoundError: git is not installed, or the folder is not a repository.
        SourceFormatError: the repository is shallow: the ancestors that dates depend on are missing.
    """
    if _git(repository, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise SourceFormatError(
            f"{repository}: a shallow clone has no history to take dates from\n"
            "  fetch the rest with `git fetch --unshallow`"
        )
    commits = _commits(repository, revisions)
    history = _git(
        repository,
        "rev-list",
        "--topo-order",
        "--reverse",
        "--parents",
        "--timestamp",
        "--stdin",
        stdin=set(commits.values()),
    )
    dates = _dates(line.split() for line in history.splitlines())
    return {revision: dates[commit] for revision, commit in commits.items()}


def _commits(repository: Path, revisions: Collection[str]) -> dict[str, str]:
    """Return the whole hashes of the commits that are named."""
    # Git reads a name with a blank, a line break or one of these characters as an expression.
    names = sorted(r for r in revisions if r and not set(r) & set(" \t\r\n\0~^:?*[\\@{}"))
    hashes = {name: match["hash"] for name in names if (match := _HASH.fullmatch(name))}
    asked = [(name, f"refs/tags/{name}", "") for name in names]
    asked += [(name, digits, digits) for name, digits in hashes.items()]
    checked = _git(
        repository,
        "cat-file",
        "--batch-check=%(objecttype) %(objectname)",
        stdin=[f"{what}^{{commit}}" for _, what, _ in asked],
    )
    found: dict[str, str] = {}
    for (name, _, digits), line in zip(asked, checked.splitlines(), strict=True):
        kind, commit, *_ = line.split()
        # A branch may have the digits of a hash as its name.
        if kind == "commit" and commit.startswith(digits.lower()):
            found.setdefault(name, commit)
    return found


def _dates(history: Iterable[list[str]]) -> dict[str, datetime]:
    """Return the dates of commits, each given with its time and its parents, parents first."""
    dates: dict[str, datetime] = {}
    for seconds, commit, *parents in history:
        own = datetime.fromtimestamp(int(seconds), tz=UTC)
        dates[commit] = max([own, *(dates[parent] + _STEP for parent in parents)])
    return dates


def _git(repository: Path, *arguments: str, stdin: Iterable[str] = ()) -> str:
    """Return the output of a git command that changes nothing."""
    lines = "".join(f"{line}\n" for line in stdin)
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(repository), *arguments],  # noqa: S607
            input=lines,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except FileNotFoundError as error:
        raise SourceNotFoundError("--git needs the program git, which is not installed") from error
    if done.returncode:
        raise SourceNotFoundError(f"{repository}: git cannot read it: {done.stderr.strip()}")
    return done.stdout
