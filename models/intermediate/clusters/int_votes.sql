-- The responses of the implementations that may vote, to the current contents of the stimuli.

{{ config(materialized='view') }}

with

cells as (

    select * from {{ obslake.relation_without_database(ref('int_matrix_cells')) }}
    where not is_oracle

),

matrix_columns as (

    select * from {{ obslake.relation_without_database(ref('int_implementation_signatures')) }}
    where is_voter

),

other_contents as (

    select * from {{ obslake.relation_without_database(ref('int_other_contents')) }}

),

ruled_votes as (

    select * from {{ obslake.relation_without_database(ref('int_ruled_votes')) }}

),

final as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.test_id,
        cells.step_id,
        cells.implementation_id,
        matrix_columns.signature as cluster_id,
        cells.response,
        cells.response_hash,
        coalesce(
            ruled_votes.is_vote, cells.response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})
        ) as is_vote,
        cells.problem_no
    from cells
    inner join matrix_columns
        on
            cells.data_set_id = matrix_columns.data_set_id
            and cells.problem_id = matrix_columns.problem_id
            and cells.implementation_id = matrix_columns.implementation_id
    left join other_contents
        on
            cells.problem_no = other_contents.problem_no
            and cells.data_set_id = other_contents.data_set_id
            and cells.problem_id = other_contents.problem_id
            and cells.test_id = other_contents.test_id
            and cells.step_id = other_contents.step_id
            and cells.implementation_id = other_contents.implementation_id
    left join ruled_votes
        on
            cells.data_set_id = ruled_votes.data_set_id
            and cells.problem_id = ruled_votes.problem_id
            and cells.response_kind = ruled_votes.response_kind
            and cells.response = ruled_votes.response
    where other_contents.implementation_id is null

)

select * from final
