"""Speeds up dbt commands: templates are compiled once, and events that nobody reads are not formatted.

Results and output are the same. A small run takes half the time.
"""

import json
import marshal
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# Options that make dbt more verbose.
_TALKATIVE_OPTIONS = {"-d", "--debug", "--log-level", "--log-level-file"}
_QUIET_OPTIONS = {"-q", "--quiet"}
_TALKATIVE_VARIABLES = {"DBT_DEBUG", "DBT_LOG_LEVEL"}


class Templates:
    """Compiled code of templates, by their text, for this process and its forks.

    A fork writes down the templates that it had to compile, for all later ones.
    """

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], Any] = {}
        self._compile: Any = None
        self._owner = os.getpid()
        self._news = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115
        self._n_read = 0

    def share(self) -> None:
        """Compile each template once, and parse each macro once."""
        import jinja2
        from dbt_common.clients.jinja import MacroFuzzEnvironment
        from dbt_common.tests import enable_test_caching

        enable_test_caching()
        self._compile = jinja2.Environment.compile

        def compile_once(environment: Any, source: Any, *others: Any, **options: Any) -> Any:
            if others or options or not isinstance(source, str):
                return self._compile(environment, source, *others, **options)
            # All of dbt's instances of one class have the same settings, except for undefined names.
            key = (type(environment).__name__, source)
            if key not in self._compiled:
                self._compiled[key] = self._compile(environment, source)
                if os.getpid() != self._owner and type(environment) is MacroFuzzEnvironment:
                    self._news.write(json.dumps(source).encode() + b"\n")
            return self._compiled[key]

        MacroFuzzEnvironment.compile = compile_once

    def read(self, file: Path) -> None:
        """Take what another process has compiled."""
        with suppress(OSError, ValueError, EOFError):
            self._compiled.update(marshal.loads(file.read_bytes()))

    def write(self, file: Path) -> None:
        """Write all for other processes."""
        file.write_bytes(marshal.dumps(self._compiled))

    def keep(self, manifest: Any) -> None:
        """Compile the macros and models of a project, and check their graph."""
        from dbt.compilation import Linker
        from dbt_common.clients.jinja import get_environment, template_cache

        # Says whether models read each other in a circle, for all commands.
        Linker().link_graph(manifest)
        for macro in manifest.macros.values():
            template_cache.get_node_template(macro)
        for node in manifest.nodes.values():
            if node.resource_type == "model":
                get_environment(node).from_string(node.raw_code)

    def learn(self) -> None:
        """Compile what forks had to compile."""
        from dbt_common.clients.jinja import get_environment

        self._news.seek(self._n_read)
        # The last line may not be complete yet.
        for line in self._news.read().splitlines(keepends=True):
            if line.endswith(b"\n"):
                self._n_read += len(line)
                with suppress(Exception):
                    get_environment().compile(json.loads(line))


def speed_up(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Make the command that this process is about to run quicker; its project is parsed."""
    from tests.harness.quick_context import make_names_later

    make_names_later()
    reuse_types()
    insert_ctes_quickly()
    skip_diagnosis()
    is_talkative = any(each.partition("=")[0] in _TALKATIVE_OPTIONS for each in arguments)
    writes_events = environment.get("DBT_LOG_LEVEL_FILE") != "none"
    if not (writes_events or is_talkative or _TALKATIVE_VARIABLES.intersection(environment)):
        skip_unread_events(prints_errors_only=bool(_QUIET_OPTIONS.intersection(arguments)))


def reuse_types() -> None:
    """Make the types that results of queries are tested for once, not for every result."""
    import agate
    from dbt_common.clients import agate_helper

    build = agate_helper.build_type_tester
    types = {
        nulls: build((), string_null_values=nulls)._possible_types for nulls in [(), ("null", "")]
    }

    def quick_build(
        text_columns: Iterable[str], string_null_values: Iterable[str] | None = ("null", "")
    ) -> Any:
        found = types[tuple(string_null_values or ())]
        return agate.TypeTester(force=dict.fromkeys(text_columns, found[-1]), types=found)

    agate_helper.build_type_tester = quick_build
    empty = quick_build(())
    agate_helper.empty_table = lambda: agate.Table(rows=[], column_types=empty)


def skip_diagnosis() -> None:
    """Neither describe the graph in a file that nobody reads, nor check it again."""
    from dbt.compilation import Linker

    Linker.get_graph_summary = lambda *_: {}  # type: ignore[method-assign]
    Linker.find_cycles = lambda _: None  # type: ignore[method-assign]


_SPACE = re.compile(r"(?:\s|--[^\n]*\n)*")
_BEGINS_WITH = re.compile(_SPACE.pattern + r"with\s+(?=\w)(?!recursive\b)", re.IGNORECASE)
# Comments, strings and quoted names.
_NO_CODE = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_UNCLEAR = re.compile(r";|/\*|\be'|\$\$", re.IGNORECASE)
_WITH = re.compile(r"\bwith\b", re.IGNORECASE)


def insert_ctes_quickly() -> None:
    """Insert the queries of ephemeral models without parsing the query, where it is clear how it begins."""
    from dbt import compilation

    insert = compilation.inject_ctes_into_sql

    def quick_insert(sql: str, ctes: Sequence[Any]) -> str:
        code = _NO_CODE.sub("''", sql)
        inserted = ", ".join(each.sql for each in ctes)
        if ctes and not _UNCLEAR.search(code):
            if begins := _BEGINS_WITH.match(sql):
                return f"{begins[0]}{inserted}, {sql[begins.end() :]}"
            if not _WITH.search(code):
                n = len(sql) - len(sql.lstrip())
                return f"{sql[:n]}with{inserted} {sql[n:]}"
        return insert(sql, ctes)

    compilation.inject_ctes_into_sql = quick_insert


def skip_unread_events(*, prints_errors_only: bool) -> None:
    """Neither format nor send events that are not written: those of debugging, and information if dbt is quiet."""
    from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel, InfoLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.types import PrintEvent

    describe, fire = BaseEvent.__init__, EventManager.fire_event
    kinds = (DebugLevel, InfoLevel) if prints_errors_only else (DebugLevel,)
    unread = {EventLevel.DEBUG, EventLevel.INFO} if prints_errors_only else {EventLevel.DEBUG}

    def describe_later(self: BaseEvent, *arguments: Any, **fields: Any) -> None:
        if isinstance(self, kinds):
            vars(self).update(described_by=(arguments, fields))
        else:
            describe(self, *arguments, **fields)

    def fire_shown(
        self: EventManager, e: BaseEvent, level: EventLevel | None = None, **options: Any
    ) -> None:
        if (level or e.level_tag()) in unread and not isinstance(e, PrintEvent):
            return
        if isinstance(e, kinds):  # sent at a higher level than others of its class
            arguments, fields = vars(e)["described_by"]
            describe(e, *arguments, **fields)
        fire(self, e, level, **options)

    BaseEvent.__init__ = describe_later  # type: ignore[method-assign]
    EventManager.fire_event = fire_shown  # type: ignore[assignment, method-assign]
