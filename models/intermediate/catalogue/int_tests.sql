-- Every executed test, with the latest value of each attribute in its descriptions, under any of its names.

with

cells as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }}

),

descriptions as (

    select * from {{ obslake.stale_rows(ref('stg_tests')) }}

),

renamed_tests as (

    select * from {{ ref('refresh_renamed_tests') }}

),

renamed_descriptions as (

    select
        descriptions.data_set_id,
        descriptions.problem_id,
        coalesce(renamed_tests.to_test_id, descriptions.test_id) as test_id,
        descriptions.stimulus_sheet,
        descriptions.interface,
        descriptions.language,
        descriptions.content_hash,
        descriptions.origin,
        descriptions.load_id
    from descriptions
    left join renamed_tests
        on
            descriptions.data_set_id = renamed_tests.data_set_id
            and descriptions.problem_id = renamed_tests.problem_id
            and descriptions.test_id = renamed_tests.from_test_id

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
    from renamed_descriptions
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
