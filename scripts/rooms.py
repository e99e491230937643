"""Print the rooms of the loader, their imports, and the imports that break the rules: ``make rooms``.

A room is a folder of modules. Its level is higher than those of all rooms it imports. Imports inside functions
and under ``TYPE_CHECKING`` count.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import resolve_name
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "loader" / "obslake"

# Modules outside the rooms that every module may import. They do not depend on lakehouses.
_BASE = ("engine", "errors", "garbage", "markdown", "path_pattern", "progress", "values", "version")
_BELOW_COMMANDS = (
    *("load", "load.sources", "marts"),
    *("upkeep", "upkeep.verification", "query", "report", "gate", "mcp"),
)

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # The package itself: what notebooks and programs call.
    "obslake": ("query", "base"),
    "__main__": ("cli",),
    "cli": (*_BELOW_COMMANDS, "lakehouse", "base"),
    "dbt_plugin": ("lakehouse", "base"),
    "load": ("load.sources", "lakehouse", "base"),
    "load.sources": ("lakehouse", "base"),
    "marts": ("lakehouse", "base"),
    "upkeep": ("lakehouse", "base"),
    "upkeep.verification": ("lakehouse", "base"),
    "query": ("lakehouse", "base"),
    "mcp": ("query", "marts", "base"),
    "report": ("base",),
    "gate": ("query", "base"),
    "lakehouse": ("base",),
    "base": (),
}
"""The rooms that a room may import, besides itself."""

Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class Import:
    """One module imports another, both named relative to the package, in a line of its file."""

    importer: str
    imported: str
    line: int


@dataclass(frozen=True)
class Package:
    """All modules of a package, by their names relative to it; that of the package itself is empty."""

    folder: Path

    @cached_property
    def files(self) -> dict[str, Path]:
        """The file of each module."""
        found = {}
        for path in sorted(self.folder.rglob("*.py")):
            parts = path.relative_to(self.folder).with_suffix("").parts
            found[".".join(parts if parts[-1] != "__init__" else parts[:-1])] = path
        return found

    @cached_property
    def rooms(self) -> dict[str, str]:
        """The room of each module; a module outside the rooms is its own room, unless all may import it."""
        folders = {
            module: ".".join(path.parent.relative_to(self.folder).parts)
            for module, path in self.files.items()
        }
        name = self.folder.name
        return {m: "base" if m in _BASE else room or m or name for m, room in folders.items()}

    @cached_property
    def imports(self) -> list[Import]:
        """Every import of one module by another."""
        return [
            Import(module, imported, line)
            for module, path in self.files.items()
            for imported, line in self._imports_of(module, path)
        ]

    def _imports_of(self, module: str, path: Path) -> Iterator[tuple[str, int]]:
        package = self.folder.name
        inside = module if path.stem == "__init__" else module.rpartition(".")[0]
        here = f"{package}.{inside}".rstrip(".")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [(alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                named = resolve_name("." * node.level + (node.module or ""), here)
                names = [(named, alias.name) for alias in node.names]
            else:
                continue
            for named, name in names:
                top, _, rest = named.partition(".")
                if top == package:
                    submodule = f"{rest}.{name}".strip(".")
                    yield submodule if name and submodule in self.files else rest, node.lineno

    @cached_property
    def modules(self) -> Graph:
        """The modules that each module imports."""
        graph: dict[str, set[str]] = {module: set() for module in self.files}
        for each in self.imports:
            graph[each.importer].add(each.imported)
        return graph

    @cached_property
    def graph(self) -> Graph:
        """The other rooms that each room imports."""
        graph: dict[str, set[str]] = {room: set() for room in self.rooms.values()}
        for each in self.imports:
            importer, imported = self.rooms[each.importer], self.rooms[each.imported]
            if importer != imported:
                graph[importer].add(imported)
        return graph

    def broken_rules(self) -> list[str]:
        """Return the imports that break a rule, each with that rule."""
        broken = []
        for room in sorted(self.graph.keys() - MAY_IMPORT.keys()):
            broken.append(f"{room} is not a room: add it to MAY_IMPORT")
        for each in self.imports:
            importer, imported = self.rooms[each.importer], self.rooms[each.imported]
            allowed = MAY_IMPORT.get(importer, ())
            if importer in MAY_IMPORT and imported not in (importer, *allowed):
                place = f"{self.files[each.importer].relative_to(self.folder)}:{each.line}"
                broken.append(
                    f"{place} imports {each.imported or self.folder.name}, which is in {imported}: "
                    f"{importer} may import {', '.join(allowed) or 'no other room'}"
                )
        return broken


def cycles(graph: Graph) -> list[list[str]]:
    """Return the groups of nodes that import each other, directly or indirectly."""
    reach = {node: _reach(graph, node) for node in graph}
    groups = {frozenset(m for m in reach[n] if n in reach[m]) for n in graph if n in reach[n]}
    return sorted(sorted(group) for group in groups)


def levels(graph: Graph) -> dict[str, int]:
    """Return the level of each node, from 0; nodes that import each other have the same level."""
    reach = {node: _reach(graph, node) for node in graph}
    found: dict[str, int] = {}
    # A node that reaches fewer nodes has a lower level.
    for node in sorted(graph, key=lambda node: len(reach[node] | {node})):
        below = [m for m in reach[node] if node not in reach[m] and m != node]
        found[node] = max((found[m] + 1 for m in below), default=0)
    return found


def _reach(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def describe(package: Package) -> Iterator[str]:
    """Return a table of the rooms of a package, from the highest level down."""
    level_of = levels(package.graph)
    yield f"{'level':>5}  {'room':<20} {'modules':>7} {'lines':>7}  imports"
    for room in sorted(package.graph, key=lambda room: (-level_of[room], room)):
        inside = [path for module, path in package.files.items() if package.rooms[module] == room]
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in inside)
        below = ", ".join(sorted(package.graph[room], key=lambda r: (-level_of[r], r)))
        yield f"{level_of[room]:>5}  {room:<20} {len(inside):>7} {lines:>7,}  {below}".rstrip()
    for kind, graph in (("rooms", package.graph), ("modules", package.modules)):
        arrows = sum(map(len, graph.values()))
        yield (
            f"{len(graph)} {kind} on {len(set(levels(graph).values()))} levels, {arrows} imports, "
            f"cycles: {'; '.join(' <-> '.join(c) for c in cycles(graph)) or 'none'}"
        )


def main() -> int:
    """Print the rooms and the broken rules; return 1 if there are any."""
    package = Package(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else PACKAGE)
    print(*describe(package), sep="\n")
    broken = package.broken_rules()
    print(*(broken or ["every import keeps the rules"]), sep="\n")
    return 1 if broken or cycles(package.modules) else 0


if __name__ == "__main__":
    sys.exit(main())
