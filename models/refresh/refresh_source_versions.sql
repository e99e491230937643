-- A version of each problem: a hash that changes with every load of the problem, with its rules and the names of its
-- tests, and when rows of it are forgotten.

{{ config(materialized='table', post_hook="{{ obslake.keep_shown_snapshot() }}") }}

with

loads as (

    select
        load_id,
        revision
    from {{ obslake.shown_loads() }}

),

load_problems as (

    select
        load_problems.source_model,
        load_problems.load_id,
        load_problems.data_set_id,
        load_problems.problem_id,
        -- What is said of the problem as a whole, or of what is right, concerns all implementations.
        max(case
            when
                load_problems.implementation_id is null
                or load_problems.implementation_id = {{ obslake.text_literal(var('obslake_oracle')) }}
                then 1
            else 0
        end) = 1 as is_common
    from {{ ref('refresh_load_problems') }} as load_problems
    inner join loads
        on load_problems.load_id = loads.load_id and load_problems.revision = loads.revision
    where load_problems.source_model <> 'loads'
    group by
        load_problems.source_model, load_problems.load_id, load_problems.data_set_id, load_problems.problem_id

),

problems as (

    select distinct
        data_set_id,
        problem_id
    from load_problems
    where problem_id is not null

),

-- A description without a problem belongs to every problem of its data set.
described as (

    select * from load_problems
    where problem_id is not null
    union all
    select
        load_problems.source_model,
        load_problems.load_id,
        load_problems.data_set_id,
        problems.problem_id,
        load_problems.is_common
    from load_problems
    inner join problems on load_problems.data_set_id = problems.data_set_id
    where load_problems.problem_id is null

),

shown_forgotten as (

    select
        forget_id,
        data_set_id,
        problem_id
    from {{ obslake.shown_forgotten() }}

),

forgotten as (

    select
        problems.data_set_id,
        problems.problem_id,
        {{ obslake.signature('shown_forgotten.forget_id') }} as version
    from problems
    inner join shown_forgotten
        on
            problems.data_set_id = shown_forgotten.data_set_id
            and (shown_forgotten.problem_id is null or problems.problem_id = shown_forgotten.problem_id)
    group by problems.data_set_id, problems.problem_id

),

-- The rules of a problem also decide what its responses mean.
response_rules as (

    select
        'stg_observations' as source_model,
        data_set_id,
        problem_id,
        {{ obslake.signature('version') }} as version
    from {{ ref('refresh_response_rules') }}
    group by data_set_id, problem_id

),

sources_with_tests as (

    select 'stg_observations' as source_model
    union all
    select 'stg_tests' as source_model
    union all
    select 'stg_measurements' as source_model

),

renamed_tests as (

    select
        sources_with_tests.source_model,
        renamed.data_set_id,
        renamed.problem_id,
        {{ obslake.signature("md5(renamed.from_test_id) || ':' || md5(renamed.to_test_id)") }} as version
    from {{ ref('refresh_renamed_tests') }} as renamed
    cross join sources_with_tests
    group by sources_with_tests.source_model, renamed.data_set_id, renamed.problem_id

),

final as (

    select
        described.source_model,
        described.data_set_id,
        described.problem_id,
        md5(concat_ws(
            ':',
            {{ obslake.signature('described.load_id') }},
            max(forgotten.version),
            max(response_rules.version),
            max(renamed_tests.version)
        )) as version,
        md5(concat_ws(
            ':',
            {{ obslake.signature('case when described.is_common then described.load_id end') }},
            max(forgotten.version),
            max(response_rules.version),
            max(renamed_tests.version)
        )) as common,
        {{ obslake.last_change() }} as changed_at
    from described
    left join forgotten
        on described.data_set_id = forgotten.data_set_id and described.problem_id = forgotten.problem_id
    left join response_rules
        on
            described.source_model = response_rules.source_model
            and described.data_set_id = response_rules.data_set_id
            and described.problem_id = response_rules.problem_id
    left join renamed_tests
        on
            described.source_model = renamed_tests.source_model
            and described.data_set_id = renamed_tests.data_set_id
            and described.problem_id = renamed_tests.problem_id
    group by described.source_model, described.data_set_id, described.problem_id
    union all
    -- Voting rules concern only what depends on them.
    select
        'stg_voting_rules' as source_model,
        problems.data_set_id,
        problems.problem_id,
        voting_rules.version,
        voting_rules.version as common,
        {{ obslake.last_change() }} as changed_at
    from problems
    inner join {{ ref('refresh_voting_rules') }} as voting_rules
        on problems.data_set_id = voting_rules.data_set_id and problems.problem_id = voting_rules.problem_id

)

select * from final
