{#- A text that is not JSON, with its floats rounded to significant digits if the rule asks for it. A float is a word of
    its own: digits with a point or an exponent, without letters beside them. A full stop may follow. Rounded floats
    are marked: otherwise a text such as `.5` would become JSON. -#}
{% macro rounded_text(text) -%}
    {%- set words = '≈?(?:[0-9.][eE][+-][0-9]|[0-9A-Za-z_.])+|[^0-9A-Za-z_.≈]+|≈' -%}
    {%- set float = '^(?:[0-9]+[.][0-9]*|[.][0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?$' -%}
    {%- set number = "replace(piece, '≈', '')" -%}
    {%- set rounded -%}
        case
            {%- for end in ['', '.'] %}
            {%- set core = 'substr(' ~ number ~ ', 1, length(' ~ number ~ ') - ' ~ end | length ~ ')' %}
            when
                piece like '%{{ end }}'
                and regexp_replace({{ core }}, '{{ float }}', '') = ''
                and (piece like '%.%{{ end }}' or lower(piece) like '%e%')
                then '≈' || {{ obslake.canonical_number(core, 'significant_digits', 'false') }} || '{{ end }}'
            {%- endfor %}
            else piece
        end
    {%- endset -%}
    case
        when is_rounded_in_text then {{ obslake.replaced_pieces(text, words, rounded) }}
        else {{ text }}
    end
{%- endmacro %}
