{#- A relation by schema and name only: the database of the marts may be opened or attached under any name, so views and
    functions stored in it must not contain the name that it had while it was built. -#}
{% macro relation_without_database(relation) -%}
    {{ return(relation.include(database=false)) }}
{%- endmacro %}
