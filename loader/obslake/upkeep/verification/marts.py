"""Checks the marts against the observations in the snapshot that they were built from."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from obslake.engine import (
    load_extensions,
    quote_identifier,
    quote_literal,
    reason,
    run_sql_file,
    set_variables,
)
from obslake.errors import ObslakeError
from obslake.lakehouse.catalog import Lakehouse
from obslake.lakehouse.ledger import current_state, state_at, states
from obslake.lakehouse.schemas import OBSERVATIONS
from obslake.lakehouse.views import create_source_views
from obslake.upkeep.verification.report import Check, one_line

_MARTS = "marts"
_CUBE_KEY = (
    "test_id",
    "step_id",
    "implementation_id",
    "environment_id",
    "run_id",
    "attempt",
)
_MATRIX_KEY = _CUBE_KEY[:3]

# For each mart the expected rows, from verify_marts.sql, and the rows of the mart in the same columns.
_COMPARED = {
    "stimulus_response_matrix": (
        "select data_set_id, problem_id, test_id, step_id, implementation_id, operation, target, inputs, "
        "response, response_kind, run_id, environment_id, observed_at, canonical from verified_cells",
        "select data_set_id, problem_id, test_id, step_id, implementation_id, operation, target, inputs, "
        "response, response_kind, run_id, environment_id, observed_at, response_hash "
        "from {schema}.stimulus_response_matrix",
    ),
    "behavior_clusters": (
        "select data_set_id, problem_id, implementation_id, is_voter, n_stimuli, exemplar, n_implementations "
        "from verified_members",
        "select m.data_set_id, m.problem_id, m.implementation_id, m.is_voter, c.n_stimuli, "
        "c.exemplar_implementation_id, c.n_implementations "
        "from {schema}.behavior_cluster_members as m left join {schema}.behavior_clusters as c "
        "using (data_set_id, problem_id, cluster_id)",
    ),
    "consensus_oracles": (
        "select data_set_id, problem_id, test_id, step_id, consensus, n_voters, n_votes, n_runner_up_votes, "
        "n_distinct_responses, n_votes_needed, oracle_response, specified_response, agrees_with_specified "
        "from verified_oracles",
        "select data_set_id, problem_id, test_id, step_id, consensus, n_voters, n_votes, n_runner_up_votes, "
        "n_distinct_responses, n_votes_needed, oracle_response, specified_response, agrees_with_specified "
        "from {schema}.consensus_oracles",
    ),
    "specified_responses": (
        "select data_set_id, problem_id, test_id, step_id, canonical, alternative, response, response_kind, "
        "is_first from verified_specified",
        "select data_set_id, problem_id, test_id, step_id, response_hash, alternative, response, response_kind, "
        "is_first from {schema}.specified_responses",
    ),
}

# For marts that were built before these rules existed.
_DEFAULT_RULES = {"one_vote_per": "implementation", "minimal_support": 1}

# Models whose rows are compared, and those between them and the observations.
_MODELS = (
    "int_actuations",
    "int_run_signatures",
    "int_column_signatures",
    "int_implementation_signatures",
    "int_clusters",
    "behavior_clusters",
    "behavior_cluster_members",
    "consensus_oracles",
)


@dataclass(frozen=True)
class _Built:
    """The inputs of a build of the marts.

    Attributes:
        snapshot_id: snapshot of observations.
        digest: state of the snapshot, see `TableState.digest`.
        rules: values of the dbt variables.
        schema: schema of the marts, quoted.
    """

    snapshot_id: int
    digest: str
    rules: Mapping[str, Any]
    schema: str


def check_marts(
    lakehouse: Lakehouse, connection: duckdb.DuckDBPyConnection, sample: int, *, is_sound: bool
) -> list[Check]:
    """Compare the marts with the observations they were built from.

    Marts that are older than the lakehouse are not a fault.

    Args:
        lakehouse: the lakehouse.
        connection: the connection to use; the marts are attached read-only.
        sample: for how many problems matrices, clusters and oracles are computed again.
        is_sound: whether the observations can be read; otherwise nothing is compared.
    """
    counts, computed = Check("marts: counts"), Check("marts: computed again")
    if not lakehouse.marts_path.exists():
        counts.notes.append("the marts are not built yet: run `obslake build`")
    elif not is_sound:
        counts.notes.append("the marts were not compared, because files of observations are faulty")
    else:
        try:
            _check(lakehouse, connection, sample, counts, computed)
        except ObslakeError as error:
            # Unreadable metadata is reported as a fault of its table.
            counts.notes.append(f"the marts were not compared: {one_line(error)}")
        except duckdb.Error as error:
            if "lock" in str(error):
                counts.notes.append("the marts were not compared: another process has them open")
            else:
                counts.fault(str(lakehouse.marts_path), reason(error))
    return [counts, computed]


def _check(
    lakehouse: Lakehouse,
    connection: duckdb.DuckDBPyConnection,
    sample: int,
    counts: Check,
    computed: Check,
) -> None:
    path = quote_literal(str(lakehouse.marts_path))
    connection.execute(f"attach {path} as {_MARTS} (read_only)")
    built = _built(connection, counts)
    if built is None:
        return
    observations = lakehouse.table(OBSERVATIONS)
    metadata = observations.metadata
    # A snapshot with the same rows is as good, for example one of a compaction.
    same = [s for s, state in states(metadata) if state.digest() == built.digest]
    snapshot = metadata.snapshot_by_id(built.snapshot_id) or (same[-1] if same else None)
    if snapshot is None:
        counts.notes.append(
            f"the marts were built from snapshot {built.snapshot_id}, which no longer exists: "
            "they were not compared; run `obslake build`"
        )
        return
    _note_age(state_at(metadata, snapshot).loads, current_state(metadata).loads, counts)
    load_extensions(connection)
    create_source_views(lakehouse, connection, snapshot.snapshot_id)
    # Views among the marts look for their tables in the current database.
    connection.execute(f"use {_MARTS}")
    _check_counts(connection, built, counts)
    _compute_again(connection, built, sample, computed)


def _built(connection: duckdb.DuckDBPyConnection, check: Check) -> _Built | None:
    """Return what the marts were built from; None, with a note, if that is unknown."""
    schemas = dict(
        connection.execute(
            "select table_name, table_schema from information_schema.tables where table_catalog = ? "
            "and table_name in ('refresh_models', 'consensus_oracles')",
            [_MARTS],
        ).fetchall()
    )
    if len(schemas) < 2:
        check.notes.append("the marts do not record what they were built from: run `obslake build`")
        return None
    table = f"{_MARTS}.{quote_identifier(schemas['refresh_models'])}.refresh_models"
    found = connection.execute(
        f"select snapshot_id, digest, rules, count(*) from {table} where list_contains(?, model) "
        "group by all",
        [list(_MODELS)],
    ).fetchall()
    if len(found) != 1 or found[0][-1] != len(_MODELS):
        check.notes.append(
            "the marts were built by several runs of some models each: they were not compared; "
            "run `obslake build`"
        )
        return None
    ((snapshot_id, digest, rules, _),) = found
    if snapshot_id is None:
        check.notes.append("the marts were built before anything was loaded: run `obslake build`")
        return None
    schema = quote_identifier(schemas["consensus_oracles"])
    return _Built(int(snapshot_id), digest, json.loads(rules), schema)


def _note_age(built: Iterable[str], now: Iterable[str], check: Check) -> None:
    newer, gone = set(now) - set(built), set(built) - set(now)
    for loads, what in ((newer, "were built before"), (gone, "still include")):
        if loads:
            noun = "load" if len(loads) == 1 else "loads"
            rolled_back = ", rolled back since" if loads is gone else ""
            check.notes.append(
                f"the marts {what} {len(loads):,} {noun}{rolled_back}: run `obslake build`"
            )


def _check_counts(connection: duckdb.DuckDBPyConnection, built: _Built, check: Check) -> None:
    """Compare the numbers of cells problem by problem."""
    _copy_decisions(connection, built)
    keys = {"stimulus_response_cube": _CUBE_KEY, "stimulus_response_matrix": _MATRIX_KEY}
    for mart, key in keys.items():
        counted = (
            "where response_kind not in ('not_executed', 'skipped') and (implementation_id = $1 "
            "or (data_set_id, problem_id, run_id, environment_id) not in (from set_aside_runs))"
        )
        where, values = (counted, [built.rules["oracle"]]) if key is _MATRIX_KEY else ("", [])
        problems = connection.execute(
            "with expected as (select data_set_id, problem_id, count(*) as n from ("
            f"select distinct data_set_id, problem_id, {', '.join(key)} "
            f"from recorded {where}) group by data_set_id, problem_id), "
            "found as (select data_set_id, problem_id, count(*) as n "
            f"from {built.schema}.{mart} group by data_set_id, problem_id) "
            "select data_set_id, problem_id, coalesce(found.n, 0), coalesce(expected.n, 0) "
            "from expected full join found using (data_set_id, problem_id) order by all",
            values,
        ).fetchall()
        check.counted += len(problems)
        for data_set, problem, found, expected in problems:
            if found != expected:
                check.fault(
                    f"{mart}: data set {data_set!r}, problem {problem!r}",
                    f"has {found:,} rows instead of {expected:,}",
                )


def _compute_again(
    connection: duckdb.DuckDBPyConnection, built: _Built, sample: int, check: Check
) -> None:
    """Compute the results of some problems again, with other SQL than the models, and compare them."""
    set_variables(connection, {**_DEFAULT_RULES, **built.rules})
    _copy_hashes(connection, built)
    connection.execute(
        "create or replace temp table verified_problems as "
        "select data_set_id, problem_id from recorded "
        "group by data_set_id, problem_id order by random() limit ?",
        [sample],
    )
    run_sql_file(connection, Path(__file__).with_name("verify_marts.sql"))
    check.counted += _first(connection, "select count(*) from verified_problems")[0]
    built_marts = connection.execute(
        "select table_name from information_schema.tables where table_catalog = ? and table_schema = ?",
        [_MARTS, built.schema.strip('"')],
    ).fetchall()
    for mart, (expected, found) in _COMPARED.items():
        # Earlier versions built fewer marts.
        if (mart,) not in built_marts:
            continue
        found = (
            f"select rows.* from ({found.format(schema=built.schema)}) as rows "
            "semi join verified_problems using (data_set_id, problem_id)"
        )
        differing = connection.execute(
            "select data_set_id, problem_id, count(*) from ("
            f"(({expected}) except all ({found})) union all (({found}) except all ({expected}))"
            ") group by data_set_id, problem_id order by all"
        ).fetchall()
        for data_set, problem, n in differing:
            check.fault(
                f"{mart}: data set {data_set!r}, problem {problem!r}",
                f"{n:,} {'row differs' if n == 1 else 'rows differ'} from what the observations give",
            )


def _copy_decisions(connection: duckdb.DuckDBPyConnection, built: _Built) -> None:
    """Copy decisions that are not computed again.

    Makes the view ``recorded``, observations with the latest names of their tests, and the tables
    ``set_aside_runs``, ``test_rules`` and ``other_contents``, the cells that answer a stimulus before it was
    edited.
    """
    problem = ("data_set_id", "problem_id")
    for table, columns in {
        "refresh_renamed_tests": (*problem, "from_test_id", "to_test_id"),
        "int_test_rules": (*problem, "test_id", "test_pattern"),
        "int_set_aside_runs": (*problem, "run_id", "environment_id"),
        "int_other_contents": (*problem, "test_id", "step_id", "implementation_id"),
    }.items():
        _copy(connection, built, table, columns, table.partition("_")[2])
    connection.execute(
        "create or replace temp view recorded as "
        "select o.* replace (coalesce(r.to_test_id, o.test_id) as test_id) "
        "from memory.lake.observations as o left join renamed_tests as r on o.data_set_id = r.data_set_id "
        "and o.problem_id = r.problem_id and o.test_id = r.from_test_id"
    )


def _copy_hashes(connection: duckdb.DuckDBPyConnection, built: _Built) -> None:
    """Copy what is not computed again: hashes of equal responses, code and origins, and the voting rules."""
    problem = ("data_set_id", "problem_id")
    hashes = (*problem, "response_kind", "test_pattern", "exact_hash", "response_hash")
    _copy(connection, built, "int_canonical_responses", hashes, "canonical_hashes")
    described = (*problem, "implementation_id", "content_hash", "origin")
    _copy(connection, built, "implementations", described, "described")
    _copy(connection, built, "int_voting_rules", (*problem, "rule", "argument"), "voting_rules")


def _copy(
    connection: duckdb.DuckDBPyConnection,
    built: _Built,
    model: str,
    columns: Sequence[str],
    copy: str,
) -> None:
    """Copy columns of a model beside the marts.

    If an earlier version built them, columns that it did not have are empty, and a model that it did not have has
    no rows.
    """
    found = connection.execute(
        "select table_schema, list(column_name) from information_schema.columns "
        "where table_catalog = ? and table_name = ? group by table_schema "
        "order by starts_with(table_schema, ?) desc, table_schema limit 1",
        [_MARTS, model, built.schema.strip('"')],
    ).fetchone()
    schema, known = found or ("", [])
    selected = ", ".join(name if name in known else f"'' as {name}" for name in columns)
    rows = f"from {_MARTS}.{quote_identifier(schema)}.{model}" if found else "limit 0"
    connection.execute(f"create or replace temp table {copy} as select {selected} {rows}")


def _first(connection: duckdb.DuckDBPyConnection, query: str) -> Sequence[Any]:
    (row,) = connection.execute(query).fetchall()
    return row
