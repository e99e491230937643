{{ config(parameters=['data_set', 'problem']) }}

with

{{ obslake.unknown_name({'problem': 'problem'}) }}

select
    test_id,
    step_id,
    implementation_id,
    environment_id,
    run_id,
    attempt,
    response,
    response_kind,
    duration_ns,
    observed_at,
    git_commit,
    git_branch,
    pipeline,
    is_set_aside
from {{ obslake.relation_without_database(ref('stimulus_response_cube')) }}
where data_set_id = data_set and problem_id = problem
union all
{{ obslake.unknown_name_row(14) }}
