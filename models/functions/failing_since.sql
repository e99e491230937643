{{ config(parameters=['data_set', 'of_lineage']) }}

with

{{ obslake.unknown_name({'of_lineage': 'lineage'}) }}

select
    problem_id,
    environment_id,
    test_id,
    step_id,
    state,
    first_wrong_revision,
    first_wrong_implementation_id,
    first_wrong_at,
    last_right_revision,
    last_right_at,
    n_revisions_since,
    response,
    executed_revision,
    run_id,
    observed_at
from {{ obslake.relation_without_database(ref('latest_state')) }}
where
    data_set_id = data_set
    and lineage = of_lineage
    and first_wrong_implementation_id is not null
    and state <> 'gone'
union all
{{ obslake.unknown_name_row(15) }}
order by first_wrong_at desc, problem_id asc, environment_id asc, test_id asc, step_id asc
