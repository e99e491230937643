"""Tests, attempts, workers, files and contexts."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import zlib

import pytest

from .conftest import steps

needs_xdist = pytest.mark.skipif(not importlib.util.find_spec("xdist"), reason="no pytest-xdist")
needs_reruns = pytest.mark.skipif(
    not importlib.util.find_spec("pytest_rerunfailures"), reason="no pytest-rerunfailures"
)


@pytest.fixture
def ones(suite):
    """A suite of two tests that call one function."""
    suite.write("subject.py", "def one(x=0): return x")
    suite.write(
        "test_it.py", "import subject\ndef test_a(): subject.one(1)\ndef test_b(): subject.one(2)"
    )
    return suite


# -- tests


def test_fixtures_and_parameters(suite):
    suite.write("subject.py", "def one(x): return x")
    suite.write(
        "test_it.py",
        "import pytest, subject\n"
        "@pytest.fixture\ndef near(): subject.one('setup'); yield; subject.one('teardown')\n"
        "@pytest.fixture(scope='module')\ndef far(): subject.one('far'); yield; subject.one('far down')\n"
        "@pytest.mark.parametrize('x', [1, 'a'])\ndef test(x, far, near): subject.one(x)\n",
    )
    found = [
        (call["test_id"], call["step_id"], json.loads(call["output"])) for call in suite.record()
    ]
    assert found == [
        ("test_it.py::test[1]", 0, "far"),
        ("test_it.py::test[1]", 1, "setup"),
        ("test_it.py::test[1]", 2, 1),
        ("test_it.py::test[1]", 3, "teardown"),
        ("test_it.py::test[a]", 0, "setup"),
        ("test_it.py::test[a]", 1, "a"),
        ("test_it.py::test[a]", 2, "teardown"),
        ("test_it.py::test[a]", 3, "far down"),
    ]


def test_outcomes(suite):
    suite.write("subject.py", "def one(): return 1")
    suite.write(
        "test_it.py",
        "import pytest, unittest\n"
        "@pytest.fixture\ndef bad(): assert False\n"
        "@pytest.fixture\ndef late():\n    yield\n    assert False\n"
        "def test_passed(): pass\n"
        "def test_failed(): assert False\n"
        "def test_failed_late(late): assert False\n"
        "def test_error(bad): pass\n"
        "def test_error_late(late): pass\n"
        "def test_skipped(): pytest.skip('x')\n"
        "@pytest.mark.skip\ndef test_skipped_before(): pass\n"
        "@pytest.mark.xfail\ndef test_xfailed(): assert False\n"
        "@pytest.mark.xfail\ndef test_xpassed(): pass\n"
        "class Case(unittest.TestCase):\n"
        "    def test_passed(self): pass\n    def test_failed(self): self.fail('x')\n",
    )
    suite.record()
    assert len(suite.records("test")) == 11
    for record in suite.records("test"):
        assert record["outcome"] in record["test_id"].rpartition("::")[2]


def test_threads_belong_to_the_test(suite):
    suite.write("subject.py", "def one(x): return x")
    suite.write(
        "test_it.py",
        "import subject\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "def test():\n    with ThreadPoolExecutor(8) as pool: list(pool.map(subject.one, range(200)))\n",
    )
    calls = suite.record()
    assert [call["step_id"] for call in calls] == list(range(200))
    assert sorted(int(call["output"]) for call in calls) == list(range(200))


@needs_reruns
def test_reruns_are_attempts(suite):
    suite.plugins = ["pytest_rerunfailures"]
    suite.write("subject.py", "COUNT = []\ndef one(): COUNT.append(1); return len(COUNT)")
    suite.write("test_it.py", "import subject\ndef test(): assert subject.one() == 3")
    calls = suite.record("--reruns=5")
    assert suite.exit_code == 0
    assert [(call["attempt"], call["step_id"], call["output"]) for call in calls] == [
        (0, 0, "1"),
        (1, 0, "2"),
        (2, 0, "3"),
    ]
    assert [(test["attempt"], test["outcome"]) for test in suite.records("test")] == [
        (0, "rerun"),
        (1, "rerun"),
        (2, "passed"),
    ]


@needs_xdist
def test_workers_write_a_file_each_and_share_the_run(ones):
    ones.is_started = True
    ones.plugins = ["xdist.plugin"]
    ones.run("-n2", "--dist=each", "--obslake=out/records.jsonl.gz", "--obslake-target=subject")
    files = sorted(path.name for path in (ones.folder / "out").iterdir())
    assert files == ["records.gw0.jsonl.gz", "records.gw1.jsonl.gz"]
    sessions = [ones.records("session", f"out/{file}")[0] for file in files]
    assert len({session["run_id"] for session in sessions}) == 1
    assert [session["attributes"]["worker"] for session in sessions] == ["gw0", "gw1"]
    assert [len(ones.calls(f"out/{file}")) for file in files] == [2, 2]
    assert ones.output.count("2 calls in 2 tests recorded in") == 2


@needs_xdist
def test_no_workers_write_the_file_itself(ones):
    ones.plugins = ["xdist.plugin"]
    assert len(ones.record("-n0")) == 2


# -- files


def test_gzip_by_suffix(ones):
    ones.run("--obslake=records.jsonl.gz", "--obslake-target=subject")
    assert len(ones.calls("records.jsonl.gz")) == 2


@pytest.mark.parametrize("file", ["records.jsonl", "records.jsonl.gz"])
@pytest.mark.skipif(not hasattr(os, "kill"), reason="no signals")
@pytest.mark.parametrize("end", ["os._exit(7)", "os.kill(os.getpid(), 9)"])
def test_a_crash_keeps_the_written_lines_and_writes_no_end(suite, file, end):
    suite.is_started = file == "records.jsonl"
    suite.write("subject.py", f"import os\ndef one(x): return x\ndef die():\n    one(2)\n    {end}")
    suite.write(
        "test_it.py",
        "import subject\ndef test_a(): subject.one(1)\ndef test_b(): subject.one(2); subject.die()",
    )
    suite.run(f"--obslake={file}", "--obslake-target=subject")
    data = (suite.folder / file).read_bytes()
    if file.endswith(".gz"):
        data = zlib.decompressobj(31).decompress(data)
    records = [json.loads(line) for line in data.decode().splitlines()]
    kinds = ["session", "start", "call", "test", "start", "call"]
    assert [record["record"] for record in records] == kinds


@pytest.mark.skipif(os.name != "posix", reason="written line by line")
@pytest.mark.parametrize("end", ["pass", "os._exit(7)", "os.kill(os.getpid(), 9)"])
def test_many_lines_are_all_written(suite, end):
    suite.is_started = True
    suite.write("subject.py", "def one(x): return 'é' * x\n")
    suite.write(
        "test_it.py",
        "import os, subject\n"
        "def test_a():\n    for n in range(5000): subject.one(n % 50)\n"
        "def test_b():\n"
        "    for n in range(5000): subject.one(n % 50)\n"
        f"    subject.one(20000)\n    {end}\n"
        "    subject.one(0)\n",
    )
    suite.run("--obslake=records.jsonl", "--obslake-target=subject")
    text = (suite.folder / "records.jsonl").read_bytes().decode()
    # After a crash, the preallocated space is left as zeros, which do not form a line.
    lines, rest = text.rsplit("\n", 1)
    assert set(rest) <= ({"\0"} if end != "pass" else set())
    calls = [r for r in map(json.loads, lines.split("\n")) if r["record"] == "call"]
    n_calls = 10_001 + (end == "pass")
    assert [call["step_id"] for call in calls] == [*range(5000), *range(n_calls - 5000)]


@pytest.mark.skipif(os.name != "posix", reason="no limit of files")
def test_a_disk_that_becomes_full_fails_no_test_and_keeps_complete_lines(suite):
    suite.is_started = True
    suite.write("subject.py", "def one(x): return x\n")
    suite.write(
        "test_it.py",
        "import resource, subject\n"
        "def test_a():\n"
        "    limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, limits[1]))\n"
        "    for n in range(5000): subject.one(n)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, limits)\n"
        "def test_b(): pass\n",
    )
    suite.run("--obslake=records.jsonl", "--obslake-target=subject")
    assert suite.exit_code == 0
    assert "File too large" in suite.output
    data = (suite.folder / "records.jsonl").read_bytes()
    assert b"\0" not in data
    assert 550_000 < len(data) <= 600_000
    assert all(json.loads(line) for line in data.splitlines()[:-1])


def test_a_forked_child_writes_nothing(suite):
    suite.is_started = True
    suite.write("subject.py", "def one(x): return x")
    suite.write(
        "test_it.py",
        "import os, pytest, subject\n"
        "def test():\n"
        "    if not hasattr(os, 'fork'): pytest.skip('no fork')\n"
        "    child = os.fork()\n"
        "    if child == 0:\n        subject.one('child'); os._exit(0)\n"
        "    os.waitpid(child, 0); subject.one('parent')\n",
    )
    assert [call["output"] for call in suite.record("-W", "ignore")] == ['"parent"']


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_does_not_change_the_mapped_file(suite):
    suite.is_started = True
    suite.write("subject.py", "def one(x): return x")
    suite.write(
        "test_it.py",
        "import os, subject\n"
        "def calls(x):\n    for _ in range(3000): subject.one(x)\n"
        "def test_a():\n"
        "    calls(1)\n"
        "    child = os.fork()\n"
        "    if child == 0:\n        calls('child'); os._exit(0)\n"
        "    calls(2); os.waitpid(child, 0); calls(3)\n"
        "def test_b():\n"
        "    calls(4)\n"
        "    global child; child = os.fork()\n"
        "    if child == 0: return calls('child')  # goes on with the suite, up to its end\n"
        "    os.waitpid(child, 0); calls(5)\n"
        "def test_c():\n    calls(6 if child else 'child')\n",
    )
    calls = suite.record("-W", "ignore", "-s")
    assert suite.exit_code == 0
    assert [call["output"] for call in calls] == [str(n) for n in range(1, 7) for _ in range(3000)]
    assert b"\0" not in (suite.folder / "records.jsonl").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be removed")
@pytest.mark.parametrize("file", ["records.jsonl", "records.jsonl.gz"])
@pytest.mark.parametrize("how", ["", "link"])
def test_a_suite_that_runs_another_one_with_the_same_file(suite, file, how):
    suite.is_started = True
    suite.plugins = ["pytester"]
    suite.write("subject.py", "def one(x): return x")
    suite.write("inner.py", "import subject\ndef test():\n    for n in range(9): subject.one(n)")
    suite.write(
        "test_it.py",
        "import subprocess, subject, sys\n"
        "def test():\n"
        "    for n in range(3000): subject.one(n)\n"
        "    inner = [sys.executable, '-m', 'pytest', '-ppytest_obslake.plugin', 'inner.py']\n"
        "    done = subprocess.run(inner, capture_output=True, text=True)\n"
        "    assert (done.returncode, '9 calls' in done.stdout) == (0, True), done.stdout\n"
        "    for n in range(3000): subject.one(n)\n"
        "def test_fails(): assert subject.one(1) == 2\n",
    )
    (suite.folder / file).write_text("older" * 9)
    if how == "link":
        (suite.folder / file).rename(suite.folder / "there")
        (suite.folder / file).symlink_to("there")
    suite.environment["PYTEST_ADDOPTS"] = f"--obslake={file} --obslake-target=subject"
    suite.run("test_it.py")
    assert suite.exit_code == 1
    assert "1 failed, 1 passed" in suite.output
    assert ("another process has replaced the file" in suite.output) == (not how)
    if not how:
        assert len(suite.calls(file)) == 9


def test_an_older_file_is_replaced(ones):
    ones.write("records.jsonl", "older " * 10_000)
    (ones.folder / "records.jsonl").chmod(0o600)
    os.link(ones.folder / "records.jsonl", ones.folder / "kept")
    assert len(ones.record()) == 2
    assert (ones.folder / "records.jsonl").stat().st_mode & 0o777 == 0o600
    assert (ones.folder / "kept").read_text() == "older " * 10_000
    assert "not everything" not in ones.output


def test_a_file_removed_by_the_suite_is_reported(ones):
    ones.write("test_it.py", "import os, subject\ndef test(): os.remove('records.jsonl')")
    output = ones.run("--obslake=records.jsonl", "--obslake-target=subject")
    assert ones.exit_code == 0
    assert "not everything was recorded: the suite, or another process, has removed the" in output


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_fails_no_test(ones):
    without = ones.outcome()
    assert ones.outcome("--obslake=/dev/full", "--obslake-target=subject") == without
    output = ones.run("--obslake=/dev/full", "--obslake-target=subject")
    assert output.count("not everything was recorded: OSError") == 1
    assert "No space left on device" in output


def test_a_file_that_cannot_be_created_fails_no_test(ones):
    output = ones.run("--obslake=test_it.py/records.jsonl", "--obslake-target=subject")
    assert ones.exit_code == 0
    assert output.count("not everything was recorded") == 1


@pytest.mark.parametrize("reopen", ["", "open('other.txt', 'w'); "])
def test_a_suite_that_closes_the_file_fails_no_test_and_loses_no_file_of_its_own(ones, reopen):
    ones.write(
        "test_it.py",
        "import os, subject\n"
        "def test_a():\n"
        "    path = os.path.realpath('records.jsonl')\n"
        "    for number in range(3, 64):\n"
        "        try: same = os.path.sameopenfile(number, os.open(path, os.O_RDONLY))\n"
        "        except OSError: continue\n"
        "        if same: os.close(number); break\n"
        f"    global other; {'other = ' + reopen if reopen else ''}subject.one(1)\n"
        "def test_b(): subject.one(2)\n",
    )
    output = ones.run("--obslake=records.jsonl", "--obslake-target=subject")
    assert ones.exit_code == 0
    assert output.count("not everything was recorded") == 1
    if reopen:
        assert (ones.folder / "other.txt").read_text() == ""


# -- context


def session(suite, *arguments: str) -> dict:
    suite.record(*arguments)
    return suite.records("session")[0]


def test_the_session_s_fields(ones):
    found = session(ones)
    assert list(found) == [
        "record",
        "format",
        "tool",
        "data_set_id",
        "problem_id",
        "implementation_id",
        "system",
        "lineage",
        "revision",
        "environment_id",
        "run_id",
        "started_at",
        "git_commit",
        "git_branch",
        "pipeline",
        "attributes",
    ]
    assert found["format"] == 1
    assert found["problem_id"] == found["implementation_id"] == found["lineage"] == "subject"
    assert (
        found["git_commit"]
        is found["pipeline"]
        is found["revision"]
        is found["data_set_id"]
        is None
    )
    assert all(isinstance(value, str) for value in found["attributes"].values())
    assert session(ones)["run_id"] != found["run_id"]


def test_options_take_precedence(ones):
    found = session(
        ones,
        "--obslake-problem=p",
        "--obslake-data-set=d",
        "--obslake-implementation=i",
        "--obslake-lineage=l",
        "--obslake-revision=r",
        "--obslake-environment=e",
        "--obslake-run=n",
    )
    names = "problem_id data_set_id implementation_id lineage revision environment_id run_id"
    assert [found[name] for name in names.split()] == list("pdilren")
    assert session(ones, "--obslake-revision=2.0")["implementation_id"] == "subject@2.0"


def test_an_installed_distribution_names_the_implementation(ones):
    ones.write("wrong_name/__init__.py", "")
    ones.write(
        "right-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: The-Right\nVersion: 1.2\n"
    )
    ones.write("right-1.2.dist-info/RECORD", "subject.py,,\nright-1.2.dist-info/METADATA,,\n")
    ones.environment["PYTHONPATH"] = os.pathsep.join([str(ones.folder), str(_source())])
    found = session(ones)
    assert [found[name] for name in ("implementation_id", "system", "lineage", "revision")] == [
        "The-Right@1.2",
        "The-Right",
        "The-Right",
        "1.2",
    ]


def _source():
    from .conftest import SOURCE

    return SOURCE


def test_git_names_commit_and_branch(ones):
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=ones.folder, capture_output=True, check=True, text=True
        ).stdout

    try:
        git("init", "-q", "-b", "trunk")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git")
    git("add", "subject.py")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD").strip()
    found = session(ones)
    assert (found["git_commit"], found["git_branch"]) == (commit, "trunk")
    assert (found["implementation_id"], found["revision"]) == (f"subject@{commit}", commit)


def test_without_git(ones):
    ones.environment["PATH"] = str(ones.folder)
    assert session(ones)["git_commit"] is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_SHA": "abc",
                "GITHUB_REF_NAME": "7/merge",
                "GITHUB_HEAD_REF": "topic",
                "GITHUB_RUN_ID": "42",
                "GITHUB_RUN_ATTEMPT": "2",
            },
            ("github", "42", "github-42-2", "abc", "topic"),
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_COMMIT_SHA": "abc",
                "CI_COMMIT_REF_NAME": "main",
                "CI_PIPELINE_ID": "5",
                "CI_JOB_ID": "6",
            },
            ("gitlab", "5", "gitlab-5-6", "abc", "main"),
        ),
        (
            {
                "BUILDKITE": "true",
                "BUILDKITE_COMMIT": "abc",
                "BUILDKITE_BRANCH": "main",
                "BUILDKITE_BUILD_ID": "b",
                "BUILDKITE_RETRY_COUNT": "1",
            },
            ("buildkite", "b", "buildkite-b-1", "abc", "main"),
        ),
        (
            {
                "JENKINS_URL": "x",
                "GIT_COMMIT": "abc",
                "GIT_BRANCH": "origin/main",
                "BUILD_TAG": "jenkins-job-3",
            },
            ("jenkins", "jenkins-job-3", "jenkins-jenkins-job-3", "abc", "origin/main"),
        ),
    ],
    ids=lambda value: "",
)
def test_pipelines(ones, variables, expected):
    ones.environment.update(variables)
    found = session(ones)
    service = found["attributes"]["ci"]
    names = ("pipeline", "run_id", "git_commit", "git_branch")
    assert (service, *(found[name] for name in names)) == expected
    assert session(ones, "--obslake-run=mine")["run_id"] == "mine"


def test_a_summary_is_printed_at_the_end(ones):
    assert len(steps(ones.record())) == 2
    assert f"obslake: 2 calls in 2 tests recorded in {ones.folder / 'records.jsonl'}" in ones.output


def test_a_gzip_file_is_complete(ones):
    ones.run("--obslake=records.gz", "--obslake-target=subject")
    with gzip.open(ones.folder / "records.gz") as file:
        assert file.read().endswith(b"}\n")
