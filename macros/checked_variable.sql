{#- The value of a project variable; an error if it is not allowed. -#}
{% macro checked_variable(name) -%}
    {%- set rules = {
        'obslake_one_vote_per': {'values': ['implementation', 'code', 'origin']},
        'obslake_minimal_support': {'least': 1, 'expression': obslake.support_expression()},
        'obslake_pass_at_k': {'least': 1, 'most': 1000},
        'obslake_suite_rounds': {'least': 1},
        'obslake_leave_out': {'some_of': ['assessments', 'agreements', 'suites']},
    } -%}
    {%- set rule, value = rules[name], var(name) -%}
    {%- if 'values' in rule -%}
        {%- set is_right, wanted = value in rule['values'], rule['values'] | join(' or ') -%}
    {%- elif 'some_of' in rule -%}
        {%- set is_list = value is iterable and value is not string and value is not mapping -%}
        {%- set is_right = is_list and value | reject('in', rule['some_of']) | list == [] -%}
        {%- set wanted = 'a list of some of ' ~ rule['some_of'] | join(', ') -%}
    {%- else -%}
        {%- set most = rule.get('most') -%}
        {%- set is_number = value is integer and value is not boolean -%}
        {%- set is_right = is_number and value >= rule.least and value <= (most or value) -%}
        {%- set wanted = 'a whole number from ' ~ rule.least ~ (' to ' ~ most if most else '') -%}
        {%- if 'expression' in rule -%}
            {%- set is_share = value is string and ' of ' in value and modules.re.match(rule.expression, value) -%}
            {%- set is_right = is_number and is_right or is_share and obslake.is_share_in_range(value) -%}
            {%- set wanted = wanted ~ ', or a share such as 0.5 of voters' -%}
        {%- endif -%}
    {%- endif -%}
    {%- if not is_right -%}
        {{ exceptions.raise_compiler_error(name ~ ' must be ' ~ wanted ~ ', not ' ~ tojson(value)) }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}
