{#- Statements that keep the places of the revisions in whose order the model has just been built; none if it compares
    no revisions. -#}
{% macro keep_orders() -%}
    {%- set statements = [] -%}
    {%- set orders = obslake.refresh_table('refresh_orders') -%}
    {%- set order_name = model.config.meta.get('ordered_by') -%}
    {%- if order_name -%}
        {%- set stale -%}
            select data_set_id, problem_id from {{ obslake.refresh_table('refresh_problems') }}
            where model = '{{ model.name }}' and is_stale
        {%- endset -%}
        {%- set columns = ['data_set_id', 'problem_id', 'lineage', 'environment_id', 'implementation_id',
            'revision_rank'] | join(', ') -%}
        {%- do statements.extend([
            'delete from ' ~ orders ~ " where model = '" ~ model.name
            ~ "' and (data_set_id, problem_id) in (" ~ stale ~ ')',
            'insert into ' ~ orders ~ ' (model, ' ~ columns ~ ") select '" ~ model.name ~ "', " ~ columns
            ~ ' from ' ~ ref(order_name) ~ ' where (data_set_id, problem_id) in (' ~ stale ~ ')',
        ]) -%}
    {%- endif -%}
    {{ return(statements) }}
{%- endmacro %}
