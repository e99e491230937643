-- The runs are exactly the contexts of the cube, with the numbers, and the first and last times, of their actuations. A
-- run is set aside exactly if all its rows of implementations are, and then has a reason.

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
        max(observed_at) as last_observed_at,
        max(case when is_set_aside then 1 else 0 end) = 1 as is_set_aside,
        max(case
            when not is_set_aside and implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }} then 1
            else 0
        end) = 1 as has_counted_rows
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
        or runs.is_set_aside is distinct from contexts.is_set_aside
        or contexts.is_set_aside and contexts.has_counted_rows
        or runs.is_set_aside and runs.set_aside_reason is null
        or not runs.is_set_aside and runs.set_aside_reason is not null

)

select * from final
