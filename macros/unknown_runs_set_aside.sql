{#- Query: the decisions on runs that no observed run matches. -#}
{% macro unknown_runs_set_aside(decisions, run_failures) -%}
    select
        decisions.data_set_id,
        decisions.environment_id,
        decisions.run_id
    from {{ decisions }} as decisions
    left join {{ run_failures }} as observed
        on
            decisions.run_id = observed.run_id
            and coalesce(decisions.data_set_id, observed.data_set_id) = observed.data_set_id
            and coalesce(decisions.environment_id, observed.environment_id) = observed.environment_id
    where observed.run_id is null
{%- endmacro %}
