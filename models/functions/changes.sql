{{ config(parameters=['data_set', 'of_lineage']) }}

with

{{ obslake.unknown_name({'of_lineage': 'lineage'}) }}

select
    problem_id,
    environment_id,
    test_id,
    step_id,
    previous_step_id,
    previous_implementation_id,
    implementation_id,
    revision_rank,
    change,
    same_content_test_id,
    was_right,
    is_right,
    operation,
    inputs,
    previous_inputs,
    previous_response,
    response,
    previous_run_id,
    run_id,
    previous_observed_at,
    observed_at
from {{ obslake.relation_without_database(ref('behavior_changes')) }}
where data_set_id = data_set and lineage = of_lineage
union all
{{ obslake.unknown_name_row(21) }}
order by problem_id, environment_id, revision_rank, test_id, step_id, change
