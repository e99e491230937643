-- A change compares a response of the lineage with one of an earlier revision, and they differ unless the stimulus was
-- not executed in between.

with

behavior_changes as (

    select * from {{ ref('behavior_changes') }}

),

lineage as (

    select * from {{ ref('lineage') }}

),

final as (

    select
        behavior_changes.data_set_id,
        behavior_changes.problem_id,
        behavior_changes.lineage,
        behavior_changes.environment_id,
        behavior_changes.implementation_id,
        behavior_changes.test_id,
        behavior_changes.step_id,
        behavior_changes.change
    from behavior_changes
    left join lineage as after_change
        on
            behavior_changes.data_set_id = after_change.data_set_id
            and behavior_changes.problem_id = after_change.problem_id
            and behavior_changes.lineage = after_change.lineage
            and behavior_changes.environment_id = after_change.environment_id
            and behavior_changes.implementation_id = after_change.implementation_id
            and behavior_changes.test_id = after_change.test_id
            and behavior_changes.step_id = after_change.step_id
            -- The step of a stimulus that is gone may be that of another one now.
            and behavior_changes.change <> 'gone'
    left join lineage as before_change
        on
            behavior_changes.data_set_id = before_change.data_set_id
            and behavior_changes.problem_id = before_change.problem_id
            and behavior_changes.lineage = before_change.lineage
            and behavior_changes.environment_id = before_change.environment_id
            and behavior_changes.previous_implementation_id = before_change.implementation_id
            and behavior_changes.test_id = before_change.test_id
            and behavior_changes.previous_step_id = before_change.step_id
    where
        coalesce(after_change.response, '') <> coalesce(behavior_changes.response, '')
        or coalesce(before_change.response, '') <> coalesce(behavior_changes.previous_response, '')
        or coalesce(after_change.response_hash, '') = coalesce(before_change.response_hash, '')
        and behavior_changes.change <> 'unskipped'
        or coalesce(after_change.revision_rank, behavior_changes.revision_rank) <> behavior_changes.revision_rank
        or coalesce(before_change.revision_rank, 0) >= behavior_changes.revision_rank
        or behavior_changes.change = 'stimulus changed'
        and coalesce(after_change.content_hash, '') = coalesce(before_change.content_hash, '')

)

select * from final
