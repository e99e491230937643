-- The stimuli of a data set whose specified response the votes contradict, so that the label may be wrong. The clearest votes come first.
-- Parameters: data_set

select
    problem_id,
    test_id,
    step_id,
    operation,
    inputs,
    accused_by,
    specified_response,
    oracle_response,
    cluster_oracle_response,
    consensus,
    n_voters,
    n_votes,
    n_specified_votes,
    differing_implementation_id,
    specified_implementation_id
from suspect_oracles
where data_set_id = :data_set
order by vote_share desc, n_voters desc, problem_id asc, test_id asc, step_id asc
