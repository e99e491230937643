-- The responses that changed from one revision of a lineage to the next, per environment, in the order of the revisions.
-- Parameters: data_set, of_lineage

select
    problem_id,
    environment_id,
    test_id,
    step_id,
    previous_implementation_id,
    implementation_id,
    change,
    previous_response,
    response
from behavior_changes
where data_set_id = :data_set and lineage = :of_lineage
order by problem_id, environment_id, revision_rank, test_id, step_id
