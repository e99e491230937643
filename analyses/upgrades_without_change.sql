-- Which upgrades change nothing? Whether each revision of a lineage is in the same cluster as the one before it, with
-- the ranks of both clusters.

with

lineage as (

    select distinct
        data_set_id,
        problem_id,
        lineage,
        environment_id,
        implementation_id,
        revision_rank
    from {{ ref('lineage') }}

),

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

revisions as (

    select
        lineage.data_set_id,
        lineage.problem_id,
        lineage.lineage,
        lineage.environment_id,
        lineage.implementation_id,
        lineage.revision_rank,
        members.cluster_rank
    from lineage
    inner join members
        on
            lineage.data_set_id = members.data_set_id
            and lineage.problem_id = members.problem_id
            and lineage.implementation_id = members.implementation_id

),

final as (

    select
        revisions.data_set_id,
        revisions.problem_id,
        revisions.lineage,
        revisions.environment_id,
        earlier.implementation_id as previous_implementation_id,
        revisions.implementation_id,
        earlier.cluster_rank as previous_cluster_rank,
        revisions.cluster_rank,
        earlier.cluster_rank = revisions.cluster_rank as is_same_behavior
    from revisions
    inner join revisions as earlier
        on
            revisions.data_set_id = earlier.data_set_id
            and revisions.problem_id = earlier.problem_id
            and revisions.lineage = earlier.lineage
            and revisions.environment_id = earlier.environment_id
            and revisions.revision_rank = earlier.revision_rank + 1

)

select * from final
order by
    is_same_behavior desc, data_set_id asc, problem_id asc, lineage asc, environment_id asc, implementation_id asc
