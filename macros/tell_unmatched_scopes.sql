{#- Say which scopes of a seed's rules no problem has. That is not an error: the problem may be loaded later. -#}
{% macro tell_unmatched_scopes(seed, rules, problems) -%}
    {%- set query -%}
        select distinct
            rules.data_set_id,
            rules.problem_id
        from {{ rules }} as rules
        left join {{ problems }} as problems
            on
                coalesce(rules.data_set_id, problems.data_set_id) = problems.data_set_id
                and coalesce(rules.problem_id, problems.problem_id) = problems.problem_id
        where problems.problem_id is null and coalesce(rules.data_set_id, rules.problem_id) is not null
        order by 1, 2
    {%- endset -%}
    {%- if execute and model.resource_type == 'model' and flags.WHICH in ['run', 'build'] -%}
        {%- for row in run_query(query).rows -%}
            {%- do log(
                seed ~ ', data set ' ~ (row[0] or '(any)') ~ ', problem ' ~ (row[1] or '(any)')
                ~ ': no problem has these rules', info=true
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
