{#- The class of the change between two executed responses that differ, from the columns `content_hash`,
    `test_content_hash`, `step_id` and `is_right` of both relations. The same step of the same test is the same
    stimulus, even if its inputs were recorded after the call had changed them. -#}
{% macro class_of_change(before, after) -%}
    case
        when
            {{ before }}.content_hash <> {{ after }}.content_hash
            and not coalesce(
                {{ before }}.test_content_hash = {{ after }}.test_content_hash
                and {{ before }}.step_id = {{ after }}.step_id,
                false
            )
            then 'stimulus changed'
        when not {{ before }}.is_right and {{ after }}.is_right then 'fixed'
        when {{ before }}.is_right and not {{ after }}.is_right then 'regressed'
        when not {{ before }}.is_right and not {{ after }}.is_right then 'changed, both wrong'
        else 'changed'
    end
{%- endmacro %}
