{{ config(parameters=['data_set', 'problem']) }}

with

{{ obslake.unknown_name({'problem': 'problem'}) }}

select
    test_id,
    step_id,
    implementation_id,
    response,
    response_kind,
    operation,
    target,
    inputs,
    is_stable
from {{ obslake.relation_without_database(ref('stimulus_response_matrix')) }}
where data_set_id = data_set and problem_id = problem
union all
{{ obslake.unknown_name_row(9) }}
