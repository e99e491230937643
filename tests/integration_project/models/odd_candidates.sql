-- A model of this project that uses the package's public marts.
select
    members.implementation_id,
    clusters.n_implementations
from {{ ref('obslake', 'behavior_cluster_members') }} as members
inner join {{ ref('obslake', 'behavior_clusters') }} as clusters
    on
        members.data_set_id = clusters.data_set_id
        and members.problem_id = clusters.problem_id
        and members.cluster_id = clusters.cluster_id
where members.cluster_rank > 1
