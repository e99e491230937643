{#- Query in brackets: the revision of each implementation, whether it was executed or not. -#}
{% macro described_revisions(implementations) -%}
    (
        select
            data_set_id,
            problem_id,
            implementation_id,
            {{ obslake.latest_by_load('revision') }} as revision
        from {{ implementations }}
        where implementation_id is not null
        group by data_set_id, problem_id, implementation_id
    )
{%- endmacro %}
