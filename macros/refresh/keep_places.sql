{#- Statements that keep the places of the revisions in whose order the model has just been built; none if it compares
    no revisions. -#}
{% macro keep_places() -%}
    {%- set statements = [] -%}
    {%- set places = obslake.refresh_table('refresh_places') -%}
    {%- set order = obslake.order_of_columns() -%}
    {%- if order -%}
        {%- set stale -%}
            select data_set_id, problem_id from {{ obslake.refresh_table('refresh_problems') }}
            where model = '{{ model.name }}' and is_stale
        {%- endset -%}
        {%- set columns = obslake.refresh_table_columns().refresh_places.keys() | reject('equalto', 'model')
            | join(', ') -%}
        {%- do statements.extend([
            'delete from ' ~ places ~ " where model = '" ~ model.name
            ~ "' and (data_set_id, problem_id) in (" ~ stale ~ ')',
            'insert into ' ~ places ~ ' (model, ' ~ columns ~ ") select '" ~ model.name ~ "', " ~ columns
            ~ ' from ' ~ order ~ ' as places where (data_set_id, problem_id) in (' ~ stale ~ ')',
        ]) -%}
    {%- endif -%}
    {{ return(statements) }}
{%- endmacro %}
