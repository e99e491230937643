-- The runs are exactly the contexts of the cube, with the numbers and the first and last times of their actuations.

with

runs as (

    select * from {{ ref('runs') }}

),

cube_rows as (

    select * from {{ ref('stimulus_response_cube') }}

),

contexts as (

    select
        data_set_id,
        run_id,
        environment_id,
        count(*) as n_actuations,
        min(observed_at) as first_observed_at,
        max(observed_at) as last_observed_at
    from cube_rows
    group by data_set_id, run_id, environment_id

),

final as (

    select
        coalesce(runs.data_set_id, contexts.data_set_id) as data_set_id,
        coalesce(runs.run_id, contexts.run_id) as run_id,
        coalesce(runs.environment_id, contexts.environment_id) as environment_id,
        runs.n_actuations,
        contexts.n_actuations as n_actuations_of_cube
    from runs
    full outer join contexts
        on
            runs.data_set_id = contexts.data_set_id
            and runs.run_id = contexts.run_id
            and runs.environment_id = contexts.environment_id
    where
        runs.n_actuations is distinct from contexts.n_actuations
        or runs.first_observed_at is distinct from contexts.first_observed_at
        or runs.last_observed_at is distinct from contexts.last_observed_at

)

select * from final
