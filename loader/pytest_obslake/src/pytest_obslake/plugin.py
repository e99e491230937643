"""The options of pytest-obslake. Without ``--obslake`` no other module of the plugin is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

_INI_OPTIONS = {
    "obslake_target": (
        "linelist",
        "what to record: package.module, or package.module:name,Class.method",
    ),
    "obslake_nested": ("bool", "also record calls between targets"),
    "obslake_problem": ("string", "the problem that the targets solve"),
    "obslake_data_set": ("string", "the data set that the records belong to"),
    "obslake_lineage": ("string", "the lineage that the implementation is a revision of"),
    "obslake_max_bytes": ("string", "keep only the hash of longer texts"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup(
        "obslake", "recording the answers of the code under test (pytest-obslake)"
    )

    def add(option: str, metavar: str, text: str, **more: Any) -> None:
        destination = option.lstrip("-").replace("-", "_")
        group.addoption(option, dest=destination, metavar=metavar, help=text, **more)

    add(
        "--obslake",
        "FILE",
        "record the calls of the targets in FILE (JSON Lines; compressed if it ends in .gz)",
    )
    add(
        "--obslake-target",
        "MODULE[:NAME,…]",
        "what to record: a module with its public functions and classes, or some of them, such as "
        "package.module:function,Class,Class.method; may be repeated",
        action="append",
    )
    group.addoption(
        "--obslake-nested",
        dest="obslake_nested",
        action="store_true",
        default=None,
        help="also record calls between targets",
    )
    add(
        "--obslake-problem",
        "ID",
        "the problem that the targets solve (default: the first target's module)",
    )
    add("--obslake-data-set", "ID", "the data set that the records belong to")
    add(
        "--obslake-implementation",
        "ID",
        "the implementation under test (default: distribution@version, else module@commit, else the module)",
    )
    add(
        "--obslake-lineage",
        "NAME",
        "the lineage that it is a revision of (default: the distribution or module)",
    )
    add("--obslake-revision", "REVISION", "revision (default: the version or commit)")
    add("--obslake-environment", "ID", "environment (default: such as cpython-3.11-linux-x86_64)")
    add("--obslake-run", "ID", "the run (default: the CI service's, else a new one)")
    add("--obslake-max-bytes", "N", "keep only the hash of longer texts (default: 65536)", type=int)
    for name, (kind, text) in _INI_OPTIONS.items():
        parser.addini(name, text, type=kind, default=None)  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Set up recording if ``--obslake`` is given."""
    file = config.getoption("obslake")
    if not file:
        return
    from pytest_obslake import context, finding, recorder, session, targets

    chosen = _option(config, "obslake_target") or []
    if not chosen:
        raise pytest.UsageError("--obslake needs --obslake-target=package.module[:name,…]")
    try:
        for target in chosen:
            finding.parse(target)
    except targets.TargetError as error:
        raise pytest.UsageError(str(error)) from None
    try:
        max_bytes = int(_option(config, "obslake_max_bytes") or recorder.DEFAULT_MAX_BYTES)
    except ValueError as error:
        raise pytest.UsageError(f"obslake_max_bytes: {error}") from None

    worker_input = getattr(config, "workerinput", {})
    pipeline = context.pipeline(os.environ)
    run_id = (
        worker_input.get("obslake_run")
        or config.getoption("obslake_run")
        or context.new_run_id(pipeline)
    )
    if not worker_input and config.getoption("dist", "no") != "no":
        config.pluginmanager.register(session.ControllingSession(run_id), "obslake-controller")
        return
    worker = worker_input.get("workerid")
    path = Path(config.invocation_params.dir, file).absolute()
    settings = session.Settings(
        file=_worker_file(path, worker) if worker else path,
        targets=chosen,
        run_id=run_id,
        pipeline=pipeline,
        worker=worker,
        nested=bool(_option(config, "obslake_nested")),
        max_bytes=max_bytes,
        problem=_option(config, "obslake_problem"),
        data_set=_option(config, "obslake_data_set"),
        implementation=config.getoption("obslake_implementation"),
        lineage=_option(config, "obslake_lineage"),
        revision=config.getoption("obslake_revision"),
        environment=config.getoption("obslake_environment"),
    )
    config.pluginmanager.register(session.RecordingSession(config, settings), "obslake-session")


def _option(config: pytest.Config, name: str) -> Any:
    """Return an option from the command line, else from the ini file."""
    value = config.getoption(name)
    return (config.getini(name) or None) if value is None else value


def _worker_file(path: Path, worker: str) -> Path:
    """Return the file of a worker: ``records.gw0.jsonl.gz`` for ``records.jsonl.gz``."""
    compression = path.suffix if path.suffix == ".gz" else ""
    plain = path.name[: len(path.name) - len(compression)]
    stem, suffix = os.path.splitext(plain)
    return path.with_name(f"{stem}.{worker}{suffix}{compression}")
