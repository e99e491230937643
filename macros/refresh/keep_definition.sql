{#- Statements that keep from which query the view or function of the model is created. -#}
{% macro keep_definition(sql) -%}
    {%- do obslake.note_change() -%}
    {%- set models = obslake.refresh_table('refresh_models') -%}
    {{ return([
        'delete from ' ~ models ~ " where model = '" ~ model.name ~ "'",
        'insert into ' ~ models ~ " (model, docs) values ('" ~ model.name ~ "', '"
        ~ obslake.definition_version(sql) ~ "')",
    ] if 'obslake_run' in graph else []) }}
{%- endmacro %}
