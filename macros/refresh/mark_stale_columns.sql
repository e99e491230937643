{#- Statements that write down which columns of its stale problems the model has to build: those with rows in loads that
    appeared or disappeared since it was built, or all.

    A model may compare revisions in their order (`meta.ordered_by`). A column then concerns those that come with or
    after it, and so does one whose place in the order has changed. -#}
{% macro mark_stale_columns() -%}
    {%- set problems = obslake.refresh_table('refresh_problems') -%}
    {%- set columns = obslake.refresh_table('refresh_columns') -%}
    {%- set order = obslake.order_of_columns() -%}
    {%- set changed -%}
        select distinct
            problems.data_set_id,
            problems.problem_id,
            problems.problem_no,
            loaded.implementation_id
        from {{ problems }} as problems
        inner join {{ obslake.refresh_table('refresh_load_problems') }} as loaded
            on
                problems.data_set_id = loaded.data_set_id
                and problems.problem_id = loaded.problem_id
                and loaded.source_model in ({{ obslake.text_literals(obslake.staging_above(model.unique_id)) }})
        inner join {{ obslake.refresh_table('refresh_loads') }} as loads
            on
                loaded.load_id = loads.load_id
                and loaded.revision = loads.revision
                and loads.changed_at > problems.since
        where problems.model = '{{ model.name }}' and problems.is_stale and loaded.implementation_id is not null
    {%- endset -%}
    {%- set statements = ['delete from ' ~ columns ~ " where model = '" ~ model.name ~ "'"] -%}
    {%- set insertion -%}
        insert into {{ columns }} (model, data_set_id, problem_id, problem_no, implementation_id)
        select '{{ model.name }}', data_set_id, problem_id, problem_no, implementation_id
        from ({{ changed }}) as changed
    {%- endset -%}
    {%- do statements.append(insertion) -%}
    {%- if order -%}
        {%- do statements.append(obslake.mark_later_columns(order)) -%}
    {%- endif -%}
    {{ return(statements) }}
{%- endmacro %}
