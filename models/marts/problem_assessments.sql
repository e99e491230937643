-- How much the implementations of each problem differ, and how many of them are right by either oracle.

{%- set k = obslake.checked_variable('obslake_pass_at_k') %}

with

oracles as (

    select * from {{ obslake.stale_rows(ref('consensus_oracles')) }}

),

clusters as (

    select * from {{ obslake.stale_rows(ref('int_clusters')) }}

),

assessments as (

    select * from {{ obslake.stale_rows(ref('implementation_assessments')) }}

),

-- A verdict says what is right, like a specified response.
stimuli_with_verdicts as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id
    from {{ obslake.stale_rows(ref('int_judged_cells'), has_number=true) }}
    where is_right_verdict is not null
    group by data_set_id, problem_id, test_id, step_id

),

-- The implementations of a cluster executed the same stimuli, and its exemplar says which.
executed_stimuli as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.test_id,
        cells.step_id,
        sum(clusters.n_implementations) as n_implementations
    from {{ obslake.stale_rows(ref('int_representative_cells'), has_number=true) }} as cells
    inner join clusters
        on
            cells.data_set_id = clusters.data_set_id
            and cells.problem_id = clusters.problem_id
            and cells.cluster_rank = clusters.cluster_rank
    where cells.is_exemplar
    group by cells.data_set_id, cells.problem_id, cells.test_id, cells.step_id

),

cluster_sizes as (

    select
        data_set_id,
        problem_id,
        cast(sum(n_implementations) as bigint) as n_implementations,
        cast(sum(n_voters) as bigint) as n_voters,
        count(*) as n_clusters,
        max(n_implementations) as n_largest_cluster,
        -- Exact decimals: a sum of floating-point numbers would depend on the order of its terms.
        sum(cast(n_implementations * log2(n_implementations) as decimal(38, 9))) as weighted_bits
    from clusters
    group by data_set_id, problem_id

),

stimuli as (

    select
        oracles.data_set_id,
        oracles.problem_id,
        count(distinct oracles.test_id) as n_tests,
        count(*) as n_stimuli,
        cast(sum(case when oracles.consensus = 'tie' then 1 else 0 end) as bigint) as n_tied_stimuli,
        count(case
            when oracles.is_current then coalesce(oracles.specified_response_hash, stimuli_with_verdicts.test_id)
        end) as n_specified_stimuli,
        cast(sum(
            case when 2 * executed_stimuli.n_implementations > cluster_sizes.n_implementations then 1 else 0 end
        ) as bigint) as n_common_stimuli,
        count(oracles.agrees_with_specified) as n_consensus_compared,
        cast(sum(case when not oracles.agrees_with_specified then 1 else 0 end) as bigint) as n_consensus_differing,
        count(oracles.cluster_agrees_with_specified) as n_cluster_oracle_compared,
        cast(sum(case when not oracles.cluster_agrees_with_specified then 1 else 0 end) as bigint)
            as n_cluster_oracle_differing
    from oracles
    left join cluster_sizes
        on
            oracles.data_set_id = cluster_sizes.data_set_id
            and oracles.problem_id = cluster_sizes.problem_id
    left join stimuli_with_verdicts
        on
            oracles.data_set_id = stimuli_with_verdicts.data_set_id
            and oracles.problem_id = stimuli_with_verdicts.problem_id
            and oracles.test_id = stimuli_with_verdicts.test_id
            and oracles.step_id = stimuli_with_verdicts.step_id
    left join executed_stimuli
        on
            oracles.data_set_id = executed_stimuli.data_set_id
            and oracles.problem_id = executed_stimuli.problem_id
            and oracles.test_id = executed_stimuli.test_id
            and oracles.step_id = executed_stimuli.step_id
    group by oracles.data_set_id, oracles.problem_id

),

passing as (

    select
        data_set_id,
        problem_id,
        cast(sum(case when passes_specified then 1 when not passes_specified then 0 end) as bigint)
            as n_passing_specified,
        cast(sum(case when passes_consensus then 1 when not passes_consensus then 0 end) as bigint)
            as n_passing_consensus
    from assessments
    group by data_set_id, problem_id

),

final as (

    select
        stimuli.data_set_id,
        stimuli.problem_id,
        coalesce(cluster_sizes.n_implementations, 0) as n_implementations,
        coalesce(cluster_sizes.n_voters, 0) as n_voters,
        stimuli.n_tests,
        stimuli.n_stimuli,
        stimuli.n_common_stimuli,
        case
            when cluster_sizes.n_implementations is not null
                then stimuli.n_common_stimuli / cast(stimuli.n_stimuli as double)
        end as common_stimuli_share,
        coalesce(cluster_sizes.n_clusters, 0) as n_clusters,
        coalesce(cluster_sizes.n_largest_cluster, 0) as n_largest_cluster,
        -- Without abs(), the difference of equal terms could be -0.0.
        abs(round(
            log2(cluster_sizes.n_implementations)
            - cast(cluster_sizes.weighted_bits as double) / cluster_sizes.n_implementations, 6
        )) as entropy,
        stimuli.n_tied_stimuli,
        stimuli.n_tied_stimuli / cast(stimuli.n_stimuli as double) as tied_share,
        stimuli.n_specified_stimuli,
        stimuli.n_consensus_compared,
        stimuli.n_consensus_differing,
        stimuli.n_consensus_differing / cast(nullif(stimuli.n_consensus_compared, 0) as double)
            as consensus_differing_share,
        stimuli.n_cluster_oracle_compared,
        stimuli.n_cluster_oracle_differing,
        stimuli.n_cluster_oracle_differing / cast(nullif(stimuli.n_cluster_oracle_compared, 0) as double)
            as cluster_oracle_differing_share,
        cast({{ k }} as int) as k,
        passing.n_passing_specified,
        {{ obslake.pass_at_k('cluster_sizes.n_implementations', 'passing.n_passing_specified', k) }}
            as specified_pass_at_k,
        passing.n_passing_consensus,
        {{ obslake.pass_at_k('cluster_sizes.n_implementations', 'passing.n_passing_consensus', k) }}
            as consensus_pass_at_k
    from stimuli
    left join cluster_sizes
        on
            stimuli.data_set_id = cluster_sizes.data_set_id
            and stimuli.problem_id = cluster_sizes.problem_id
    left join passing
        on
            stimuli.data_set_id = passing.data_set_id
            and stimuli.problem_id = passing.problem_id

)

select * from final
{%- if obslake.leaves_out('assessments') %}
where 1 = 0
{%- endif %}
