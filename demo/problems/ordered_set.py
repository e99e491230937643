"""A set that keeps its elements in insertion order."""

from problems import Problem, Step

PROBLEM = Problem(
    "ordered_set",
    {
        "create": "OrderedSet(items: list) -> OrderedSet",
        "add": "add(item: object) -> None",
        "discard": "discard(item: object) -> None",
        "remove": "remove(item: object) -> None",
        "pop": "pop() -> object",
        "contains": "contains(item: object) -> bool",
        "size": "size() -> int",
        "at": "at(index: int) -> object",
        "index": "index(item: object) -> int",
        "items": "items() -> list",
        "union": "union(other: list) -> list",
        "intersection": "intersection(other: list) -> list",
        "difference": "difference(other: list) -> list",
        "symmetric_difference": "symmetric_difference(other: list) -> list",
        "equals_list": "equals_list(other: list) -> bool",
        "equals_set": "equals_set(other: list) -> bool",
        "clear": "clear() -> None",
    },
    type_name="OrderedSet",
)


def scenario(name, *calls):
    PROBLEM.sequence(name, *(Step(operation, tuple(arguments)) for operation, *arguments in calls))


abc = ("create", ["a", "b", "c"])
scenario("empty", ("create", []), ("size",), ("items",), ("contains", "a"), ("pop",), ("size",))
# Python iterates over a set of texts in a different order in every process.
scenario("create_from_set", ("create", {"fig", "pear", "plum", "quince"}), ("items",), ("size",))
scenario("keeps_order", ("create", [3, 1, 2]), ("items",), ("size",), ("at", 0), ("at", 2))
scenario("drops_duplicates", ("create", [1, 2, 1, 3, 2]), ("items",), ("size",))
scenario("add_new", abc, ("add", "d"), ("items",), ("index", "d"), ("size",))
scenario("add_present", abc, ("add", "a"), ("items",), ("size",))
scenario("discard_present", abc, ("discard", "b"), ("items",), ("index", "c"), ("at", 1))
scenario("discard_missing", abc, ("discard", "x"), ("items",))
scenario("remove_present", abc, ("remove", "a"), ("items",), ("index", "b"))
scenario("remove_missing", abc, ("remove", "x"), ("items",))
scenario("remove_and_add_moves_last", abc, ("remove", "a"), ("add", "a"), ("items",))
scenario("pop_takes_last", abc, ("pop",), ("items",), ("pop",), ("pop",), ("pop",), ("size",))
scenario("at_negative", abc, ("at", -1), ("at", -3), ("at", -4))
scenario("at_outside", abc, ("at", 3), ("at", 100))
scenario(
    "at_after_discard",
    ("create", list(range(10))),
    ("discard", 4),
    ("discard", 5),
    ("at", 4),
    ("at", -1),
    ("index", 6),
)
scenario("at_float", abc, ("at", 1.0), ("at", True))
scenario("at_text", abc, ("at", "a"))
scenario("at_none", abc, ("at", None))
scenario("index_missing", abc, ("index", "x"))
scenario("index_of_list", abc, ("index", ["a", "b"]))
scenario("contains_unhashable", abc, ("contains", ["a"]))
scenario("add_unhashable", abc, ("add", ["a"]), ("size",))
scenario("union", abc, ("union", ["d", "a", "e"]), ("items",))
scenario("union_empty", abc, ("union", []))
scenario("intersection", abc, ("intersection", ["c", "x", "a"]), ("items",))
scenario("intersection_empty", abc, ("intersection", []))
scenario("difference", abc, ("difference", ["b", "x"]), ("items",))
scenario("symmetric_difference", abc, ("symmetric_difference", ["d", "b"]), ("items",))
scenario("equals_list_same_order", abc, ("equals_list", ["a", "b", "c"]))
scenario("equals_list_other_order", abc, ("equals_list", ["c", "b", "a"]))
scenario("equals_list_duplicates", abc, ("equals_list", ["a", "b", "c", "c"]))
scenario("equals_set", abc, ("equals_set", ["c", "b", "a"]), ("equals_set", ["a"]))
scenario("clear", abc, ("clear",), ("size",), ("items",), ("add", "z"), ("at", 0))
scenario(
    "equal_values_of_two_types",
    ("create", [1, 1.0, True, "1"]),
    ("items",),
    ("size",),
    ("contains", 1.0),
)
scenario(
    "none_and_empty", ("create", [None, "", 0]), ("items",), ("contains", False), ("index", None)
)
scenario("nan", ("create", [float("nan"), float("nan")]), ("size",), ("contains", float("nan")))
scenario("unicode", ("create", ["é", "e\u0301", "É"]), ("items",), ("contains", "é"))
scenario("create_from_text", ("create", "hello"), ("items",), ("contains", "h"))
scenario("create_from_none", ("create", None), ("size",), ("add", 1), ("items",))
scenario("create_from_number", ("create", 5), ("size",))
scenario("create_with_unhashable", ("create", [[1], [2]]), ("size",))
scenario("tuples", ("create", [(1, 2), (1, 2), (2, 1)]), ("items",), ("index", (2, 1)))
scenario("union_with_text", abc, ("union", "cd"))
scenario("union_with_none", abc, ("union", None))
scenario(
    "discard_everything",
    abc,
    ("discard", "a"),
    ("discard", "b"),
    ("discard", "c"),
    ("size",),
    ("items",),
    ("pop",),
)


class Shared:
    """The operations that have the same names in all these packages."""

    def add(self, item):
        self.items_.add(item)

    def discard(self, item):
        self.items_.discard(item)

    def remove(self, item):
        self.items_.remove(item)

    def pop(self):
        return self.items_.pop()

    def contains(self, item):
        return item in self.items_

    def size(self):
        return len(self.items_)

    def at(self, index):
        return self.items_[index]

    def index(self, item):
        return self.items_.index(item)

    def items(self):
        return list(self.items_)

    def union(self, other):
        return list(self.items_.union(other))

    def intersection(self, other):
        return list(self.items_.intersection(other))

    def difference(self, other):
        return list(self.items_.difference(other))

    def symmetric_difference(self, other):
        return list(self.items_.symmetric_difference(other))

    def equals_list(self, other):
        return self.items_ == other

    def equals_set(self, other):
        return self.items_ == set(other)

    def clear(self):
        self.items_.clear()


@PROBLEM.implementation("ordered-set", "ordered_set")
class OrderedSetPackage(Shared):
    def __init__(self, items):
        from ordered_set import OrderedSet

        self.items_ = OrderedSet(items)


@PROBLEM.implementation("orderedsets", "orderedsets")
class OrderedSetsPackage(Shared):
    index = None  # not offered, so those steps are not executed

    def __init__(self, items):
        from orderedsets import IndexSet

        self.items_ = IndexSet(items)


@PROBLEM.implementation("boltons", "boltons.setutils")
class BoltonsIndexedSet(Shared):
    def __init__(self, items):
        from boltons.setutils import IndexedSet

        self.items_ = IndexedSet(items)


@PROBLEM.implementation("collections-extended", "collections_extended")
class CollectionsExtendedSetlist(Shared):
    def __init__(self, items):
        from collections_extended import setlist

        self.items_ = setlist(items)


@PROBLEM.implementation("orderly-set", "orderly_set")
class OrderlySetPackage(Shared):
    def __init__(self, items):
        from orderly_set import OrderedSet

        self.items_ = OrderedSet(items)
