{{ config(parameters=[
    'data_set',
    'problem',
    'from_run := null',
    'to_run := null',
    'from_environment := null',
    'to_environment := null',
    'from_revision := null',
    'to_revision := null'
]) }}

with

{{ obslake.unknown_name({'problem': 'problem'}, optional={
    'from_run': 'run',
    'to_run': 'run',
    'from_environment': 'environment',
    'to_environment': 'environment',
    'from_revision': 'executed revision',
    'to_revision': 'executed revision',
}) }}

select
    from_environment_id,
    to_environment_id,
    from_run_id,
    to_run_id,
    subject_id,
    transition,
    n_common_stimuli,
    n_answers_kept,
    answers_kept_share,
    is_same_stimuli,
    from_cluster_rank,
    to_cluster_rank,
    from_n_implementations,
    to_n_implementations,
    n_companions_kept,
    n_companions_lost,
    n_companions_gained
from {{ ref('context_transitions') }}
where
    data_set_id = data_set
    and problem_id = problem
    and {{ obslake.is_chosen_pair(
        {'run_id': 'from_run', 'environment_id': 'from_environment', 'revision': 'from_revision'},
        {'run_id': 'to_run', 'environment_id': 'to_environment', 'revision': 'to_revision'},
    ) }}
union all
{{ obslake.unknown_name_row(17) }}
order by from_environment_id, to_environment_id, subject_id
