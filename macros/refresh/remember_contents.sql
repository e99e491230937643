{#- Statements that write down what stands in the stale columns, before they are built again. -#}
{% macro remember_contents() -%}
    {%- set statements = [] -%}
    {%- set contents = obslake.refresh_table('refresh_contents') -%}
    {%- for node in obslake.contents() -%}
        {%- do statements.extend([
            'delete from ' ~ contents ~ " where model = '" ~ node.name ~ "'",
            'insert into ' ~ contents ~ ' (model, data_set_id, problem_id, content)'
            ~ " select '" ~ node.name ~ "', * from (" ~ obslake.stale_contents(node) ~ ') as stored',
        ]) -%}
    {%- endfor -%}
    {{ return(statements) }}
{%- endmacro %}
