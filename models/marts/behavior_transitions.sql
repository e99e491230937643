-- How implementations moved between clusters, from one context to another.

{{- obslake.check_transitions() }}

select
    data_set_id,
    problem_id,
    from_environment_id,
    to_environment_id,
    subject_id,
    from_run_id,
    to_run_id,
    from_implementation_id,
    to_implementation_id,
    from_cluster_id,
    to_cluster_id,
    from_cluster_rank,
    to_cluster_rank,
    from_n_implementations,
    to_n_implementations,
    transition,
    is_same_stimuli,
    n_common_stimuli,
    n_answers_kept,
    answers_kept_share,
    n_companions_kept,
    n_companions_lost,
    n_companions_gained
from {{ ref('context_transitions') }}
where
    {{ obslake.is_chosen_pair(obslake.transition_context('from'), obslake.transition_context('to')) }}
