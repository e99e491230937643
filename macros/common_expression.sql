{#- A regular expression of the regular expressions, between slashes, that RE2 and Java read alike, for the rule
    `mask`. Left out is what they read differently or only one of them knows: `.`, `^`, `$`, `\b`, `\s`, flags,
    look-around, references, a group that is repeated and may match nothing, ranges of anything but ASCII letters or
    digits. Groups are at most three deep. -#}
{% macro common_expression() -%}
    {%- set special = '\\\\^$.|?*+(){}' -%}
    {%- set escape = '\\\\(?:[dwtnrf]|[!-/:-@\\[-`{-~])' -%}
    {%- set item = '(?:[^\\\\^\\[\\]&-]|' ~ escape ~ ')' -%}
    {%- set span = '(?:[0-9]-[0-9]|[a-z]-[a-z]|[A-Z]-[A-Z])' -%}
    {%- set class = '\\[\\^?(?:' ~ span ~ '|' ~ item ~ ')+\\]' -%}
    {%- set atom = '(?:[^' ~ special ~ '\\[\\]]|' ~ escape ~ '|' ~ class ~ ')' -%}
    {%- set count = '\\{[1-9][0-9]{0,2}(?:,[0-9]{0,3})?\\}' -%}
    {%- set loop = '(?:\\+|' ~ count ~ ')\\??' -%}
    {%- set solid = '(?:' ~ atom ~ '(?:' ~ loop ~ ')?)+' -%}
    {%- set repeated = '\\(\\?:' ~ solid ~ '(?:\\|' ~ solid ~ ')*\\)(?:\\*\\??|' ~ loop ~ ')' -%}
    {%- set piece = atom ~ '(?:[*?]\\??|' ~ loop ~ ')?' -%}
    {%- set nested = namespace(piece='(?:' ~ piece ~ '|' ~ repeated ~ ')') -%}
    {%- for depth in range(3) -%}
        {%- set parts = nested.piece ~ '+' -%}
        {%- set group = '\\(\\?:' ~ parts ~ '(?:\\|' ~ parts ~ ')*\\)(?:\\?\\??)?' -%}
        {%- set nested.piece = '(?:' ~ group ~ '|' ~ piece ~ '|' ~ repeated ~ ')' -%}
    {%- endfor -%}
    {{ return('^/' ~ nested.piece ~ '+(?:\\|' ~ nested.piece ~ '+)*/$') }}
{%- endmacro %}
