"""The implementation under test: its operations are the functions, or the class, of this module.

The tests call only this module, so the same tests run against every package. Each package gives one recording
and one column of the matrix.
"""

from __future__ import annotations

from typing import Any

from problems import Problem, load_problem


def use(problem_id: str, adapter_name: str) -> Problem:
    """Select the adapter under test; its operations become names of this module."""
    problem = load_problem(problem_id)
    adapter = problem.adapter(adapter_name)
    if problem.type_name:
        adapter.__name__ = adapter.__qualname__ = problem.type_name
    globals().update(_names(problem, adapter))
    return problem


def targets(problem: Problem, adapter_name: str) -> list[str]:
    """Recording targets in this module once the adapter is selected."""
    return [f"{__name__}:{name}" for name in _names(problem, problem.adapter(adapter_name))]


def _names(problem: Problem, adapter: Any) -> dict[str, Any]:
    """The class of the objects under test, or the functions of the operations that the adapter offers."""
    if problem.type_name:
        return {problem.type_name: adapter}
    operations = {name: _operation(problem, adapter, name) for name in problem.operations}
    return {name: function for name, function in operations.items() if function is not None}


def _operation(problem: Problem, adapter: Any, operation: str) -> Any:
    if operation in problem.derived:
        derive = problem.derived[operation]

        def derived(text: Any) -> Any:
            return derive(adapter, text)

        return derived
    return getattr(adapter, operation, None) if isinstance(adapter, type) else adapter
