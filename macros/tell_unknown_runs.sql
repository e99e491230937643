{#- Say which decisions on runs match no run. That is not an error, because the run may be loaded later. -#}
{% macro tell_unknown_runs(decisions, run_failures) -%}
    {%- if execute and model.resource_type == 'model' and flags.WHICH in ['run', 'build'] -%}
        {%- for row in run_query(
            obslake.unknown_runs_set_aside(decisions, run_failures) ~ ' order by 1, 2, 3'
        ).rows -%}
            {%- do log(
                'runs_set_aside, data set ' ~ (row[0] or '(any)') ~ ', environment ' ~ (row[1] or '(any)')
                ~ ', run ' ~ row[2] ~ ': no implementation has rows of this run', info=true
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
