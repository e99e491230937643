{#- Common table expressions, the last of which is `executions`: the executed rows of a relation with the id of their
    content, as `flaky_responses` compares them: that of the test if it was recorded, else that of what was put in.
    A sequence is the columns that identify a test in a run, without the run and the attempt. -#}
{% macro executions_by_content(relation, sequence) -%}
with_inputs as (

    select * from {{ relation }}
    where inputs is not null

),

with_contents as (

    {{ obslake.with_contents('with_inputs', sequence + ['run_id', 'attempt']) | indent(4) }}

),

{%- set columns = sequence + ['step_id', 'run_id', 'attempt', 'revision_place', 'is_final', 'response', 'response_hash',
    'observed_at'] %}

executions as (

    select
        {{ columns | join(',\n        ') }},
        coalesce({{ obslake.content_of_test() }}, content_hash) as content_id
    from with_contents
    union all
    select
        {{ columns | join(',\n        ') }},
        coalesce({{ obslake.content_of_test() }}, '') as content_id
    from {{ relation }}
    where inputs is null

)
{%- endmacro %}
