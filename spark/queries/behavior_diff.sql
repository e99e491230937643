-- The stimuli of a problem to which two implementations responded differently, with both responses; a response is null if the implementation did not execute the stimulus.
-- Parameters: data_set, problem, implementation_a, implementation_b

with

a as (

    select * from stimulus_response_matrix
    where data_set_id = :data_set and problem_id = :problem and implementation_id = :implementation_a

),

b as (

    select * from stimulus_response_matrix
    where data_set_id = :data_set and problem_id = :problem and implementation_id = :implementation_b

)

select
    coalesce(a.test_id, b.test_id) as test_id,
    coalesce(a.step_id, b.step_id) as step_id,
    coalesce(a.operation, b.operation) as operation,
    coalesce(a.inputs, b.inputs) as inputs,
    a.response as response_a,
    b.response as response_b
from a
full outer join b on a.test_id = b.test_id and a.step_id = b.step_id
where a.response_hash is distinct from b.response_hash
order by test_id, step_id
