"""Suites that inspect the recorded code see the same as without the recorder."""

from __future__ import annotations

import sys

import pytest

from .conftest import Suite, steps


def same(suite: Suite, subject: str, test: str, *arguments: str) -> list:
    """Run tests that must pass, with and without the recorder, and return the steps."""
    suite.write("subject.py", subject)
    suite.write("test_it.py", test)
    calls = suite.assert_same_outcome(*arguments)
    assert suite.exit_code == 0, suite.output
    return steps(calls)


# -- functions


def test_libraries_that_inspect_arguments(suite):
    found = same(
        suite,
        "import inspect\n"
        "def one(x): return x\n"
        "def two(x, y=1, *, z=2): return x + y + z\n"
        "def none(): return 0\n"
        "async def later(x): return x\n"
        "def items(n):\n    'Count.'\n    yield from range(n)\n"
        "def call(f, *values): return f(*values[:f.__code__.co_argcount])\n"
        "def fill(f, values): return f(**{n: values[n] for n in inspect.signature(f).parameters})\n",
        "import asyncio, inspect, types, subject\nfrom subject import *\n"
        "def test_arity():\n"
        "    assert [call(f, 3, 4) for f in (one, two, none)] == [3, 9, 0]\n"
        "    assert fill(two, {'x': 1, 'y': 2, 'z': 3}) == 6\n"
        "def test_views():\n"
        "    assert inspect.getfullargspec(two).kwonlyargs == ['z']\n"
        "    assert inspect.getcallargs(two, 1, z=4) == {'x': 1, 'y': 1, 'z': 4}\n"
        "    assert str(inspect.signature(two)) == '(x, y=1, *, z=2)'\n"
        "    assert inspect.getsource(one) == 'def one(x): return x\\n'\n"
        "    assert inspect.getsourcelines(items)[1] == 6 and inspect.getfile(one) == subject.__file__\n"
        "    assert inspect.unwrap(one) is one and not hasattr(one, '__wrapped__') and vars(one) == {}\n"
        "    assert inspect.isgeneratorfunction(items) and inspect.iscoroutinefunction(later)\n"
        "    assert not inspect.isgeneratorfunction(one) and asyncio.iscoroutinefunction(later)\n"
        "    assert items.__doc__ == 'Count.' == inspect.getdoc(items)\n"
        "    assert inspect.getclosurevars(fill).globals == {'inspect': inspect}\n"
        "    assert one.__code__.co_flags & inspect.CO_OPTIMIZED and two.__code__.co_varnames == ('x', 'y', 'z')\n"
        "    assert one.__code__ == one.__code__ and hash(one.__code__) == hash(one.__code__)\n"
        "    assert one.__code__ != none.__code__ and one.__code__.co_firstlineno == 2\n"
        "def test_frames():\n"
        "    g = items(2); assert g.gi_code is items.__code__ and next(g) == 0\n"
        "    assert inspect.getgeneratorlocals(g) == {'n': 2}\n"
        "    assert inspect.getgeneratorstate(g) == 'GEN_SUSPENDED'\n"
        "    c = later(1); assert inspect.getcoroutinelocals(c) == {'x': 1}; c.close()\n"
        "def test_copy():\n"
        "    twin = types.FunctionType(one.__code__, {}, 'twin'); assert twin(8) == 8\n"
        "def test_functions_that_share_code():\n"
        "    def make(k):\n        def inner(): return k\n        return inner\n"
        "    assert make(1).__code__ is make(2).__code__ and make(1)() == 1\n",
    )
    assert ("call(f, *values, *values)", None, '["$N/A@function",3,4]', "9") in found


def test_functions_with_shared_code_are_distinguished(suite):
    found = same(
        suite,
        "def adder(k):\n    def add(x): return x + k\n    return add\n"
        "plus_one = adder(1)\nplus_two = adder(2)\n_three = adder(3)\n",
        "import subject\nfrom subject import *\n"
        "def test():\n"
        "    assert plus_one.__code__ is plus_two.__code__ is subject._three.__code__\n"
        "    plus_one(1); plus_two(1); subject._three(1); adder(4)(1)\n",
    )
    assert [(row[0], row[3]) for row in found] == [
        ("plus_one(x)", "2"),
        ("plus_two(x)", "3"),
        ("adder(k)", "$N/A@function"),
    ]


