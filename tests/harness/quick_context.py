"""Makes the names that templates of dbt see when they are looked up: dbt makes about a thousand for each of them.

Only for commands with a parsed project, whose macros do not change. Results and output are the same.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from dbt.adapters.factory import get_adapter_package_names
from dbt.clients.jinja import MacroGenerator
from dbt.context.macros import MacroNamespaceBuilder
from dbt.context.manifest import ManifestContext
from dbt_common.clients.jinja import MacroFuzzEnvironment, template_cache
from dbt_common.exceptions import CompilationError
from dbt_common.exceptions.macros import CaughtMacroErrorWithNodeError, MacroReturn
from dbt_common.utils.jinja import get_dbt_macro_name

# Properties of a context that stay the same during a command, and take long.
_LATER = ("modules", "flags", "exceptions", "invocation_args_dict", "dbt_metadata_envs")


class LateNames(dict[str, Any]):
    """A dict in which some values are made when they are looked up.

    Attributes:
        late: names of the values that can be made.
        make: makes one of them.
    """

    late: Collection[str] = ()
    make: Callable[[str], Any]

    def __missing__(self, key: str) -> Any:
        if key not in self.late:
            raise KeyError(key)
        value = self[key] = self.make(key)
        return value

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self.late

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def _all(self) -> "LateNames":
        for key in self.late:
            self[key]
        self.late = ()
        return self

    def __bool__(self) -> bool:
        return super().__len__() > 0 or bool(self.late)

    def __iter__(self) -> Iterator[str]:
        return super(LateNames, self._all()).__iter__()

    def __len__(self) -> int:
        return super(LateNames, self._all()).__len__()

    def keys(self) -> Any:
        return super(LateNames, self._all()).keys()

    def values(self) -> Any:
        return super(LateNames, self._all()).values()

    def items(self) -> Any:
        return super(LateNames, self._all()).items()

    def copy(self) -> dict[str, Any]:
        return dict(self.items())


class QuickMacro(MacroGenerator):
    """A macro of dbt that is found in its template once, not for every call."""

    _function: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        stack, name = self.stack, self.macro.unique_id
        if not stack.depth and self.node:
            self.node.depends_on.add_macro(name)
        stack.push(name)
        try:
            if self._function is None:
                module = template_cache.get_node_template(self.macro).make_module(
                    vars=self.context, shared=False
                )
                self._function = module.__dict__[get_dbt_macro_name(self.macro.name)]
            return self._function(*arguments, **options)
        except MacroReturn as result:
            return result.value
        except (TypeError, jinja2.exceptions.TemplateRuntimeError) as error:
            raise CaughtMacroErrorWithNodeError(exc=error, node=self.macro) from error
        except CompilationError as error:
            error.stack.append(self.macro)
            raise
        finally:
            stack.pop(name)


@dataclass(frozen=True)
class _Macros:
    """The macros that a package sees.

    Attributes:
        by_package: the macros that are given, to which the others belong.
        flat: macros, or names of packages as None, by the names that dbt gives them at the top.
        packages: macros of each package, by name.
        internal: macros of dbt and its adapter, by name.
    """

    by_package: Mapping[str, Any]
    flat: Mapping[str, Any]
    packages: Mapping[str, Mapping[str, Any]]
    internal: Mapping[str, Any]


_KNOWN: dict[tuple[object, ...], _Macros] = {}


def _macros(builder: MacroNamespaceBuilder, by_package: Mapping[str, Any]) -> _Macros:
    order = builder.internal_package_names_order
    key = (id(by_package), builder.root_package, builder.search_package, *order)
    if key not in _KNOWN:
        # As dbt does it, once: all that follows finds the macros that it has found.
        built = builder.build_namespace(by_package, {})
        packages = {
            package: {name: each.macro for name, each in members.items()}
            for package, members in built.packages.items()
        }
        internal = {name: each.macro for name, each in built.global_project_namespace.items()}
        flat = {name: getattr(built[name], "macro", None) for name in built}
        _KNOWN[key] = _Macros(by_package, flat, packages, internal)
    return _KNOWN[key]


class QuickNamespace:
    """The macros of a context, as dbt's `MacroNamespace` gives them."""

    def __init__(self, macros: _Macros, context: LateNames, builder: MacroNamespaceBuilder) -> None:
        self.macros = macros
        self._context, self._builder = context, builder
        self._made: dict[str, QuickMacro] = {}
        self._packages: dict[str, LateNames] = {}

    def _made_of(self, macro: Any) -> QuickMacro:
        made = self._made.get(macro.unique_id)
        if made is None:
            made = QuickMacro(macro, self._context, self._builder.node, self._builder.thread_ctx)
            self._made[macro.unique_id] = made
        return made

    def _package(self, name: str) -> LateNames:
        if name not in self._packages:
            members = self.macros.packages.get(name, self.macros.internal)
            package = self._packages[name] = LateNames()
            package.late, package.make = members, lambda each: self._made_of(members[each])
        return self._packages[name]

    def __getitem__(self, key: str) -> Any:
        macro = self.macros.flat[key]
        return self._package(key) if macro is None else self._made_of(macro)

    def get(self, key: str) -> Any:
        return self[key] if key in self.macros.flat else None

    def get_from_package(self, package: str | None, name: str) -> Any:
        if package is None:
            return self.get(name)
        if package != "dbt" and package not in self.macros.packages:
            from dbt.exceptions import PackageNotFoundForMacroError

            raise PackageNotFoundForMacroError(package)
        return self._package(package).get(name)


def make_names_later() -> None:
    """Make the contexts of this process make names when they are looked up."""
    to_dict = ManifestContext.to_dict

    def build_namespace(self: Any) -> QuickNamespace:
        builder = self._get_namespace_builder()
        assert builder.internal_package_names_order == get_adapter_package_names(
            self.config.credentials.type
        )
        self._ctx = LateNames()
        return QuickNamespace(
            _macros(builder, self.manifest.get_macros_by_package()), self._ctx, builder
        )

    def quick_to_dict(self: Any) -> dict[str, Any]:
        if not isinstance(self.namespace, QuickNamespace):
            return to_dict(self)
        names, macros = self._ctx, self.namespace.macros.flat
        builtins = LateNames()
        members = self._context_members_
        late = {name for name in _LATER if name in members}
        builtins.late, builtins.make = late, lambda name: members[name].__get__(self)
        for name, value in members.items():
            if name not in late:
                builtins[name] = value.__get__(self) if hasattr(value, "__get__") else value
        names.update((name, builtins[name]) for name in members if name not in late)
        names["context"], names["builtins"] = names, builtins
        for name in macros.keys() & names.keys():
            names[name] = self.namespace[name]
        names.late = {**macros, **dict.fromkeys(late)}
        names.make = lambda name: self.namespace[name] if name in macros else builtins[name]
        return names

    ManifestContext._build_namespace = build_namespace
    ManifestContext.to_dict = quick_to_dict
    call = MacroFuzzEnvironment.call

    def quick_call(
        self: Any, context: Any, function: Any, /, *arguments: Any, **options: Any
    ) -> Any:
        if type(function) is not QuickMacro:
            return call(self, context, function, *arguments, **options)
        options.pop("_block_vars", None)
        options.pop("_loop_vars", None)
        return function(*arguments, **options)

    MacroFuzzEnvironment.call = quick_call
