{#- A text that is not JSON, with its floats rounded to significant digits if the rule asks for it. A float is a word of
    its own: digits with a point or an exponent, without letters beside them. A full stop may follow. -#}
{% macro rounded_text(text) -%}
    {%- set words = '(?:[0-9.][eE][+-][0-9]|[0-9A-Za-z_.])+|[^0-9A-Za-z_.]+' -%}
    {%- set float = '^(?:[0-9]+[.][0-9]*|[.][0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?$' -%}
    {%- set rounded -%}
        case
            when regexp_replace(piece, '{{ float }}', '') = '' and (piece like '%.%' or lower(piece) like '%e%')
                then {{ obslake.canonical_number('piece', 'significant_digits', 'false') }}
            when
                piece like '%.'
                and regexp_replace(substr(piece, 1, length(piece) - 1), '{{ float }}', '') = ''
                and (piece like '%.%.' or lower(piece) like '%e%')
                then {{ obslake.canonical_number(
                    'substr(piece, 1, length(piece) - 1)', 'significant_digits', 'false'
                ) }} || '.'
            else piece
        end
    {%- endset -%}
    case
        when is_rounded_in_text then {{ obslake.replaced_pieces(text, words, rounded) }}
        else {{ text }}
    end
{%- endmacro %}
