{#- A JSON string whose characters are escaped only where RFC 8785 escapes them, if `json` has the argument `spelling`.
    Half of a surrogate pair stays an escape. -#}
{% macro decoded_string(token) -%}
    {%- set high = '\\\\u[dD][89abAB][0-9a-fA-F]{2}' -%}
    {%- set low = '\\\\u[dD][c-fC-F][0-9a-fA-F]{2}' -%}
    {%- set pieces = high ~ low ~ '|\\\\u[0-9a-fA-F]{4}|\\\\.|[^\\\\]+' -%}
    {%- set short_escapes = {
        '22': '"', '5c': '\\', '08': 'b', '09': 't', '0a': 'n', '0c': 'f', '0d': 'r',
    } -%}
    {%- set escape -%}
        case
            when piece = {{ obslake.text_literal('\\/') }} then '/'
            when substr(piece, 1, 2) <> {{ obslake.text_literal('\\u') }} then piece
            {%- for digits, short in short_escapes.items() %}
            when lower(substr(piece, 3)) = '00{{ digits }}' then {{ obslake.text_literal('\\' ~ short) }}
            {%- endfor %}
            when substr(piece, 3, 3) in ('000', '001') then lower(piece)
            when length(piece) = 6 and lower(substr(piece, 3, 2)) between 'd8' and 'df' then lower(piece)
            else {{ obslake.escaped_character('piece') }}
        end
    {%- endset -%}
    case
        when is_by_spelling and instr({{ token }}, {{ obslake.text_literal('\\') }}) > 0
            then {{ obslake.replaced_pieces(token, pieces, escape) }}
        else {{ token }}
    end
{%- endmacro %}
