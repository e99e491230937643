-- What is known about each problem, as a hash: another load, or another rule, makes another version.

{{ config(materialized='table') }}

with

loads as (

    select load_id from {{ obslake.shown_loads() }}

),

load_problems as (

    select
        load_problems.source_model,
        load_problems.load_id,
        load_problems.data_set_id,
        load_problems.problem_id
    from {{ ref('refresh_load_problems') }} as load_problems
    inner join loads on load_problems.load_id = loads.load_id
    where load_problems.source_model <> 'loads'

),

problems as (

    select distinct
        data_set_id,
        problem_id
    from load_problems
    where problem_id is not null

),

-- A description that names no problem is one of every problem of its data set.
described as (

    select * from load_problems
    where problem_id is not null
    union all
    select
        load_problems.source_model,
        load_problems.load_id,
        load_problems.data_set_id,
        problems.problem_id
    from load_problems
    inner join problems on load_problems.data_set_id = problems.data_set_id
    where load_problems.problem_id is null

),

final as (

    select
        source_model,
        data_set_id,
        problem_id,
        md5(concat_ws(':', {{ obslake.signature('md5(load_id)') }}, '{{ obslake.rules_version() }}')) as version
    from described
    group by source_model, data_set_id, problem_id

)

select * from final
