"""The recorder does not change the outcome of a suite."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from .conftest import SOURCE, steps

REPOSITORY = Path(__file__).parent.parent.parent

NASTY = """
import collections, ctypes, enum, functools, gc, logging, sys, threading, warnings, weakref, inspect, traceback

def echo(value): return value
def recurse(n): return 0 if n == 0 else 1 + recurse(n - 1)
def forever(): return forever()
def warn(): warnings.warn('careful', UserWarning, stacklevel=2)
MORE = {'stacklevel': 2} if sys.version_info >= (3, 11) else {}
def log(): logging.getLogger('subject').warning('logged', **MORE)
def caller(): return sys._getframe(1).f_code.co_name
def fail(items):
    items.append(9)
    try: {}['missing']
    except KeyError as error: raise ValueError('no') from error
def collect(value):
    del value
def frozen():
    raise FrozenError()
def nested_fail(): return fail([])
def apply(function, *args): return function(*args)

class FrozenError(Exception):
    def __setattr__(self, name, value): raise AttributeError(name)
class SilentError(Exception):
    def __str__(self): raise RuntimeError('no text')
class QuittingError(Exception):
    def __str__(self): raise SystemExit(3)
def silent(): raise SilentError()
def quitting(): raise QuittingError()

class Liar:
    __class__ = property(lambda self: int)
    def __repr__(self): raise RuntimeError('no repr')
    def __eq__(self, other): raise RuntimeError('no eq')
    def __hash__(self): raise RuntimeError('no hash')
    def __getattribute__(self, name): raise RuntimeError('no attribute ' + name)
    def __len__(self): raise RuntimeError('no len')
    def __bool__(self): raise RuntimeError('no bool')
    def __iter__(self): raise RuntimeError('no iter')
class Meta(type):
    def __hash__(cls): raise RuntimeError('no hash')
    def __eq__(cls, other): raise RuntimeError('no eq')
    def __getattribute__(cls, name):
        if name in ('__mro__', '__name__', '__qualname__', '__module__'): raise RuntimeError('no ' + name)
        return super().__getattribute__(name)
Strange = Meta('Strange', (), {})
class Weak:
    gone = 0
    def __del__(self): Weak.gone += 1
    def touch(self): return None
class SlottedWeak:
    __slots__ = ()
    gone = 0
    def __del__(self): SlottedWeak.gone += 1
    def touch(self): return None
class Number(int): pass
"""

NASTY_TESTS = """
import gc, inspect, json, os, sys, threading, traceback, unittest.mock, warnings, weakref
import pytest, subject
from subject import *

def test_liar(): echo(Liar()); echo([Liar()]); echo({'a': Liar()})
def test_strange(): echo(Strange); echo(object.__new__(Strange)); echo([object.__new__(Strange)])
def test_recursive():
    items = []; items.append(items); assert echo(items) is items
    deep = []
    for _ in range(100000): deep = [deep]
    echo(deep)
    while deep: deep = deep[0]
@pytest.mark.parametrize('n', [10, 300, 800, 900, 930])
def test_recursion(n): assert recurse(n) == n
def test_endless():
    with pytest.raises(RecursionError): forever()
    assert sys.getrecursionlimit() == LIMIT
LIMIT = sys.getrecursionlimit()
def test_warns(): warn()
def test_warns_again(): warn()
def test_logs(caplog):
    log()
    (record,) = caplog.records
    assert record.filename == ('test_it.py' if sys.version_info >= (3, 11) else 'subject.py')
def test_caller(): assert caller() == 'test_caller'
def test_fails(): fail([1])
def test_fails_inside(): apply(nested_fail)
def test_fails_far_inside(): apply(apply, apply, fail, [])
def test_type_error(): echo()
def test_frozen():
    with pytest.raises(FrozenError): frozen()
def test_silent():
    with pytest.raises(SilentError): silent()
    with pytest.raises(QuittingError): quitting()
def test_traceback():
    try: apply(nested_fail)
    except ValueError: text = traceback.format_exc()
    if sys.version_info >= (3, 11): assert text.count('File ') == 5, text
def test_weak():
    weak = Weak(); weak.touch(); reference = weakref.ref(weak); del weak; assert reference() is None
    slotted = SlottedWeak(); slotted.touch(); del slotted
    assert (Weak.gone, SlottedWeak.gone) == (1, 1)
def test_pickle():
    import pickle, copy
    assert pickle.loads(pickle.dumps(echo)) is echo
    assert type(pickle.loads(pickle.dumps(Number(3)))) is Number
    assert copy.copy(echo) is echo
def test_identity(): assert isinstance(Weak(), Weak); assert issubclass(Number, int); assert Number(2) + 1 == 3
def test_signature():
    assert str(inspect.signature(recurse)) == '(n)'
    assert inspect.getsource(recurse).startswith('def recurse(n)')
def test_mocks():
    with unittest.mock.patch('json.dumps', side_effect=RuntimeError) as dumps:
        echo({'a': 'text'})
        assert dumps.call_count == 0
    with unittest.mock.patch('os.write', side_effect=RuntimeError), unittest.mock.patch('os.fstat', None):
        echo(1)
    with unittest.mock.patch('time.perf_counter_ns', return_value=0), unittest.mock.patch('zlib.compressobj'):
        echo(1)
    with unittest.mock.patch('subject.echo', return_value=5): assert subject.echo(1) == 5
    mock = unittest.mock.create_autospec(recurse)
    with pytest.raises(TypeError): mock(1, 2)
def test_patched(monkeypatch):
    monkeypatch.setattr(Weak, 'touch', lambda self: 'patched'); assert Weak().touch() == 'patched'
