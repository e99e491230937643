-- The implementations of a problem, best first: by the tests they pass and how many others pass the same tests (dual agreement), then by their mean agreement with the others (minimum Bayes risk). Their agreement with the specified oracle is listed, too.
-- Parameters: data_set, problem

select
    assessment_rank,
    implementation_id,
    dual_agreement_score,
    mbr_score,
    n_tests_passed,
    n_same_tests_passed,
    consensus_agreement,
    cluster_oracle_agreement,
    specified_agreement,
    passes_consensus,
    passes_specified,
    n_stimuli,
    n_not_run,
    n_exceptions,
    n_timeouts,
    n_crashes,
    is_voter,
    cluster_rank,
    cluster_size
from implementation_assessments
where data_set_id = :data_set and problem_id = :problem
order by assessment_rank
