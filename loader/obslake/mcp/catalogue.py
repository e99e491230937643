"""Lists what there is to ask about."""

from obslake.engine import quote_literal
from obslake.mcp.answers import Answer, answer
from obslake.query.ask import Limits, open_marts
from obslake.query.names import check_names

OVERVIEW = """
select
    data_set_id,
    count(*) as n_problems,
    sum(n_actuations) as n_actuations,
    max(n_implementations) as most_implementations_of_a_problem,
    (select count(distinct run_id) from runs where runs.data_set_id = problems.data_set_id) as n_runs,
    (
        select count(distinct run_id) from runs
        where runs.data_set_id = problems.data_set_id and is_set_aside
    ) as n_runs_set_aside_in_some_environment,
    (select max(last_observed_at) from runs where runs.data_set_id = problems.data_set_id) as last_observed_at,
    (
        select list(distinct lineage order by lineage) from implementations
        where implementations.data_set_id = problems.data_set_id and lineage is not null
    ) as lineages
from problems
group by data_set_id
order by data_set_id
"""

_PROBLEMS = """
select problems.*, assessments.* exclude (data_set_id, problem_id, n_implementations)
from problems
left join problem_assessments as assessments
    on problems.data_set_id = assessments.data_set_id and problems.problem_id = assessments.problem_id
where problems.data_set_id = {data_set} and contains(lower(problems.problem_id), lower({text}))
order by problems.problem_id
"""


def problems(home: str | None, limits: Limits, data_set: str, text: str, limit: int) -> Answer:
    """List the problems of a data set with a text in their names, in any case of letters.

    Raises:
        UnknownNameError: the marts do not have the data set.
        QueryError: there are no marts, or the query exceeds a limit.
    """
    with open_marts(home) as marts:
        check_names(marts, "data set", [data_set])
    query = _PROBLEMS.format(data_set=quote_literal(data_set), text=quote_literal(text))
    return answer(home, limits, query, limit)
