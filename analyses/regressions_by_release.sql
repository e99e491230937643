-- Which releases broke working behaviour? The number of changes of each class between revisions of a lineage.

with

changes as (

    select * from {{ ref('behavior_changes') }}

),

final as (

    select
        data_set_id,
        lineage,
        previous_implementation_id,
        implementation_id,
        environment_id,
        problem_id,
        sum(case when change = 'regressed' then 1 else 0 end) as n_regressed,
        sum(case when change = 'fixed' then 1 else 0 end) as n_fixed,
        sum(case when change = 'changed, both wrong' then 1 else 0 end) as n_changed_both_wrong,
        sum(case when change = 'changed' then 1 else 0 end) as n_changed,
        sum(case when change = 'stimulus changed' then 1 else 0 end) as n_stimulus_changed,
        sum(case when change = 'new and failing' then 1 else 0 end) as n_new_and_failing,
        sum(case when change in ('new', 'gone', 'skipped', 'unskipped') then 1 else 0 end) as n_new_or_gone,
        min(case when change = 'regressed' then test_id end) as one_that_regressed
    from changes
    group by data_set_id, lineage, previous_implementation_id, implementation_id, environment_id, problem_id

)

select * from final
order by n_regressed desc, data_set_id asc, problem_id asc, implementation_id asc, environment_id asc, lineage asc
