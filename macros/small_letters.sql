{#- A text in small letters of Latin, Greek, Cyrillic and Armenian; engines disagree on others. The base64 text of bytes
    stays as it is. -#}
{% macro small_letters(text) -%}
    {%- set capitals = [] -%}
    {%- set small = [] -%}
    {%- for first, last in [(65, 90), (192, 591), (880, 1366), (7680, 8191)] -%}
        {%- for code in range(first, last + 1) -%}
            {%- set letter = '%c' | format(code) -%}
            {%- if letter | lower != letter and letter | lower | length == 1 -%}
                {%- do capitals.append(letter) -%}
                {%- do small.append(letter | lower) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- The only capital whose small form has two characters. -#}
    {%- set lowered -%}
        translate(replace(piece, 'İ', 'i̇'), '{{ capitals | join }}', '{{ small | join }}')
    {%- endset -%}
    {%- set blanks = '[ \\t\\n\\r]*' -%}
    {%- set bytes = '"[$](?:bytes|bytearray)"' ~ blanks ~ ':' ~ blanks ~ '"[^"]*"' -%}
    case
        when {{ text }} like '%"$byte%'
            then {{ obslake.replaced_pieces(
                text,
                bytes ~ '|[^"]+|"',
                "case when piece like '\"$byte%' then piece else " ~ lowered ~ ' end'
            ) }}
        else {{ lowered | replace('(piece,', '(' ~ text ~ ',') }}
    end
{%- endmacro %}
