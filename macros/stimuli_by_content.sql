{#- Common table expressions, the last of which is `stimuli`: the rows of `relation` with the id and the content of
    their stimulus. Without inputs, the content is that of the test. -#}
{% macro stimuli_by_content(relation, cell, columns) -%}
with_inputs as (

    select * from {{ relation }}
    where inputs is not null

),

with_contents as (

    {{ obslake.with_contents('with_inputs', cell + ['run_id']) | indent(4) }}

),

stimuli as (

    select
        {{ columns | join(', ') }},
        cast(step_id as string) as stimulus_id,
        case when is_executed then {{ obslake.content_of_test() }} end as content_hash
    from {{ relation }}
    where inputs is null
    union all
    select
        {{ columns | join(', ') }},
        concat_ws(':', input_hash, cast(occurrence as string)) as stimulus_id,
        content_hash
    from with_contents

)
{%- endmacro %}
