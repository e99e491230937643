-- The problems are exactly those of the cube, with its numbers.

with

problems as (

    select * from {{ ref('problems') }}

),

cube_rows as (

    select * from {{ ref('stimulus_response_cube') }}

),

counted as (

    select
        data_set_id,
        problem_id,
        count(distinct case
            when
                is_final
                and not is_set_aside
                and implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}
                then implementation_id
        end) as n_implementations,
        count(distinct environment_id) as n_environments,
        count(distinct run_id) as n_runs,
        count(*) as n_actuations
    from cube_rows
    group by data_set_id, problem_id

),

final as (

    select
        coalesce(problems.data_set_id, counted.data_set_id) as data_set_id,
        coalesce(problems.problem_id, counted.problem_id) as problem_id,
        problems.n_actuations,
        counted.n_actuations as n_actuations_of_cube
    from problems
    full outer join counted
        on
            problems.data_set_id = counted.data_set_id
            and problems.problem_id = counted.problem_id
    where
        problems.n_implementations is distinct from counted.n_implementations
        or problems.n_environments is distinct from counted.n_environments
        or problems.n_runs is distinct from counted.n_runs
        or problems.n_actuations is distinct from counted.n_actuations

)

select * from final
