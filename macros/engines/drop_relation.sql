{#- How dbt-spark drops a relation, of which Iceberg would leave the files: of a full refresh all that there was. -#}
{% macro spark__drop_relation(relation) -%}
    {%- call statement('drop_relation', auto_begin=false) -%}
        drop {{ relation.type }} if exists {{ relation }}{{ ' purge' if relation.type == 'table' }}
    {%- endcall -%}
{%- endmacro %}
