"""Explains one cell of a matrix: everything that decides what it is and what it means."""

from typing import Any

from obslake.engine import quote_literal
from obslake.errors import UnknownNameError
from obslake.mcp.answers import MOST_BYTES, MOST_ROWS, Answer, answer
from obslake.query.ask import Limits

# The rules of a test are those of its pattern, or of its problem.
_RULES = """
with pattern as (
    select coalesce(max(test_pattern), '') as test_pattern
    from obslake.main_intermediate.int_test_rules
    where data_set_id = {data_set} and problem_id = {problem} and test_id = {test}
)
select rules.* exclude (data_set_id, problem_id, precedence, version)
from obslake.main_refresh.refresh_response_rules as rules
inner join pattern using (test_pattern)
where rules.data_set_id = {data_set} and rules.problem_id = {problem}
"""

_CELL = "from srm({data_set}, {problem}) {where} and implementation_id = {implementation}"

_ACTUATIONS = """
from src({data_set}, {problem}) {where} and implementation_id = {implementation}
order by observed_at, run_id, environment_id, attempt
"""

# Responses with one hash are equal under the rules, whatever their texts.
_RESPONSES = """
with numbers as (
    select problem_no from obslake.main_refresh.refresh_problem_numbers
    where data_set_id = {data_set} and problem_id = {problem}
)
select
    matrix.response_hash,
    list(distinct matrix.response order by matrix.response) as recorded_responses,
    count(*) as n_implementations,
    count(*) filter (votes.is_vote) as n_votes,
    list(matrix.implementation_id order by matrix.implementation_id) as implementations,
    bool_or(matrix.implementation_id = {implementation}) as has_this_implementation,
    bool_or(specified.response_hash is not null) as is_specified
from obslake.main_intermediate.int_matrix_cells as matrix
left join obslake.main_intermediate.int_votes as votes
    on votes.problem_no = (from numbers)
    and matrix.test_id = votes.test_id and matrix.step_id = votes.step_id
    and matrix.implementation_id = votes.implementation_id
left join specified_responses as specified
    on specified.data_set_id = {data_set} and specified.problem_id = {problem}
    and matrix.test_id = specified.test_id and matrix.step_id = specified.step_id
    and matrix.response_hash = specified.response_hash
where matrix.problem_no = (from numbers)
    and matrix.test_id = {test} and matrix.step_id = {step} and not matrix.is_oracle
group by matrix.response_hash
order by n_votes desc, n_implementations desc, matrix.response_hash
"""

_SPECIFIED = """
select alternative, response, response_kind, response_hash
from specified_responses
where data_set_id = {data_set} and problem_id = {problem} and test_id = {test} and step_id = {step}
order by is_first desc, alternative
"""

# Rules that the project's variables do not have.
_VOTING_RULES = """
select rule, argument from obslake.main_intermediate.int_voting_rules
where data_set_id = {data_set} and problem_id = {problem}
order by all
"""

_ORACLE = "from oracle({data_set}, {problem}) {where}"


def explain(
    home: str | None,
    limits: Limits,
    data_set: str,
    problem: str,
    implementation: str,
    test: str,
    step: int,
) -> Answer:
    """Return one row with everything that decides what a cell is and means.

    Its columns: ``cell``; ``actuations``, all runs and attempts; ``responses``, each distinct response to the
    stimulus with its votes; ``oracle``; ``specified``, all responses that are right; ``rules``, the rules of
    equality of the test, null if texts decide; ``voting_rules``, those that differ from the project's variables.

    Raises:
        UnknownNameError: the implementation has no actuation with this stimulus.
        QueryError: the marts do not have the data set or problem, or a query exceeds a limit.
    """
    names: dict[str, Any] = {
        "data_set": quote_literal(data_set),
        "problem": quote_literal(problem),
        "implementation": quote_literal(implementation),
        "test": quote_literal(test),
        "step": int(step),
    }
    names["where"] = "where test_id = {test} and step_id = {step}".format(**names)
    parts: dict[str, Answer] = {
        name: answer(home, limits, query.format(**names), MOST_ROWS, MOST_BYTES // 7)
        for name, query in {
            "actuations": _ACTUATIONS,
            "cell": _CELL,
            "responses": _RESPONSES,
            "oracle": _ORACLE,
            "specified": _SPECIFIED,
            "voting_rules": _VOTING_RULES,
            "rules": _RULES,
        }.items()
    }
    if not parts["actuations"].rows and not parts["cell"].rows:
        raise UnknownNameError(
            f"no response of implementation {implementation!r} with test {test!r}, step {step}, in problem "
            f"{problem!r} of data set {data_set!r}; srm and src list them"
        )
    snapshots = {part.snapshot_id for part in parts.values()}
    notes = [f"{name}: {note}" for name, part in parts.items() for note in part.notes]
    if len(snapshots) > 1:
        notes.append("the marts were built again meanwhile, so parts may differ: ask again")
    row = {
        "cell": _only(parts["cell"]),
        "actuations": parts["actuations"].rows,
        "responses": parts["responses"].rows,
        "oracle": _only(parts["oracle"]),
        "specified": parts["specified"].rows,
        "rules": _set_rules(parts["rules"]),
        "voting_rules": parts["voting_rules"].rows,
    }
    return Answer(parts["cell"].snapshot_id, [row], bool(notes), notes)


def _only(part: Answer) -> dict[str, Any] | None:
    return part.rows[0] if part.rows else None


def _set_rules(part: Answer) -> dict[str, Any] | None:
    """Return the rules that are set, and the pattern of tests that they are for."""
    if not part.rows:
        return None
    return {
        name: value
        for name, value in part.rows[0].items()
        if name == "test_pattern" or value not in (None, False, "", [])
    }