def test_defaults_may_change(suite):
    found = same(
        suite,
        "def greet(name, greeting='hello', *, end='!'): return greeting + ' ' + name + end\n"
        "def count(n, step=1):\n    for i in range(0, n, step): yield i\n",
        "from unittest import mock\nimport subject\nfrom subject import count, greet\n"
        "def test(monkeypatch):\n"
        "    monkeypatch.setattr(greet, '__defaults__', ('bye',))\n"
        "    assert greet('Bo') == 'bye Bo!' and greet('Bo', 'hello') == 'hello Bo!'\n"
        "    with mock.patch.object(greet, '__kwdefaults__', {'end': '?'}):\n"
        "        assert greet('Bo', end='!') == 'bye Bo!' and greet('Bo') == 'bye Bo?'\n"
        "    monkeypatch.setattr(count, '__defaults__', (2,)); assert list(count(4)) == [0, 2]\n"
        "def test_as_it_is(): assert greet('Bo') == 'hello Bo!' == greet('Bo', 'hello', end='!')\n",
    )
    assert [row[2:] for row in found] == [
        ('["Bo"]', '"bye Bo!"'),
        ('["Bo","hello"]', '"hello Bo!"'),
        ('["Bo",{"$keyword":["end","!"]}]', '"bye Bo!"'),
        ('["Bo"]', '"bye Bo?"'),
        ("[4]", '{"$iterator":[0,2]}'),
        ('["Bo"]', '"hello Bo!"'),
        ('["Bo"]', '"hello Bo!"'),
    ]


def test_equal_calls_are_one_stimulus(suite):
    found = same(
        suite,
        "def f(a, b=1, c=2, *, d=3): pass\ndef only(a, b=1, c=2, /): pass\ndef zero(x=0.0, flag=False): pass\n",
        "from subject import *\n"
        "def test():\n"
        "    f(1); f(1, 1); f(a=1, b=1, d=3); f(1, c=5); f(1, 1, 5); f(1, 2, d=4); f(c=2, b=2, a=1)\n"
        "    only(1, 1, 5); zero(-0.0); zero(0.0); zero(0); zero(0.0, 0)\n",
    )
    assert [row[0] + " " + row[2] for row in found] == [
        "f(a) [1]",
        "f(a) [1]",
        "f(a) [1]",
        'f(a, c) [1,{"$keyword":["c",5]}]',
        'f(a, c) [1,{"$keyword":["c",5]}]',
        'f(a, b, d) [1,2,{"$keyword":["d",4]}]',
        "f(a, b) [1,2]",
        "only(a, b, c) [1,1,5]",
        "zero(x) [-0.0]",
        *(["zero() []"] if found[9][2] == "[]" else ["zero(x) [0.0]"]),
        "zero(x) [0]",
        'zero(flag) [{"$keyword":["flag",0]}]'
        if found[11][2].startswith('[{"$')
        else "zero(x, flag) [0.0,0]",
    ]


def test_pickles(suite):
    found = same(
        suite,
        "import functools\ndef square(x): return x * x\n"
        "def counted(n):\n    yield from range(n)\n"
        "@functools.lru_cache\ndef cube(x): return x ** 3\n"
        "class Box:\n    def __init__(self, n): self.n = n\n    def add(self, k): return self.n + k\n",
        "import copy, multiprocessing, pickle, pytest, subject\nfrom subject import *\n"
        "def test_by_reference():\n"
        "    assert pickle.loads(pickle.dumps(square)) is square is copy.deepcopy(square)\n"
        "    assert pickle.loads(pickle.dumps(cube))(2) == 8 and pickle.loads(pickle.dumps(Box(3).add))(4) == 7\n"
        "def test_processes():\n"
        "    for method in ('fork', 'spawn'):\n"
        "        with multiprocessing.get_context(method).Pool(1) as pool:\n"
        "            assert pool.map(square, [2, 3]) == [4, 9]\n"
        "@pytest.mark.parametrize('name', ['cloudpickle', 'dill'])\n"
        "def test_by_value(name, tmp_path):\n"
        "    import os, subprocess, sys\n"
        "    module = pytest.importorskip(name)\n"
        "    if name == 'cloudpickle': module.register_pickle_by_value(subject); more = {}\n"
        "    else: more = {'byref': False, 'recurse': True}\n"
        "    (tmp_path / 'p').write_bytes(module.dumps([square, counted], **more))\n"
        '    code = f\'import pickle, {name}; s, c = {name}.load(open("p", "rb")); print(s(3), list(c(2)))\'\n'
        "    out = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True,\n"
        "        env={'PYTHONPATH': os.path.dirname(subject.__file__)})\n"
        "    assert out.stdout == b'9 [0, 1]\\n', out.stderr\n",
        "-W",
        "ignore::DeprecationWarning",
    )
    assert ("add(k)", "$CUT@Box", "[4]", "7") in found


# -- classes

CLASSES = """
import abc, dataclasses, enum, typing
class Plain: pass
class Keyed:
    def __init_subclass__(cls, **more): cls.more = more
class Named(typing.NamedTuple):
    x: int
    y: int = 2
    def total(self): return self.x + self.y
@dataclasses.dataclass(frozen=True)
class Frozen:
    x: int
    def up(self): return dataclasses.replace(self, x=self.x + 1)
class Colour(enum.Enum):
    RED = 1
    def shout(self): return self.name
class Drawn(typing.Protocol):
    def draw(self): ...
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
class Meta(type):
    def __call__(cls, *args):
        made = super().__call__(*args)
        made.seen = True
        return made
class Single(metaclass=Meta):
    def __init__(self, n): self.n = n
class Told:
    def __set_name__(self, owner, name): self.name = name
    def __get__(self, thing, owner=None): return self.name
class Holder:
    told = Told()
class Made:
    def __new__(cls, n):
        made = super().__new__(cls)
        made.n = n
        return made
    def get(self): return self.n
class Text(str):
    def shout(self): return self.upper()
class Odd(Exception):
    pass
"""


