{#- A relation by schema and name only: the file of the marts may be opened or attached under any name, so what
    is stored in it as text must not say the one that it had while it was built. -#}
{% macro relation_without_database(relation) -%}
    {{ return(relation.include(database=false)) }}
{%- endmacro %}
