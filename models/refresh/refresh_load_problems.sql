-- Which problems each load says something about: a load is read once, when it is new.

{{ config(materialized='table' if var('obslake_observations') else 'incremental', incremental_strategy='append') }}

with

loads as (

    select load_id from {{ obslake.shown_loads() }}
    {% if is_incremental() %}
    where load_id not in (select built.load_id from {{ this }} as built where built.source_model = 'loads')
    {% endif %}

),

final as (

    {% for source_model in ['stg_observations', 'stg_implementations', 'stg_tests', 'stg_measurements'] %}
        select distinct
            '{{ source_model }}' as source_model,
            load_id,
            data_set_id,
            problem_id
        from {{ ref(source_model) }}
        where load_id in (select loads.load_id from loads)
        union all
    {% endfor %}
    select
        'loads' as source_model,
        load_id,
        cast(null as string) as data_set_id,
        cast(null as string) as problem_id
    from loads

)

select * from final
