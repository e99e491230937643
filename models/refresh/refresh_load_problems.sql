-- The problems, and implementations of them, that have rows in each load. A load is read once, and again when rows of
-- it are forgotten. Nothing is ever dropped from here: tables may still contain the rows of a load that is gone.

{{ config(
    materialized='table' if var('obslake_observations') else 'incremental',
    incremental_strategy='append',
    full_refresh=false if obslake.refreshes_columns() else none,
    post_hook='{{ obslake.keep_loads() }}'
) }}

with

loads as (

    select
        load_id,
        revision
    from {{ obslake.shown_loads() }}
    {% if is_incremental() %}
    where (load_id, revision) not in (
        select
            built.load_id,
            built.revision
        from {{ this }} as built
        where built.source_model = 'loads'
    )
    {% endif %}

),

final as (

    {#- Dates of revisions only decide their order, which is a table with a version of its own. -#}
    {%- set counted = 'coalesce(stored.implementation_id, stored.problem_id, stored.system) is not null' -%}
    {% for name in ['observations', 'implementations', 'tests', 'measurements'] %}
        select distinct
            'stg_{{ name }}' as source_model,
            loads.load_id,
            loads.revision,
            stored.data_set_id,
            stored.problem_id,
            {% if name in ['observations', 'implementations'] and obslake.refreshes_columns() -%}
                stored.implementation_id
            {%- else -%}
                cast(null as string) as implementation_id
            {%- endif %}
        from {{ ref('stg_' ~ name) if var('obslake_observations') else source('obslake', name) }} as stored
        inner join loads on stored.load_id = loads.load_id
        where {{ counted if name == 'implementations' else '1 = 1' }}
        union all
    {% endfor %}
    select
        'loads' as source_model,
        load_id,
        revision,
        cast(null as string) as data_set_id,
        cast(null as string) as problem_id,
        cast(null as string) as implementation_id
    from loads

)

select * from final
