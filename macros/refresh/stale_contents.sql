{#- Query of the hash of what stands in the stale columns of each problem, or in the stale problems, as the node shows
    it. -#}
{% macro stale_contents(node) -%}
    select
        stored.data_set_id,
        stored.problem_id,
        {{ obslake.signature_of_rows('stored', node.config.meta.content) }} as content
    from {{ this }} as stored
    {%- set stale_table = 'refresh_columns' if obslake.builds_columns() else 'refresh_problems' %}
    inner join {{ obslake.refresh_table(stale_table) }} as stale
        on
            stale.model = '{{ model.name }}'
            and stored.data_set_id = stale.data_set_id
            and stored.problem_id = stale.problem_id
            {%- if obslake.builds_columns() %}
            and stored.implementation_id = stale.implementation_id
            {%- else %}
            and stale.is_stale
            {%- endif %}
    {%- if node.config.meta.content_rows %}
    where stored.{{ node.config.meta.content_rows }}
    {%- endif %}
    group by stored.data_set_id, stored.problem_id
{%- endmacro %}
