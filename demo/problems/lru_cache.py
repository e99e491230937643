"""A cache that evicts the least recently used entry when it is full."""

import random

from problems import Problem, Step

PROBLEM = Problem(
    "lru_cache",
    {
        "create": "LRUCache(maxsize: int) -> LRUCache",
        "put": "put(key: object, value: object) -> None",
        "get": "get(key: object) -> object",
        "contains": "contains(key: object) -> bool",
        "pop": "pop(key: object) -> object",
        "size": "size() -> int",
        "keys": "keys() -> list",
        "clear": "clear() -> None",
    },
    type_name="LRUCache",
)


def scenario(name, *calls):
    PROBLEM.sequence(name, *(Step(operation, tuple(arguments)) for operation, *arguments in calls))


a, b, c = ("put", "a", 1), ("put", "b", 2), ("put", "c", 3)
scenario("empty", ("create", 2), ("size",), ("keys",), ("get", "a"), ("contains", "a"))
scenario("put_and_get", ("create", 2), a, ("get", "a"), ("size",), ("contains", "a"))
scenario(
    "evicts_oldest", ("create", 2), a, b, c, ("size",), ("get", "a"), ("get", "b"), ("get", "c")
)
scenario("get_refreshes", ("create", 2), a, b, ("get", "a"), c, ("keys",), ("get", "b"))
scenario("put_refreshes", ("create", 2), a, b, ("put", "a", 9), c, ("keys",), ("get", "a"))
scenario("contains_may_refresh", ("create", 2), a, b, ("contains", "a"), c, ("keys",))
scenario("missed_get_changes_nothing", ("create", 2), a, b, ("get", "x"), c, ("keys",))
scenario("keys_may_refresh", ("create", 2), a, b, ("keys",), c, ("keys",))
scenario("overwrite_keeps_size", ("create", 2), a, ("put", "a", 2), ("size",), ("get", "a"))
scenario(
    "pop_present", ("create", 2), a, b, ("pop", "a"), ("size",), ("contains", "a"), c, ("keys",)
)
scenario("pop_missing", ("create", 2), a, ("pop", "x"), ("size",))
scenario("pop_from_empty", ("create", 2), ("pop", "x"), ("size",))
scenario("clear_empties", ("create", 2), a, b, ("clear",), ("size",), ("get", "a"), c, ("keys",))
scenario("size_one", ("create", 1), a, b, ("get", "a"), ("get", "b"), ("size",))
scenario("size_zero", ("create", 0), a, ("size",), ("get", "a"))
scenario("size_negative", ("create", -1), a, ("size",), ("get", "a"))
scenario("size_none", ("create", None), a, b, c, ("size",), ("get", "a"))
scenario("size_float", ("create", 1.5), a, b, ("size",), ("keys",))
scenario("size_text", ("create", "2"), a, b, ("size",))
scenario("size_true", ("create", True), a, b, ("size",), ("keys",))
scenario(
    "none_as_value", ("create", 2), ("put", "a", None), ("contains", "a"), ("get", "a"), ("size",)
)
scenario("none_as_key", ("create", 2), ("put", None, 1), ("contains", None), ("get", None))
scenario(
    "equal_keys_of_two_types",
    ("create", 3),
    ("put", 1, "int"),
    ("put", 1.0, "float"),
    ("put", True, "bool"),
    ("size",),
    ("get", 1),
)
scenario("nan_key", ("create", 2), ("put", float("nan"), 1), ("get", float("nan")), ("size",))
scenario("tuple_key", ("create", 2), ("put", (1, 2), "x"), ("get", (1, 2)))
scenario("list_key", ("create", 2), ("put", [1], "x"), ("get", [1]), ("size",))
scenario("list_key_asked", ("create", 2), a, ("contains", [1]), ("size",))
scenario(
    "unicode_keys", ("create", 2), ("put", "é", 1), ("put", "e\u0301", 2), ("size",), ("get", "é")
)
scenario("missing_argument", ("create", 2), ("put", "a"), ("size",))
scenario("fills_exactly", ("create", 3), a, b, c, ("size",), ("keys",), ("put", "d", 4), ("keys",))


