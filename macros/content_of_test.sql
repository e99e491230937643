{#- The content of a stimulus whose inputs were not recorded: that of its test, if it is known. -#}
{% macro content_of_test() -%}
    md5('test:' || test_content_hash)
{%- endmacro %}
