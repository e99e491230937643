{#- The models from responses to the consensus, on the runs of a context only. -#}

{{ config(parameters=['data_set', 'problem', 'as_of_run', 'as_of_environment', 'as_of_revision']) }}

{%- set run = ['data_set_id', 'run_id', 'environment_id'] %}

with

as_of_run_failures as (

    select * from {{ obslake.relation_without_database(ref('int_run_failures')) }}
    where data_set_id = data_set

),

in_context as (

    {{ obslake.runs_in_context(
        'as_of_run_failures',
        obslake.relation_without_database(ref('int_implementations')),
        {'run_id': 'as_of_run', 'environment_id': 'as_of_environment', 'revision': 'as_of_revision'}
    ) | indent(4) }}

),

as_of_set_aside_runs as (

    select
        data_set_id,
        problem_id,
        run_id,
        environment_id
    from {{ obslake.relation_without_database(ref('int_set_aside_runs')) }}
    where data_set_id = data_set
    union
    select
        run_failures.data_set_id,
        run_failures.problem_id,
        run_failures.run_id,
        run_failures.environment_id
    from as_of_run_failures as run_failures
    left join in_context
        on {{ obslake.equal_columns('run_failures', 'in_context', run) | indent(12) }}
    where in_context.run_id is null

),

as_of_stored_responses as (

    select * from {{ obslake.read_by_number(obslake.relation_without_database(ref('int_actuations'))) }}
    where data_set_id = data_set and problem_id = problem

),

as_of_responses as (

    -- What decides between rows with the same key is done; which of them counts depends on the runs. Those that are set
    -- aside are left out early: they are most rows of a long history.
    select
        responses.data_set_id,
        responses.problem_id,
        responses.test_id,
        responses.step_id,
        responses.implementation_id,
        responses.environment_id,
        responses.run_id,
        responses.attempt,
        responses.operation,
        responses.target,
        responses.inputs,
        responses.response,
        responses.response_kind,
        responses.response_hash,
        responses.duration_ns,
        responses.observed_at,
        responses.test_content_hash,
        responses.alternative,
        responses.is_executed,
        responses.is_oracle
    from as_of_stored_responses as responses
    left join as_of_set_aside_runs as set_aside_runs
        on {{ obslake.equal_columns('responses', 'set_aside_runs', run + ['problem_id']) | indent(12) }}
    where set_aside_runs.run_id is null or responses.is_oracle

),

as_of_specified_responses as (

    select * from {{ obslake.relation_without_database(ref('int_specified_responses')) }}
    where data_set_id = data_set and problem_id = problem

),

as_of_voting_rules as (

    select * from {{ obslake.relation_without_database(ref('int_voting_rules')) }}
    where data_set_id = data_set and problem_id = problem

),

as_of_implementations as (

    select * from {{ obslake.relation_without_database(ref('int_implementations')) }}
    where data_set_id = data_set and problem_id = problem

),

as_of_stored_signatures as (

    select * from {{ obslake.relation_without_database(ref('int_run_signatures')) }}
    where data_set_id = data_set

),

as_of_all_run_signatures as (

    select
        signatures.data_set_id,
        signatures.problem_id,
        signatures.implementation_id,
        signatures.environment_id,
        signatures.run_id,
        signatures.signature,
        signatures.n_steps,
        signatures.n_exceptions,
        signatures.n_timeouts,
        signatures.n_crashes,
        signatures.n_verdicts,
        signatures.is_voter,
        signatures.is_oracle,
        set_aside_runs.run_id is not null and not signatures.is_oracle as is_set_aside,
        signatures.first_executed_at,
        signatures.last_executed_at
    from as_of_stored_signatures as signatures
    left join as_of_set_aside_runs as set_aside_runs
        on {{ obslake.equal_columns('signatures', 'set_aside_runs', run + ['problem_id']) | indent(12) }}

),

as_of_run_signatures as (

    select * from as_of_all_run_signatures
    where problem_id = problem

),

-- Other problems have the same lineages, and only together do they have an order.
as_of_lineages as (

    select * from {{ obslake.relation_without_database(ref('int_implementations')) }}
    where data_set_id = data_set and lineage in (select of_problem.lineage from as_of_implementations as of_problem)

),

as_of_revision_dates as (

    select * from {{ obslake.relation_without_database(ref('int_revision_dates')) }}
    where data_set_id = data_set

),
{{ obslake.inlined_models(['int_revision_places'], {
    'int_run_signatures': 'as_of_all_run_signatures',
    'int_implementations': 'as_of_lineages',
    'int_revision_dates': 'as_of_revision_dates',
}) }},
{{ obslake.inlined_models(
    [
        'int_actuations',
        'int_matrix_cells',
        'int_column_signatures',
        'int_lineage_revisions',
        'int_other_contents',
        'int_non_voters',
        'int_implementation_signatures',
        'int_clusters',
        'int_ruled_votes',
        'int_votes',
        'int_cluster_oracles',
        'consensus_oracles',
    ],
    {
        'int_responses': 'as_of_responses',
        'int_set_aside_runs': 'as_of_set_aside_runs',
        'int_run_signatures': 'as_of_run_signatures',
        'int_revision_places': 'as_of_int_revision_places',
        'int_implementations': 'as_of_implementations',
        'int_voting_rules': 'as_of_voting_rules',
        'int_specified_responses': 'as_of_specified_responses',
    }
) }},

{{ obslake.unknown_name({'problem': 'problem'}, optional={
    'as_of_run': 'run',
    'as_of_environment': 'environment',
    'as_of_revision': 'executed revision',
}) }},

unknown_context as (

    select message
    from unknown_name
    union all
    select
        'obslake: no run has all of '
        || concat_ws(
            ', ',
            'run ''' || as_of_run || '''',
            'environment ''' || as_of_environment || '''',
            'revision ''' || as_of_revision || ''''
        )
        || ' in data set ''' || data_set || '''' as message
    where
        coalesce(as_of_run, as_of_environment, as_of_revision) is not null
        and not exists (select 1 from in_context)
        and not exists (select 1 from unknown_name)

)

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
from as_of_consensus_oracles
union all
{{ obslake.unknown_name_row(14, 'unknown_context') }}
order by test_id, step_id
