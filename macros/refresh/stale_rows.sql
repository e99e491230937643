{#- The rows of a relation that a model which is refreshed problem by problem has to read: those of the problems
    that are stale, or all of them where the model is built for the first time, or in full. Where rows have the number
    of their problem, they are found by it. -#}
{% macro stale_rows(relation, has_number=false) -%}
    {%- if not execute -%}
        {#- So that dbt builds first what says which problems are stale. -#}
        {%- do [ref('refresh_source_versions'), ref('refresh_built_versions'), ref('refresh_stale_problems')] -%}
        {%- do [ref('refresh_model_snapshots'), ref('refresh_shown_snapshot')] -%}
        {%- do [ref('refresh_problem_numbers')] -%}
    {%- endif -%}
    {#- A unit test builds nothing, so nothing can be stale. -#}
    {%- if model.resource_type == 'model' and is_incremental() -%}
    (
        select stored.* from {{ relation }} as stored
        -- A join, which lets the engine skip what holds none of these problems.
        inner join {{ ref('refresh_stale_problems') }} as stale
            on
                stale.model = '{{ model.name }}'
                and stored.data_set_id = stale.data_set_id
                and stored.problem_id = stale.problem_id
                {%- if has_number %}
                and stored.problem_no = stale.problem_no
                {%- endif %}
    )
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro %}
