{{ config(
    parameters=['data_set', 'problem'],
    overloads=obslake.overloads(['data_set', 'problem'], ['as_of_run', 'as_of_environment', 'as_of_revision']),
    answered_by='oracle_as_of'
) }}

{%- do ref('oracle_as_of') %}

with

{{ obslake.unknown_name({'problem': 'problem'}) }}

select
    test_id,
    step_id,
    oracle_response,
    consensus,
    n_voters,
    n_votes,
    n_runner_up_votes,
    vote_share,
    n_distinct_responses,
    entropy,
    cluster_oracle_response,
    specified_response,
    n_specified_responses,
    agrees_with_specified
from {{ obslake.relation_without_database(ref('consensus_oracles')) }}
where data_set_id = data_set and problem_id = problem
union all
{{ obslake.unknown_name_row(14) }}
order by test_id, step_id
