{#- Override of dbt-spark's macro, which would leave the files of a dropped Iceberg table. -#}
{% macro spark__drop_relation(relation) -%}
    {%- call statement('drop_relation', auto_begin=false) -%}
        drop {{ relation.type }} if exists {{ relation }}{{ ' purge' if relation.type == 'table' }}
    {%- endcall -%}
{%- endmacro %}
