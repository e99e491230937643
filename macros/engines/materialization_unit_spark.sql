{#- A unit test whose types are those of the model's relation. If there is none, or it lacks a column, Spark finds them
    with one analysis of the query: dbt's own creates a view for them, and asks for its columns. -#}
{% materialization unit, adapter='spark' -%}
    {%- set expected_rows = config.get('expected_rows') -%}
    {%- set types, quoted = {}, {} -%}
    {%- set name = model.tested_node_unique_id.split('.')[2] -%}
    {%- set built = load_relation(api.Relation.create(schema=model.schema, identifier=name)) -%}
    {%- for column in adapter.get_columns_in_relation(built) if built -%}
        {%- do types.update({column.name | lower: column.data_type}) -%}
    {%- endfor -%}
    {%- if not built or (expected_rows and expected_rows[0] | map('lower') | reject('in', types) | list) -%}
        {%- for column in run_query('describe query ' ~ get_empty_subquery_sql(sql)).rows -%}
            {%- do types.update({column[0] | lower: column[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for column in types -%}
        {%- do quoted.update({column: adapter.quote(column)}) -%}
    {%- endfor -%}
    {%- set compared = [] -%}
    {%- for column in (expected_rows[0] if expected_rows else types) -%}
        {%- do compared.append(quoted[column | lower]) -%}
    {%- endfor -%}
    {%- set expected = config.get('expected_sql') or get_expected_sql(expected_rows, types, quoted) -%}
    {%- call statement('main', fetch_result=true) -%} {{ get_unit_test_sql(sql, expected, compared) }} {%- endcall -%}
    {{ return({'relations': []}) }}
{%- endmaterialization %}
