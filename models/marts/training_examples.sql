-- Examples for machine learning: code, stimulus and response, with the evidence for the response.
--
-- A view, because a table would store the code of an implementation again in each of its rows.

{{ config(materialized='view') }}

with

cells as (

    select * from {{ obslake.read_by_number(obslake.relation_without_database(ref('int_actuations'))) }}
    where is_cell and not is_oracle

),

implementations as (

    select * from {{ obslake.relation_without_database(ref('int_implementations')) }}

),

tests as (

    select * from {{ obslake.relation_without_database(ref('int_tests')) }}

),

oracles as (

    select * from {{ obslake.relation_without_database(ref('consensus_oracles')) }}

),

members as (

    select * from {{ obslake.relation_without_database(ref('behavior_cluster_members')) }}

),

clusters as (

    select * from {{ obslake.relation_without_database(ref('int_clusters')) }}

),

other_contents as (

    select * from {{ obslake.relation_without_database(ref('int_other_contents')) }}

),

final as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.test_id,
        cells.step_id,
        cells.implementation_id,
        implementations.language,
        implementations.licence,
        implementations.origin,
        implementations.system,
        implementations.variant,
        implementations.content,
        implementations.content_hash,
        tests.interface,
        cells.operation,
        cells.target,
        cells.inputs,
        cells.response,
        cells.response_kind,
        cells.is_stable,
        oracles.oracle_response,
        oracles.consensus,
        oracles.n_voters,
        oracles.vote_share,
        case
            when other_contents.implementation_id is null then cells.response_hash = oracles.oracle_response_hash
        end as agrees_with_consensus,
        oracles.specified_response,
        case
            when other_contents.implementation_id is null
                then {{ obslake.is_specified('cells.response_hash', 'oracles.specified_response_hashes') }}
        end as agrees_with_specified,
        members.is_voter,
        members.cluster_rank,
        clusters.n_implementations
    from cells
    left join implementations
        on
            cells.data_set_id = implementations.data_set_id
            and cells.problem_id = implementations.problem_id
            and cells.implementation_id = implementations.implementation_id
    left join tests
        on
            cells.data_set_id = tests.data_set_id
            and cells.problem_id = tests.problem_id
            and cells.test_id = tests.test_id
    left join oracles
        on
            cells.data_set_id = oracles.data_set_id
            and cells.problem_id = oracles.problem_id
            and cells.test_id = oracles.test_id
            and cells.step_id = oracles.step_id
    left join members
        on
            cells.data_set_id = members.data_set_id
            and cells.problem_id = members.problem_id
            and cells.implementation_id = members.implementation_id
    left join clusters
        on
            members.data_set_id = clusters.data_set_id
            and members.problem_id = clusters.problem_id
            and members.cluster_id = clusters.cluster_id
    left join other_contents
        on
            cells.problem_no = other_contents.problem_no
            and cells.data_set_id = other_contents.data_set_id
            and cells.problem_id = other_contents.problem_id
            and cells.test_id = other_contents.test_id
            and cells.step_id = other_contents.step_id
            and cells.implementation_id = other_contents.implementation_id

)

select * from final
