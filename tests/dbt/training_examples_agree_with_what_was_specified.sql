-- Training examples agree with the specified oracle exactly if their response equals its response in canonical form;
-- nothing is said of responses to another content of the stimulus.

with

examples as (

    select * from {{ ref('training_examples') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

specified as (

    select * from matrix
    where
        implementation_id = {{ obslake.text_literal(var('obslake_oracle')) }}
        and response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})

),

final as (

    select
        examples.data_set_id,
        examples.problem_id,
        examples.test_id,
        examples.step_id,
        examples.implementation_id
    from examples
    inner join matrix
        on
            examples.data_set_id = matrix.data_set_id
            and examples.problem_id = matrix.problem_id
            and examples.test_id = matrix.test_id
            and examples.step_id = matrix.step_id
            and examples.implementation_id = matrix.implementation_id
    left join specified
        on
            examples.data_set_id = specified.data_set_id
            and examples.problem_id = specified.problem_id
            and examples.test_id = specified.test_id
            and examples.step_id = specified.step_id
    where
        examples.agrees_with_specified is distinct from
        (case when matrix.is_current_content then matrix.response_hash end = specified.response_hash)

)

select * from final
