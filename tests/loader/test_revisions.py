"""``obslake load revisions``: the order of revisions, from rows or from a git repository."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obslake.errors import SourceFormatError, SourceNotFoundError
from obslake.load.sources.git_dates import revision_dates

from tests.harness.lake import Lake, observation

START = datetime(2024, 1, 1, tzinfo=UTC)


class Repository:
    """A git repository whose commits have times of the test's choice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, days: float = 0) -> str:
        identity = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (
                ("NAME", "n"),
                ("EMAIL", "e@example.org"),
                ("DATE", (START + timedelta(days=days)).isoformat()),
            )
        }
        # Without the user's own configuration.
        nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **identity, **nowhere},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def commit(self, days: float, parents: list[str] | None = None) -> str:
        """Commit an empty tree; return its hash."""
        tree = self.git("hash-object", "-t", "tree", "-w", os.devnull)
        given = [word for parent in parents or [] for word in ("-p", parent)]
        return self.git("commit-tree", tree, *given, "-m", f"day {days}", days=days)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def load_revisions(lake: Lake, *revisions: str, lineage: str = "main") -> None:
    """Load one implementation per revision."""
    rows = [observation(implementation_id=f"i {r}") for r in revisions]
    described = [
        {"problem_id": "p", "implementation_id": f"i {r}", "lineage": lineage, "revision": r}
        for r in revisions
    ]
    lake.load("observations", lake.jsonl("o.jsonl", rows))
    lake.load("implementations", lake.jsonl("i.jsonl", described))


def stored(lake: Lake) -> dict[str, datetime]:
    """Return the dates of revisions themselves."""
    columns = ("revision", "revised_at", "implementation_id", "problem_id", "lineage")
    rows = [row for row in lake.rows("implementations", *columns) if row[2] is None]
    assert {row[3:] for row in rows} <= {(None, "main")}
    return {revision: date.astimezone(UTC) for revision, date, *_ in rows}


def test_rows_describe_revisions_of_all_problems(lake: Lake) -> None:
    path = lake.folder / "r.csv"
    path.write_text("lineage,revision,revised_at,problem_id\nmain,1.0,2024-01-02,p\n")
    report = lake.load("revisions", path, "--data-set", "mine")
    assert report["rows"] == {"implementations": 1}
    assert report["warnings"] == ["column problem_id is not part of revisions: left out"]
    assert stored(lake) == {"1.0": START + timedelta(days=1)}
    assert lake.row("implementations")["data_set_id"] == "mine"
    assert lake.load("revisions", path, "--data-set", "mine")["rows"] == {}


def test_the_lineage_can_be_an_option(lake: Lake) -> None:
    path = lake.folder / "r.csv"
    path.write_text("revision,revised_at\n1.0,2024-01-01\n")
    assert "no column lineage, which revisions need" in lake.refused("revisions", path)
    lake.load("revisions", path, "--lineage", "main")
    assert stored(lake) == {"1.0": START}


def test_a_revision_without_a_date_is_refused(lake: Lake) -> None:
    path = lake.folder / "r.csv"
    path.write_text("lineage,revision,revised_at\nmain,1.0,\n")
    assert "revised_at" in lake.refused("revisions", path)


def test_without_a_source_nothing_is_loaded(lake: Lake) -> None:
    assert lake.refused("revisions").startswith("name the files to load")


def test_dates_come_from_a_repository(lake: Lake, repository: Repository) -> None:
    """Whatever a revision is called: hash, abbreviated hash, tag, or description of a commit."""
    commits = [repository.commit(1)]
    for days in (2, 3, 4):
        commits.append(repository.commit(days, commits[-1:]))
    repository.git("tag", "v1", commits[0])
    repository.git("tag", "-a", "v2", "-m", "annotated", commits[1])
    names = ["v1", "v2", commits[2][:9], repository.git("describe", commits[3])]
    load_revisions(lake, *names, commits[3])
    report = lake.load("revisions", "--git", repository.folder, "--lineage", "main")
    assert report["warnings"] == []
    assert report["sources"] == [f"git repository {repository.folder}"]
    dated = zip([*names, commits[3]], (1, 2, 3, 4, 4), strict=True)
    assert stored(lake) == {name: START + timedelta(days=n) for name, n in dated}


