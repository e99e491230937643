-- The stimulus-response matrix of a problem in tall form: one row per stimulus and implementation. Rows are in no particular order.
-- Parameters: data_set, problem

select
    test_id,
    step_id,
    implementation_id,
    response,
    response_kind,
    operation,
    target,
    inputs,
    is_stable
from int_actuations
where data_set_id = :data_set and problem_id = :problem and is_cell
