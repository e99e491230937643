{#- Relation with the `load_id` of every load that is shown, and its `revision`, which is another one once rows of
    it were forgotten. -#}
{% macro shown_loads() -%}
    {%- if var('obslake_observations') -%}
        (
            {% for source_model in ['stg_observations', 'stg_implementations', 'stg_tests', 'stg_measurements'] -%}
            select load_id, '' as revision from {{ ref(source_model) }}
            {{ 'union' if not loop.last }}
            {% endfor -%}
        ) as loads
    {%- else -%}
        {{ source('obslake', 'loads') }}
    {%- endif -%}
{%- endmacro %}
