-- Every executed test, with the latest value of each attribute in its descriptions.

with

cells as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }}

),

descriptions as (

    select * from {{ obslake.stale_rows(ref('stg_tests')) }}

),

observed as (

    select
        data_set_id,
        problem_id,
        test_id,
        count(distinct step_id) as n_steps,
        count(distinct case when not is_oracle then implementation_id end) as n_implementations
    from cells
    group by data_set_id, problem_id, test_id

),

described as (

    select
        data_set_id,
        problem_id,
        test_id,
        {{ obslake.latest_by_load('stimulus_sheet') }} as stimulus_sheet,
        {{ obslake.latest_by_load('interface') }} as interface,
        {{ obslake.latest_by_load('language') }} as language,
        {{ obslake.latest_by_load('content_hash') }} as content_hash,
        {{ obslake.latest_by_load('origin') }} as origin
    from descriptions
    group by data_set_id, problem_id, test_id

),

final as (

    select
        observed.data_set_id,
        observed.problem_id,
        observed.test_id,
        observed.n_steps,
        observed.n_implementations,
        described.stimulus_sheet,
        described.interface,
        described.language,
        described.content_hash,
        described.origin
    from observed
    left join described
        on
            observed.data_set_id = described.data_set_id
            and observed.problem_id = described.problem_id
            and observed.test_id = described.test_id

)

select * from final
