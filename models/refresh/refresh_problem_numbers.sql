-- A number for each problem, by which tables of many problems are sorted and filtered: DuckDB's table statistics keep
-- only the first eight bytes of a text, and problem names often begin alike. Numbers are never reused, because tables
-- store them.

{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false) }}

with

problems as (

    select distinct
        data_set_id,
        problem_id
    from {{ ref('refresh_source_versions') }}

),

numbered as (

    {% if is_incremental() %}
        select * from {{ this }}
    {% else %}
        select
            *,
            0 as problem_no
        from problems
        where 1 = 0
    {% endif %}

),

greatest_number as (

    select coalesce(max(problem_no), 0) as problem_no from numbered

),

unnumbered as (

    select
        problems.data_set_id,
        problems.problem_id
    from problems
    left join numbered
        on problems.data_set_id = numbered.data_set_id and problems.problem_id = numbered.problem_id
    where numbered.problem_no is null

),

final as (

    select
        unnumbered.data_set_id,
        unnumbered.problem_id,
        cast(
            greatest_number.problem_no
            + row_number() over (order by unnumbered.data_set_id, unnumbered.problem_id)
            as int
        ) as problem_no
    from unnumbered
    cross join greatest_number

)

select * from final
