{#- A text as one of `text_rules` changes it. -#}
{% macro changed_text(rule, text) -%}
    {%- if rule == 'unicode' -%}
        {{ return(obslake.composed_text(text)) }}
    {%- elif rule == 'case' -%}
        {{ return(obslake.small_letters(text)) }}
    {%- endif -%}
    {%- set wide = '\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}' -%}
    {%- set blank = '[ \\t\\n\\x0B\\f\\r\\x{85}\\x{A0}' ~ wide ~ ']+' -%}
    {{ return('trim(' ~ obslake.replaced_matches(text, blank, ' ') ~ ')') }}
{%- endmacro %}
