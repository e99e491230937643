-- The matrix is the collapsed cube, recomputed without windows: the last executed attempt of each run in an environment
-- counts if it is not set aside, and the latest of these is the cell; ties go to the greatest run and environment. A
-- cell is a copy of that actuation, with its number of runs and its stability, and both sides have the same cells.

with

cube_rows as (

    select * from {{ ref('stimulus_response_cube') }}
    where {{ obslake.is_executed('response_kind') }} and not is_set_aside

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

retried as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        environment_id,
        run_id,
        max(attempt) as attempt
    from cube_rows
    where attempt > 0
    group by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id

),

contexts as (

    select cube_rows.*
    from cube_rows
    left join retried
        on
            cube_rows.data_set_id = retried.data_set_id
            and cube_rows.problem_id = retried.problem_id
            and cube_rows.test_id = retried.test_id
            and cube_rows.step_id = retried.step_id
            and cube_rows.implementation_id = retried.implementation_id
            and cube_rows.environment_id = retried.environment_id
            and cube_rows.run_id = retried.run_id
    where retried.attempt is null or retried.attempt = cube_rows.attempt

),

compared as (

    select
        coalesce(contexts.data_set_id, matrix.data_set_id) as data_set_id,
        coalesce(contexts.problem_id, matrix.problem_id) as problem_id,
        coalesce(contexts.test_id, matrix.test_id) as test_id,
        coalesce(contexts.step_id, matrix.step_id) as step_id,
        coalesce(contexts.implementation_id, matrix.implementation_id) as implementation_id,
        contexts.run_id,
        contexts.response_hash,
        matrix.n_runs,
        matrix.is_stable,
        case
            when
                contexts.run_id = matrix.run_id
                and contexts.environment_id = matrix.environment_id
                and contexts.observed_at = matrix.observed_at
                and (contexts.operation is not distinct from matrix.operation)
                and (contexts.target is not distinct from matrix.target)
                and (contexts.inputs is not distinct from matrix.inputs)
                and (contexts.response is not distinct from matrix.response)
                and (contexts.response_kind is not distinct from matrix.response_kind)
                and (contexts.response_hash is not distinct from matrix.response_hash)
                then 1
            else 0
        end as is_copied,
        case
            when contexts.observed_at <> matrix.observed_at
                then case when contexts.observed_at > matrix.observed_at then 1 else 0 end
            when contexts.run_id <> matrix.run_id
                then case when contexts.run_id > matrix.run_id then 1 else 0 end
            when contexts.environment_id > matrix.environment_id then 1
            else 0
        end as is_later
    from contexts
    full outer join matrix
        on
            contexts.data_set_id = matrix.data_set_id
            and contexts.problem_id = matrix.problem_id
            and contexts.test_id = matrix.test_id
            and contexts.step_id = matrix.step_id
            and contexts.implementation_id = matrix.implementation_id

),

runs as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        run_id,
        max(n_runs) as n_runs,
        max(case when is_stable then 1 else 0 end) as is_stable,
        min(response_hash) as least_hash,
        max(response_hash) as greatest_hash,
        sum(is_copied) as n_copied,
        sum(is_later) as n_later
    from compared
    group by data_set_id, problem_id, test_id, step_id, implementation_id, run_id

),

cells as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        implementation_id,
        max(n_runs) as n_runs,
        count(*) as n_runs_of_cube,
        max(is_stable) as is_stable,
        case when min(least_hash) = max(greatest_hash) then 1 else 0 end as is_stable_in_cube,
        coalesce(sum(n_copied), 0) as n_copied,
        coalesce(sum(n_later), 0) as n_later
    from runs
    group by data_set_id, problem_id, test_id, step_id, implementation_id

),

final as (

    select * from cells
    where
        n_copied <> 1
        or n_later <> 0
        or n_runs <> n_runs_of_cube
        or is_stable <> is_stable_in_cube

)

select * from final
