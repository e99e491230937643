-- The stimulus-response cube of a problem: one row per stimulus, implementation, environment, run and attempt. Rows are in no particular order.
-- Parameters: data_set, problem

select
    test_id,
    step_id,
    implementation_id,
    environment_id,
    run_id,
    attempt,
    response,
    response_kind,
    duration_ns,
    observed_at,
    git_commit,
    git_branch,
    pipeline,
    is_set_aside
from stimulus_response_cube
where data_set_id = :data_set and problem_id = :problem