def test_classes_get_no_new_attributes(suite):
    found = same(
        suite,
        CLASSES,
        "import inspect, pytest, subject\nfrom subject import *\n"
        "def test_constructors():\n"
        "    assert Plain.__init__ is object.__init__ and '__init__' not in vars(Plain)\n"
        "    class Other: pass\n    assert sorted(vars(Plain)) == sorted(vars(Other))\n"
        "    assert Text.__init__ is str.__init__ and Odd.__init__ is Exception.__init__\n"
        "    with pytest.raises(TypeError, match=r'^Plain\\(\\) takes no arguments$'): Plain(1)\n"
        "    assert str(inspect.signature(Named)) == '(x: int, y: int = 2)' and Named(1).total() == 3\n"
        "    assert Frozen(1).up() == Frozen(2)\n"
        "    with pytest.raises(TypeError): Frozen()\n"
        "def test_others():\n"
        "    class Sub(Keyed, a=1): pass\n"
        "    assert Sub.more == {'a': 1}\n"
        "    assert Colour(1).shout() == 'RED' and Single(2).seen and Holder().told == 'told'\n"
        "    class Square(Shape):\n        def area(self): return 4\n"
        "    Shape.register(int); assert isinstance(3, Shape) and Square().area() == 4\n"
        "    with pytest.raises(TypeError): Shape()\n"
        "    with pytest.raises(TypeError): Drawn()\n"
        "    class Line(Drawn):\n        def draw(self): return '-'\n"
        "    assert Line().draw() == '-'\n"
        "    assert Made(5).get() == 5 and Text('a').shout() == 'A'\n"
        "    with pytest.raises(Odd): raise Odd('x')\n",
    )
    operations = [row[0] for row in found]
    assert operations[:4] == ["Named(x)", "total()", "Frozen(x)", "up()"]
    assert ("Made(n)", "Made", "[5]") in [row[:3] for row in found]
    assert ("shout()", found[-1][1], "[]", '"A"') == found[-1]
    assert found[-1][1].startswith("$CUT@Text@")


@pytest.mark.skipif(sys.version_info < (3, 10), reason="no slots=True")
def test_slots(suite):
    found = same(
        suite,
        "import dataclasses\n@dataclasses.dataclass(slots=True, frozen=True)\nclass Point:\n"
        "    x: int\n    def get(self): return self.x\n",
        "from subject import Point\ndef test():\n    assert Point(3).get() == 3\n"
        "    assert not hasattr(Point(1), '__dict__')\n",
    )
    assert [row[3] for row in found] == ["$CUT@Point@0", "3", "$CUT@Point@2"]


def test_pydantic(suite):
    pytest.importorskip("pydantic")
    found = same(
        suite,
        "from pydantic import BaseModel, field_validator\n"
        "class Item(BaseModel):\n    n: int\n"
        "    @field_validator('n')\n    @classmethod\n"
        "    def scaled(cls, value, info): return value * (info.context or {}).get('by', 1)\n"
        "    def doubled(self): return 2 * self.n\n"
        "class Basket(BaseModel):\n    item: Item\n    def total(self): return self.item.doubled()\n",
        "import pytest\nfrom pydantic import ValidationError\nfrom subject import *\n"
        "def test():\n"
        "    class Big(Item):\n        more: str = 'x'\n"
        "    assert Item.model_validate({'n': 2}, context={'by': 3}).n == 6\n"
        "    assert Big.model_validate({'n': 2}, context={'by': 3}).doubled() == 12\n"
        "    assert Basket(item={'n': 2}).total() == 4 and '__init__' not in vars(Item)\n"
        "    with pytest.raises(ValidationError): Item(n='x')\n",
    )
    assert ("Basket(item)", "Basket", '[{"$keyword":["item",{"n":2}]}]') in [r[:3] for r in found]
    assert [row[3] for row in found if row[0] == "total()"] == ["4"]


def test_attrs(suite):
    pytest.importorskip("attrs")
    found = same(
        suite,
        "import attrs\n@attrs.define\nclass Point:\n    x: int = attrs.field(converter=int)\n"
        "    def up(self): return attrs.evolve(self, x=self.x + 1)\n",
        "from subject import Point\ndef test(): assert Point('3').up().x == 4 and Point(1) == Point(1)\n",
    )
    assert [row[3] for row in found][:2] == ["$CUT@Point@0", "$CUT@Point@1"]
