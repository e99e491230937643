{#- The class of the change between two executed responses that differ, from the columns `content_hash` and `is_right`
    of both relations. -#}
{% macro class_of_change(before, after) -%}
    case
        when {{ before }}.content_hash <> {{ after }}.content_hash then 'stimulus changed'
        when not {{ before }}.is_right and {{ after }}.is_right then 'fixed'
        when {{ before }}.is_right and not {{ after }}.is_right then 'regressed'
        when not {{ before }}.is_right and not {{ after }}.is_right then 'changed, both wrong'
        else 'changed'
    end
{%- endmacro %}