def test_unpatched(): assert Weak().touch() is None
def test_skips(): pytest.skip('no')
@pytest.mark.xfail
def test_expected(): fail([])
@pytest.mark.xfail(strict=True)
def test_unexpected(): echo(1)
def test_compare():
    assert echo([1, 2]) == [1, 3]
def test_threads():
    threads = [threading.Thread(target=echo, args=(index,)) for index in range(8)]
    [thread.start() for thread in threads]; [thread.join() for thread in threads]
@pytest.fixture
def broken(): raise ValueError(echo('setup'))
def test_setup(broken): pass
@pytest.fixture
def closing(): yield; fail([])
def test_teardown(closing): pass
@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork')
@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_fork():
    child = os.fork()
    if child == 0:
        echo('child'); os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
def test_descriptors():
    open_now = {}
    for number in range(3, 64):
        try: open_now[number] = os.fstat(number)
        except OSError: pass
    echo(len([]))
def test_subclass():
    class Mine(Weak):
        def touch(self): return super().touch()
    Mine().touch()
"""


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--tb=native",),
        ("--tb=short", "-l"),
        ("-q", "-rA"),
        ("-W", "error::UserWarning"),
    ],
    ids=" ".join,
)
def test_nasty_objects_change_nothing(suite, arguments):
    suite.is_started = not arguments
    suite.write("subject.py", NASTY)
    suite.write("test_it.py", NASTY_TESTS)
    calls = suite.assert_same_outcome(*arguments)
    assert suite.exit_code == 1
    assert len(calls) > 40
    assert {test["outcome"] for test in suite.records("test")} == {
        "passed",
        "failed",
        "error",
        "skipped",
        "xfailed",
    }
    assert "could not" not in suite.output
    assert "not everything" not in suite.run("--obslake=records.jsonl", "--obslake-target=subject")


def test_nested_recording_changes_nothing_either(suite):
    suite.write("subject.py", NASTY)
    suite.write("test_it.py", NASTY_TESTS.replace("300, 800, 900, 930", "20, 30"))
    suite.assert_same_outcome("--obslake-nested")


def test_values_that_cannot_be_encoded_are_marked(suite):
    suite.write("subject.py", NASTY)
    suite.write(
        "test_it.py",
        "import subject, pytest\nfrom subject import echo\n"
        "def test():\n"
        "    items = []; items.append(items); echo(items); echo(object()); echo([object()]); echo({1, 2})\n"
        "    pytest.raises(subject.SilentError, subject.silent)\n"
        "    pytest.raises(subject.QuittingError, subject.quitting)\n",
    )
    assert [row[2:] for row in steps(suite.record())] == [
        ('["$N/A@list"]', "$N/A@list"),
        ('["$N/A@object"]', "$N/A@object"),
        ('["$N/A@object"]', "$N/A@object"),
        ('[{"$set":[1,2]}]', '{"$set":[1,2]}'),
        ("[]", "$EXCEPTION@subject.SilentError@"),
        ("[]", "$EXCEPTION@subject.QuittingError@"),
    ]


def test_functions_that_inspect_their_callers_see_no_other_frames(suite):
    suite.write("subject.py", NASTY)
    suite.write("test_it.py", "import subject\ndef test(): assert subject.caller() == 'test'")
    (call,) = suite.assert_same_outcome()
    assert call["output"] == '"test"'


def test_huge_values_are_recorded_as_a_hash(suite):
    suite.write(
        "subject.py", "def double(text): return text * 2\ndef refuse(text): raise ValueError(text)"
    )
    suite.write(
        "test_it.py",
        "import subject, pytest\n"
        "def test():\n    subject.double('x' * 40000); subject.double('é' * 17000)\n"
        "    pytest.raises(ValueError, subject.refuse, 'x' * 70000)\n",
    )
    one, two, three = steps(suite.record())
    assert one[2] == '["' + "x" * 40000 + '"]'
    assert one[3].startswith("$TRUNCATED@")
    assert two[3].startswith("$TRUNCATED@")
    assert three[2].startswith('["$TRUNCATED@')
    assert three[3].startswith("$EXCEPTION@ValueError@$TRUNCATED@")
    wider = suite.record("--obslake-max-bytes=200000")
    assert wider[0]["output"] == '"' + "x" * 80000 + '"'


def test_a_target_whose_tests_cannot_be_collected(suite):
    suite.write("subject.py", "def one(): return 1")
    suite.write("test_it.py", "import subject, missing\ndef test(): pass")
    suite.run()
    without = suite.exit_code
    suite.run("--obslake=records.jsonl", "--obslake-target=subject")
    assert suite.exit_code == without == 2


def test_collecting_only_records_nothing(suite):
    suite.write("subject.py", "def one(): return 1")
    suite.write("test_it.py", "def test(): pass")
    suite.run("--obslake=records.jsonl", "--obslake-target=subject", "--collect-only")
    assert not (suite.folder / "records.jsonl").exists()


def test_values_are_encoded_only_in_one_place():
    files = (REPOSITORY / "loader").rglob("*.py")
    encoders = [path for path in files if "def encode_value" in path.read_text(encoding="utf-8")]
    assert encoders == [SOURCE / "pytest_obslake" / "values.py"]


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.name)
def test_the_plugin_is_valid_python_3_9(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.name)
def test_the_plugin_imports_only_its_dependencies(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    library = getattr(sys, "stdlib_module_names", None)  # from Python 3.10 on
    if library:
        ours = {*library, "pytest", "pytest_obslake"}
        if path.name.startswith("instructions_"):
            ours.add("bytecode")  # a dependency before Python 3.12
        assert {name.partition(".")[0] for name in names} <= ours
