-- How far each pair of implementations of a problem agrees on the stimuli that both executed.

{{ config(materialized='view') }}

with

representatives as (

    select * from {{ obslake.relation_without_database(ref('int_representatives')) }}

),

matrix_columns as (

    select * from {{ obslake.relation_without_database(ref('int_implementation_signatures')) }}

),

agreements as (

    select * from {{ obslake.relation_without_database(ref('int_cluster_agreements')) }}

),

members as (

    select
        representatives.data_set_id,
        representatives.problem_id,
        representatives.implementation_id,
        representatives.cluster_rank,
        matrix_columns.n_stimuli
    from representatives
    inner join matrix_columns
        on
            representatives.data_set_id = matrix_columns.data_set_id
            and representatives.problem_id = matrix_columns.problem_id
            and representatives.implementation_id = matrix_columns.implementation_id

),

pairs as (

    select
        a.data_set_id,
        a.problem_id,
        a.implementation_id as implementation_a,
        b.implementation_id as implementation_b,
        a.n_stimuli,
        a.cluster_rank = b.cluster_rank as is_one_cluster,
        least(a.cluster_rank, b.cluster_rank) as cluster_rank_a,
        greatest(a.cluster_rank, b.cluster_rank) as cluster_rank_b
    from members as a
    inner join members as b
        on
            a.data_set_id = b.data_set_id
            and a.problem_id = b.problem_id
            and a.implementation_id < b.implementation_id

),

counted as (

    select
        pairs.data_set_id,
        pairs.problem_id,
        pairs.implementation_a,
        pairs.implementation_b,
        case
            when pairs.is_one_cluster then pairs.n_stimuli
            else coalesce(agreements.n_common_stimuli, 0)
        end as n_common_stimuli,
        case
            when pairs.is_one_cluster then pairs.n_stimuli
            else coalesce(agreements.n_equal_responses, 0)
        end as n_equal_responses
    from pairs
    left join agreements
        on
            pairs.data_set_id = agreements.data_set_id
            and pairs.problem_id = agreements.problem_id
            and pairs.cluster_rank_a = agreements.cluster_rank_a
            and pairs.cluster_rank_b = agreements.cluster_rank_b

),

final as (

    select
        *,
        n_equal_responses / cast(nullif(n_common_stimuli, 0) as double) as agreement
    from counted

)

select * from final
{%- if obslake.leaves_out('agreements') %}
where 1 = 0
{%- endif %}
