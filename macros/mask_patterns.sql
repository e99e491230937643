{#- The lists of the rule `mask`, in the order in which they apply: regular expressions of what differs between runs.
    Their group is text that stays. RE2 and Java read these expressions alike. A path may have parts that are masked
    already; nothing else matches a mask, so that a masked text stays as it is. -#}
{% macro mask_patterns() -%}
    {%- set hexadecimal = '[0-9a-fA-F]' -%}
    {%- set date = '[0-9]{4}[/-][0-9]{2}[/-][0-9]{2}' -%}
    {%- set zone = '(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?' -%}
    {%- set time = '[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?' -%}
    {%- set day = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)' -%}
    {%- set month = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)' -%}
    {%- set units = 'ns|us|µs|ms|s|sec|secs|seconds?|min|mins|minutes?|h|hours?' -%}
    {#- Escapes of JSON end with a letter, which belongs to no word. -#}
    {%- set start = '(\\b|\\\\[nrt])' -%}
    {%- set before_path = '(^|\\\\[nrt]|[ \\t\\n\\r"\'`(=,:;<>|{\\[])' -%}
    {%- set segment = '[0-9A-Za-z_.@+~%$' ~ obslake.mask_character() ~ '-]+' -%}
    {{ return({
        'timestamps':
            '()(?:' ~ date ~ '[T ]' ~ time ~ zone
            ~ '|' ~ day ~ ',? [0-9]{1,2} ' ~ month ~ ' [0-9]{4} ' ~ time ~ zone
            ~ '|' ~ day ~ ' ' ~ month ~ ' {1,2}[0-9]{1,2} ' ~ time ~ '(?: [A-Z]{3,4})? [0-9]{4})',
        'uuids': '()' ~ hexadecimal ~ '{8}(?:-' ~ hexadecimal ~ '{4}){3}-' ~ hexadecimal ~ '{12}',
        'hex_addresses': '()(?:0[xX]' ~ hexadecimal ~ '{6,16}|@[0-9a-f]{5,8}\\b)',
        'temporary_names':
            start ~ '(?:tmp(?:[0-9a-z_]{8}|[0-9]{9,20}|[.-][0-9A-Za-z]{6,10})'
            ~ '|pytest-of-[0-9A-Za-z_.-]+/pytest-[0-9]+|junit-?[0-9]{9,20})\\b',
        'absolute_paths':
            before_path ~ '(?:(?:/' ~ segment ~ '){2,}/?|[A-Za-z]:(?:\\\\{1,2}' ~ segment ~ ')+)',
        'line_numbers': '((?:\\b|\\\\[nrt])[Ll]ines? |\\.[A-Za-z]{1,5}:)[0-9]+(?:[:-][0-9]+)?\\b',
        'durations': start ~ '[0-9]+(?:\\.[0-9]+)?(?:e-[0-9]+)? ?(?:' ~ units ~ ')\\b',
    }) }}
{%- endmacro %}
