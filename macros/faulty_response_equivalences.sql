{#- Query: the invalid rows of response equivalences, each with its fault. -#}
{% macro faulty_response_equivalences(relation) -%}
    {%- set arguments = [] -%}
    {%- for digits in range(1, 18) -%}
        {%- do arguments.extend([digits | string, digits ~ ' in text']) -%}
    {%- endfor -%}
    select *
    from (
        select
            data_set_id,
            problem_id,
            test_pattern,
            rule,
            argument,
            case
                when
                    coalesce(rule, '') not in (
                        'exact', 'exception_class', 'json', 'significant_digits', 'unordered', 'python_equality',
                        'mask', 'unicode', 'case', 'whitespace'
                    )
                    then
                        'the rule must be exact, exception_class, json, significant_digits, unordered, '
                        || 'python_equality, mask, unicode, case or whitespace'
                when rule in ('exact', 'exception_class', 'unicode', 'case', 'whitespace') and argument is not null
                    then rule || ' takes no argument'
                when rule = 'json' and coalesce(argument, 'spelling') <> 'spelling'
                    then 'the argument of json must be spelling or empty'
                when
                    rule = 'significant_digits'
                    and coalesce(argument, '') not in ({{ obslake.text_literals(arguments) }})
                    then 'the argument of significant_digits must be 1 to 17, or such a number and: in text'
                when rule = 'unordered' and coalesce(argument, 'all') not in ('all', 'outermost')
                    then 'the argument of unordered must be all, outermost or empty'
                when rule = 'python_equality' and coalesce(argument, 'sequences') <> 'sequences'
                    then 'the argument of python_equality must be sequences or empty'
                when rule = 'unicode' and {{ target.type == 'spark' }}
                    then
                        'Spark has no function that composes characters: build these marts on DuckDB, or remove '
                        || 'the rule'
                when
                    count(*) over (
                        partition by
                            data_set_id, problem_id, test_pattern, rule, case when rule = 'mask' then argument end
                    ) > 1
                    then rule || ' is repeated for the same tests'
                when
                    count(*) over (partition by data_set_id, problem_id, test_pattern) > 1
                    and max(case when rule = 'exact' then 1 else 0 end) over (
                        partition by data_set_id, problem_id, test_pattern
                    ) = 1
                    then 'exact excludes other rules for the same tests'
                when rule = 'mask' then {{ obslake.fault_of_mask('argument') }}
            end as fault
        from {{ relation }}
    ) as equivalences
    where fault is not null
{%- endmacro %}
