{#- A unit test whose types Spark finds with one analysis of the query: dbt's own creates a view for them, and asks for
    its columns. -#}
{% materialization unit, adapter='spark' -%}
    {%- set expected_rows = config.get('expected_rows') -%}
    {%- set types, quoted = {}, {} -%}
    {%- for column in run_query('describe query ' ~ get_empty_subquery_sql(sql)).rows -%}
        {%- do types.update({column[0] | lower: column[1]}) -%}
        {%- do quoted.update({column[0] | lower: adapter.quote(column[0])}) -%}
    {%- endfor -%}
    {%- set compared = [] -%}
    {%- for name in (expected_rows[0] if expected_rows else types) -%}
        {%- do compared.append(quoted[name | lower]) -%}
    {%- endfor -%}
    {%- set expected = config.get('expected_sql') or get_expected_sql(expected_rows, types, quoted) -%}
    {%- call statement('main', fetch_result=true) -%} {{ get_unit_test_sql(sql, expected, compared) }} {%- endcall -%}
    {{ return({'relations': []}) }}
{%- endmaterialization %}
