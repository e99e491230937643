{#- Query: the invalid rows of response equivalences, each with its fault. -#}
{% macro faulty_response_equivalences(relation) -%}
    select *
    from (
        select
            data_set_id,
            problem_id,
            rule,
            argument,
            case
                when coalesce(rule, '') not in ('exact', 'exception_class', 'json', 'significant_digits', 'unordered')
                    then 'the rule must be exact, exception_class, json, significant_digits or unordered'
                when rule in ('exact', 'exception_class', 'json') and argument is not null
                    then rule || ' takes no argument'
                when
                    rule = 'significant_digits'
                    and coalesce(argument, '') not in ({{ obslake.text_literals(range(1, 18) | map('string')) }})
                    then 'the argument of significant_digits must be 1 to 17'
                when rule = 'unordered' and coalesce(argument, 'all') not in ('all', 'outermost')
                    then 'the argument of unordered must be all, outermost or empty'
                when count(*) over (partition by data_set_id, problem_id, rule) > 1
                    then rule || ' is repeated for the same problems'
                when
                    count(*) over (partition by data_set_id, problem_id) > 1
                    and max(case when rule = 'exact' then 1 else 0 end) over (partition by data_set_id, problem_id) = 1
                    then 'exact excludes other rules for the same problems'
            end as fault
        from {{ relation }}
    ) as equivalences
    where fault is not null
{%- endmacro %}
