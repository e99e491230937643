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

{% set signatures -%}
    (
        select * from {{ obslake.in_this_database(ref('response_signatures')) }}
        where data_set_id = data_set and problem_id = problem
    )
{%- endset -%}
{%- set implementations -%}
    (
        select * from {{ obslake.in_this_database(ref('implementations')) }}
        where data_set_id = data_set and problem_id = problem
    )
{%- endset -%}
{{ obslake.transitions_between(
    signatures,
    implementations,
    'from_run',
    'to_run',
    'from_environment',
    'to_environment',
    'from_revision',
    'to_revision',
) }}

select
    from_environment_id,
    to_environment_id,
    from_run_id,
    to_run_id,
    subject_id,
    transition,
    from_cluster_rank,
    to_cluster_rank,
    from_n_implementations,
    to_n_implementations,
    is_same_stimuli,
    n_companions_kept,
    n_companions_lost,
    n_companions_gained
from final
order by from_environment_id, to_environment_id, subject_id
