{#- None of these columns is ever null. One scan checks all of them. -#}
{% test never_null(model, columns) %}

select {{ columns | join(', ') }}
from {{ model }}
where
    {% for column in columns -%}
    {{ 'or ' if not loop.first }}{{ column }} is null
    {% endfor %}

{% endtest %}
