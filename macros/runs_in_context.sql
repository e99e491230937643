{#- Query: the runs, in their environments, that `obslake_as_of` names. A revision names the runs that executed it. -#}
{% macro runs_in_context(run_failures, implementations) -%}
    {%- set context = obslake.as_of_context() -%}
    select distinct
        executed.data_set_id,
        executed.run_id,
        executed.environment_id
    from {{ run_failures }} as executed
    {%- if 'revision' in context %}
    inner join (
        select
            data_set_id,
            problem_id,
            implementation_id,
            {{ obslake.latest_by_load('revision') }} as revision
        from {{ implementations }}
        where implementation_id is not null
        group by data_set_id, problem_id, implementation_id
    ) as described
        on
            executed.data_set_id = described.data_set_id
            and executed.problem_id = described.problem_id
            and executed.implementation_id = described.implementation_id
            and described.revision = {{ context.revision }}
    {%- endif %}
    where
        executed.n_tests > 0
        {%- for column in ['data_set_id', 'run_id', 'environment_id'] if column in context %}
        and executed.{{ column }} = {{ context[column] }}
        {%- endfor %}
{%- endmacro %}
