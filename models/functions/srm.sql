{{ config(parameters=['data_set', 'problem']) }}

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
