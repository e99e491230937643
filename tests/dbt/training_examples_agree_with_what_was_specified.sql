-- Training examples agree with the specified oracle exactly if their response equals one of its responses in canonical
-- form; nothing is said of responses to another content of the stimulus.

with

examples as (

    select * from {{ ref('training_examples') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

specified_responses as (

    select * from {{ ref('specified_responses') }}

),

specified_stimuli as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id
    from specified_responses
    where is_first

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
    left join specified_stimuli
        on
            examples.data_set_id = specified_stimuli.data_set_id
            and examples.problem_id = specified_stimuli.problem_id
            and examples.test_id = specified_stimuli.test_id
            and examples.step_id = specified_stimuli.step_id
    left join specified_responses
        on
            examples.data_set_id = specified_responses.data_set_id
            and examples.problem_id = specified_responses.problem_id
            and examples.test_id = specified_responses.test_id
            and examples.step_id = specified_responses.step_id
            and matrix.response_hash = specified_responses.response_hash
    where
        examples.agrees_with_specified is distinct from (case
            when matrix.is_current_content and specified_stimuli.test_id is not null
                then specified_responses.response_hash is not null
        end)

)

select * from final
