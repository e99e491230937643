-- The first specified response is what the specified oracle has in the matrix, unless its kind cannot be right; then
-- it is the next alternative, if there is one. Nothing is specified where the oracle has no cell.

with

cells as (

    select
        *,
        response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }}) as can_be_right
    from {{ ref('stimulus_response_matrix') }}
    where implementation_id = {{ obslake.text_literal(var('obslake_oracle')) }}

),

specified as (

    select * from {{ ref('specified_responses') }}
    where is_first

),

final as (

    select
        coalesce(cells.data_set_id, specified.data_set_id) as data_set_id,
        coalesce(cells.problem_id, specified.problem_id) as problem_id,
        coalesce(cells.test_id, specified.test_id) as test_id,
        coalesce(cells.step_id, specified.step_id) as step_id
    from cells
    full outer join specified
        on
            cells.data_set_id = specified.data_set_id
            and cells.problem_id = specified.problem_id
            and cells.test_id = specified.test_id
            and cells.step_id = specified.step_id
    where
        cells.data_set_id is null
        or (cells.can_be_right and cells.response <> coalesce(specified.response, ''))
        or (cells.can_be_right and cells.response_hash <> coalesce(specified.response_hash, ''))
        or (not cells.can_be_right and specified.response is not null and specified.alternative is null)

)

select * from final
