{#- Query of the hash of what stands in the stale columns of each problem, as the node shows it. -#}
{% macro stale_contents(node) -%}
    select
        stored.data_set_id,
        stored.problem_id,
        {{ obslake.signature_of_rows('stored', node.config.meta.content) }} as content
    from {{ this }} as stored
    inner join {{ obslake.refresh_table('refresh_columns') }} as stale
        on
            stale.model = '{{ model.name }}'
            and stored.data_set_id = stale.data_set_id
            and stored.problem_id = stale.problem_id
            and stored.implementation_id = stale.implementation_id
    {%- if node.config.meta.content_rows %}
    where stored.{{ node.config.meta.content_rows }}
    {%- endif %}
    group by stored.data_set_id, stored.problem_id
{%- endmacro %}
