"""Texts that depend on the process, such as addresses and times."""

from __future__ import annotations

import pytest

from .conftest import Suite

START = "import datetime, os, tempfile, time, subject\n"


@pytest.fixture
def named(suite):
    suite.write(
        "subject.py",
        "def show(x): return x\ndef fail(x): raise ValueError(x)\nclass Box: pass\n"
        "def made(): return repr(object())\ndef late(): yield repr(object())\n",
    )
    return suite


def names(suite: Suite, text: str, *arguments: str) -> dict[str, tuple[int, int, int]]:
    """The numbers of answers, exceptions and inputs that depend on the process, by kind."""
    suite.write("test_it.py", START + text)
    suite.record(*arguments)
    (end,) = suite.records("end")
    assert end["failures"] == {}
    return {
        kind["kind"]: (kind["answers"], kind["exceptions"], kind["inputs"])
        for kind in end["names_the_process"]
    }


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("repr(object())", "an address"),
        ("[{'a': repr(subject.show)}]", "an address"),
        ("repr(subject.Box().__init__)", "an address"),
        ("repr(compile('0', 'name', 'eval'))", "an address"),
        ("repr((lambda: lambda: 0)())", "an address"),
        ("str(tmp_path / 'x')", "a temporary path"),
        ("tempfile.mktemp()", "a temporary path"),
        ("[tempfile.mkdtemp()]", "a temporary path"),
        ("'file://' + tempfile.mkdtemp() + '/a'", "a temporary path"),
        ("'cannot read ' + repr(str(tmp_path))", "a temporary path"),
        ("datetime.datetime.now()", "the time of the run"),
        ("str(datetime.datetime.now())", "the time of the run"),
        ("datetime.datetime.now().isoformat(timespec='minutes')", "the time of the run"),
        ("datetime.datetime.now(datetime.timezone.utc)", "the time of the run"),
        ("datetime.datetime.utcnow().isoformat() + 'Z'", "the time of the run"),
        (
            "datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=-9, minutes=-30))).isoformat()",
            "the time of the run",
        ),
        ("time.time()", "the time of the run"),
        ("int(time.time())", "the time of the run"),
        ("{'at': time.time_ns()}", "the time of the run"),
        ("f'id-{int(time.time() * 1000)}'", "the time of the run"),
    ],
)
def test_texts_that_depend_on_the_process(named, text, kind):
    test = f"def test(tmp_path): subject.show({text})\n"
    assert names(named, test) == {kind: (1, 0, 1)}
    assert f"1 answer names the process, by {kind} (such as show(x)); no rule" in named.output
    assert "no rule of equality masks this yet" in named.output
    assert (
        f"1 call receives values that name the process, by {kind} (such as show(x))\n"
        in named.output
    )


@pytest.mark.parametrize(
    "text",
    [
        "'at 0x7f, or 0x7f3a5c9d1e80'",
        "'jump at 0x10>'",
        "hex(0x7F3A5C9D1E80)",
        "'look at 0x7f3a5c9d1e80 bytes'",
        "'/tmp/config-of-nobody.ini'",
        "'http://host/tmp/' + os.listdir(tempfile.gettempdir())[0]",
        "tempfile.gettempdir()",
        "'2020-02-29T12:00:00'",
        "datetime.datetime(2020, 2, 29)",
        "datetime.datetime.now() - datetime.timedelta(days=3)",
        "datetime.datetime.now() + datetime.timedelta(days=3)",
        "datetime.datetime.now().strftime('%Y-%m-99T99:99:99')",
        "datetime.date.today()",
        "1234567890",
        "int(time.time()) - 4000",
        "int(time.time()) * 100",
        "f'{int(time.time())}5'",
        "f'x{int(time.time())}'",
        "'short'",
    ],
)
def test_texts_that_only_look_similar(named, text):
    assert names(named, f"def test(): subject.show({text})\n") == {}
    assert "process" not in named.output


def test_answers_of_every_kind(named):
    text = (
        "def test():\n"
        "    subject.made(); subject.made(); list(subject.late())\n"
        "    try: subject.fail(repr(object()))\n    except ValueError: pass\n"
    )
    assert names(named, text) == {"an address": (4, 1, 1)}
    assert "4 answers name the process, by an address (such as made()); no rule" in named.output
    assert "; exception_class does for the exception among them\n" in named.output
    (end,) = named.records("end")
    assert end["names_the_process"][0]["operations"] == ["made()", "late()", "fail(x)"]


def test_several_kinds(named):
    text = (
        "def test(tmp_path):\n    subject.show(str(tmp_path)); subject.made()\n"
        "    with subject.pytest.raises(ValueError): subject.fail(f'{tmp_path} {object()}')\n"
    )
    named.write("subject.py", (named.folder / "subject.py").read_text() + "import pytest\n")
    names(named, text)
    such_as = "2 by a temporary path (such as show(x)), 2 by an address (such as made())"
    assert f"3 answers name the process: {such_as};" in named.output
    text = "def test():\n    with subject.pytest.raises(ValueError): subject.fail(f'{object()}')\n"
    names(named, text)
    assert "; exception_class does for it, an exception\n" in named.output


def test_a_given_base_folder(named):
    text = "def test(tmp_path): subject.show(str(tmp_path)); subject.show('/elsewhere/tmp_path')\n"
    named.write("conftest.py", "")
    assert names(named, text, "--basetemp=kept") == {"a temporary path": (1, 0, 1)}


def test_a_frozen_clock(named):
    """A time set by the suite is the same in each run."""
    text = (
        "def test(monkeypatch):\n"
        "    monkeypatch.setattr(time, 'time', lambda: 1e9)\n"
        "    monkeypatch.setattr(os.environ, 'get', None)\n"
        "    subject.show(time.time()); subject.show(f'{datetime.datetime.fromtimestamp(1e9)}')\n"
    )
    assert names(named, text) == {}