def random_walk(seed, maxsize, n_calls):
    """A long scenario of random operations on a few keys, the same in every recording."""
    chance = random.Random(seed)
    calls = [("create", maxsize)]
    for number in range(n_calls):
        operation = chance.choice(["put", "put", "put", "get", "get", "contains", "pop", "keys"])
        key = [] if operation == "keys" else [chance.choice("abcde")]
        calls.append((operation, *key, number) if operation == "put" else (operation, *key))
    scenario(f"random_walk_{seed}", *calls, ("size",))


for seed, maxsize in enumerate([1, 2, 3, 3, 4]):
    random_walk(seed, maxsize, 20)


@PROBLEM.implementation("cachetools", "cachetools")
class Cachetools:
    def __init__(self, maxsize):
        from cachetools import LRUCache

        self.cache = LRUCache(maxsize)

    def put(self, key, value):
        self.cache[key] = value

    def get(self, key):
        return self.cache.get(key)

    def contains(self, key):
        return key in self.cache

    def pop(self, key):
        return self.cache.pop(key)

    def size(self):
        return len(self.cache)

    def keys(self):
        return sorted(self.cache.keys(), key=str)

    def clear(self):
        self.cache.clear()


@PROBLEM.implementation("lru-dict", "lru")
class LruDict:
    def __init__(self, maxsize):
        from lru import LRU

        self.cache = LRU(maxsize)

    def put(self, key, value):
        self.cache[key] = value

    def get(self, key):
        return self.cache.get(key)

    def contains(self, key):
        return key in self.cache

    def pop(self, key):
        return self.cache.pop(key)

    def size(self):
        return len(self.cache)

    def keys(self):
        return sorted(self.cache.keys(), key=str)

    def clear(self):
        self.cache.clear()


@PROBLEM.implementation("pylru", "pylru")
class Pylru:
    def __init__(self, maxsize):
        from pylru import lrucache

        self.cache = lrucache(maxsize)

    def put(self, key, value):
        self.cache[key] = value

    def get(self, key):
        return self.cache.get(key)

    def contains(self, key):
        return key in self.cache

    def pop(self, key):
        return self.cache.pop(key)

    def size(self):
        return len(self.cache)

    def keys(self):
        return sorted(self.cache.keys(), key=str)

    def clear(self):
        self.cache.clear()


@PROBLEM.implementation("boltons", "boltons.cacheutils")
class BoltonsLRU:
    def __init__(self, maxsize):
        from boltons.cacheutils import LRU

        self.cache = LRU(maxsize)

    def put(self, key, value):
        self.cache[key] = value

    def get(self, key):
        return self.cache.get(key)

    def contains(self, key):
        return key in self.cache

    def pop(self, key):
        return self.cache.pop(key)

    def size(self):
        return len(self.cache)

    def keys(self):
        return sorted(self.cache.keys(), key=str)

    def clear(self):
        self.cache.clear()


@PROBLEM.implementation("cacheout", "cacheout")
class Cacheout:
    def __init__(self, maxsize):
        from cacheout import LRUCache

        self.cache = LRUCache(maxsize=maxsize)

    def put(self, key, value):
        self.cache.set(key, value)

    def get(self, key):
        return self.cache.get(key)

    def contains(self, key):
        return key in self.cache

    def pop(self, key):
        # It has no pop; its delete tells how many entries went.
        value = self.cache.get(key)
        if not self.cache.delete(key):
            raise KeyError(key)
        return value

    def size(self):
        return len(self.cache)

    def keys(self):
        return sorted(self.cache.keys(), key=str)

    def clear(self):
        self.cache.clear()


@PROBLEM.implementation("repoze.lru", "repoze.lru")
class RepozeLRU:
    """It offers neither pop nor contains, so those steps are not executed."""

    def __init__(self, maxsize):
        from repoze.lru import LRUCache

        self.cache = LRUCache(maxsize)

    def put(self, key, value):
        self.cache.put(key, value)

    def get(self, key):
        return self.cache.get(key)

    def size(self):
        return len(self.cache.data)

    def keys(self):
        return sorted(self.cache.data, key=str)

    def clear(self):
        self.cache.clear()
