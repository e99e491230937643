{#- Query without rows that raises the message of `unknown_name`. Engines evaluate only what the caller of a function
    needs, so both its columns and its condition raise it: a count needs no column, and with nulls instead, any other
    condition of the caller would be false without evaluating this one. -#}
{% macro unknown_name_row(n_columns, relation='unknown_name') -%}
select {{ (['error(message)'] * n_columns) | join(', ') }}
from {{ relation }}
where error(message) is not null
{%- endmacro %}
