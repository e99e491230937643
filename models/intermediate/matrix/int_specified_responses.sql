-- The responses that are right by the specified oracle: the alternatives of the run whose first one is its cell of the
-- matrix. Of equal responses the first stays.

{{ config(meta={
    'content_of': 'int_specified_responses',
    'content': ['test_id', 'step_id', 'alternative', 'response', 'response_kind', 'response_hash', 'is_first']
}) }}

{%- set stimulus = ['data_set_id', 'problem_id', 'test_id', 'step_id'] %}

with

oracle_rows as (

    select * from {{ obslake.stale_rows(ref('int_actuations'), has_number=true) }}
    where is_oracle and is_executed

),

cells as (

    select * from oracle_rows
    where is_cell

),

alternatives as (

    select oracle_rows.*
    from oracle_rows
    inner join cells
        on {{ obslake.equal_columns(
            'oracle_rows', 'cells', stimulus + ['environment_id', 'run_id', 'attempt']
        ) | indent(12) }}
    where oracle_rows.response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})

),

ranked as (

    select
        *,
        row_number() over (
            partition by {{ stimulus | join(', ') }}
            order by alternative asc nulls first
        ) as place,
        row_number() over (
            partition by {{ stimulus | join(', ') }}, response_hash
            order by alternative asc nulls first
        ) as place_among_equals
    from alternatives

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        alternative,
        response,
        response_kind,
        response_hash,
        place = 1 as is_first,
        problem_no
    from ranked
    where place_among_equals = 1

)

select * from final