def test_only_new_revisions_are_loaded_later(lake: Lake, repository: Repository) -> None:
    first = repository.commit(1)
    load_revisions(lake, first)
    lake.load("revisions", "--git", repository.folder, "--lineage", "main")
    again = lake.load("revisions", "--git", repository.folder, "--lineage", "main")
    assert again["load_id"] is None
    assert again["warnings"] == [f"{repository.folder}: all revisions of main have these dates"]
    second = repository.commit(2, [first])
    load_revisions(lake, second)
    report = lake.load("revisions", "--git", repository.folder, "--lineage", "main")
    assert report["rows"] == {"implementations": 1}


def test_revisions_that_the_repository_does_not_have_are_named(
    lake: Lake, repository: Repository
) -> None:
    """Branches move, and short numbers are those of builds, even if the hash of a commit begins with them."""
    commit = repository.commit(1)
    repository.git("update-ref", "refs/heads/main", commit)
    repository.git("update-ref", "refs/heads/1234567", commit)
    strange = ["main", "--all", "two words", "v9", "HEAD~0", f"{commit}^{{tree}}", "v1..v2"]
    strange += ["HEAD", commit[:4], "refs/heads/main", "1234567"]
    load_revisions(lake, commit, *strange)
    report = lake.load("revisions", "--git", repository.folder, "--lineage", "main")
    assert stored(lake).keys() == {commit}
    assert report["warnings"] == [
        f"{repository.folder}: the repository has no commit or tag for 11 of 12 revisions of main, "
        f"whose places do not change: {', '.join(sorted(strange)[:5])}, …"
    ]


def test_dates_are_restored_from_a_repository(
    lake: Lake, repository: Repository, tmp_path: Path
) -> None:
    """Whether they were changed for the revision, or for an implementation of it, and how often."""
    commit = repository.commit(1)
    load_revisions(lake, commit)
    git = ("--git", repository.folder, "--lineage", "main")
    lake.load("revisions", *git)
    rows = {
        "revisions": f"lineage,revision,revised_at\nmain,{commit},2001-01-01\n",
        "implementations": f"problem_id,implementation_id,revised_at\np,i {commit},2002-01-01\n",
    }
    for n in range(2):
        for kind, text in rows.items():
            path = tmp_path / f"{kind}-{n}.csv"
            path.write_text(text + "\n" * n)
            lake.load(kind, path)
            assert lake.load("revisions", *git)["rows"] == {"implementations": 1}
            assert lake.load("revisions", *git)["load_id"] is None


def test_what_cannot_be_read_is_refused(
    lake: Lake, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = ("--git", repository.folder)
    assert "data set default has no revisions" in lake.refused("revisions", *git, "--lineage=main")
    load_revisions(lake, "v1")
    assert lake.refused("revisions", *git).startswith("--git needs --lineage")
    message = lake.refused("revisions", *git, "--lineage=man")
    assert "lineages with revisions: main of data set default" in message
    no_repository = tmp_path / "empty"
    no_repository.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    message = lake.refused("revisions", "--git", no_repository, "--lineage=main")
    assert "git cannot read it" in message
    monkeypatch.setenv("PATH", str(no_repository))
    with pytest.raises(SourceNotFoundError, match="git, which is not installed"):
        revision_dates(repository.folder, {"v1"})


def test_a_shallow_clone_is_refused(repository: Repository, tmp_path: Path) -> None:
    last = repository.commit(2, [repository.commit(1)])
    repository.git("update-ref", "refs/heads/main", last)
    shallow = tmp_path / "shallow"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(shallow))
    with pytest.raises(SourceFormatError, match="shallow"):
        revision_dates(shallow, {last})


@settings(max_examples=15, deadline=None)
@given(
    history=st.lists(
        st.tuples(st.integers(0, 3), st.sets(st.integers(0, 7), max_size=2)), min_size=1, max_size=8
    )
)
def test_dates_follow_the_history(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[int, set[int]]]
) -> None:
    """Whatever the clocks said: a commit is later than its parents, and its date never changes later."""
    repository = Repository(tmp_path_factory.mktemp("history") / "repository")
    commits: list[str] = []
    parents: dict[str, list[str]] = {}
    alone: dict[str, datetime] = {}
    for number, (days, places) in enumerate(history):
        above = [commits[place] for place in sorted(places) if place < number]
        # The same commit twice would be one.
        commit = repository.commit(days + number / 1e5, above)
        commits.append(commit)
        parents[commit] = above
        alone[commit] = revision_dates(repository.folder, {commit})[commit]
    dates = revision_dates(repository.folder, commits)
    assert dates == alone
    for commit, above in parents.items():
        own = datetime.fromtimestamp(
            int(repository.git("show", "-s", "--format=%ct", commit)), tz=UTC
        )
        assert dates[commit] >= own
        assert all(dates[parent] < dates[commit] for parent in above)
