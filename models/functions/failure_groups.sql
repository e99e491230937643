{{ config(parameters=['data_set', 'of_revision', 'of_lineage := null', 'of_environment := null']) }}

with

wrong as (

    select
        environment_id,
        problem_id,
        test_id,
        step_id,
        response_kind,
        response,
        {{ obslake.normalised_message('response') | indent(8) }} as message
    from {{ obslake.relation_without_database(ref('lineage_states')) }}
    where
        data_set_id = data_set
        and (revision = of_revision or implementation_id = of_revision)
        and lineage = coalesce(of_lineage, lineage)
        and environment_id = coalesce(of_environment, environment_id)
        and is_executed
        and not is_right

),

ranked as (

    select
        *,
        row_number() over (
            partition by response_kind, message
            order by problem_id, test_id, step_id, environment_id
        ) as place,
        dense_rank() over (partition by response_kind, message order by problem_id, test_id) as test_number,
        dense_rank() over (partition by response_kind, message order by environment_id) as environment_number
    from wrong

),

{{ obslake.unknown_name({'of_revision': 'executed revision or implementation'}, optional={
    'of_lineage': 'lineage',
    'of_environment': 'environment',
}) }}

select
    response_kind,
    message,
    max(test_number) as n_tests,
    max(environment_number) as n_environments,
    max(case when place = 1 then problem_id end) as example_problem_id,
    max(case when place = 1 then test_id end) as example_test_id,
    max(case when place = 1 then environment_id end) as example_environment_id,
    max(case when place = 1 then response end) as example_response
from ranked
group by response_kind, message
union all
{{ obslake.unknown_name_row(8) }}
order by n_tests desc, n_environments desc, message asc, response_kind asc
