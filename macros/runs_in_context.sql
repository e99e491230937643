{#- Query: the runs, in their environments, that a context names. A revision names the runs that executed it. A part of
    the context that is null names all. -#}
{% macro runs_in_context(run_failures, implementations, context) -%}
    select distinct
        executed.data_set_id,
        executed.run_id,
        executed.environment_id
    from {{ run_failures }} as executed
    {%- if 'revision' in context %}
    left join {{ implementations }} as described
        on
            executed.data_set_id = described.data_set_id
            and executed.problem_id = described.problem_id
            and executed.implementation_id = described.implementation_id
    {%- endif %}
    where
        executed.n_tests > 0
        {%- for column, name in context.items() %}
        {%- set known = ('described.' if column == 'revision' else 'executed.') ~ column %}
        and coalesce({{ known }} = {{ name }}, {{ name }} is null)
        {%- endfor %}
{%- endmacro %}
