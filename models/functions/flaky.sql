{{ config(parameters=['data_set']) }}

with

{{ obslake.unknown_name() }}

select
    problem_id,
    test_id,
    step_id,
    implementation_id,
    environment_id,
    n_executions,
    n_runs,
    n_distinct_responses,
    most_frequent_response,
    n_most_frequent,
    other_response
from {{ obslake.relation_without_database(ref('flaky_responses')) }}
where data_set_id = data_set
union all
{{ obslake.unknown_name_row(11) }}
order by problem_id, test_id, step_id, implementation_id, environment_id
