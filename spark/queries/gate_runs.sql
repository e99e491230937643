-- What the function `gate` compares, per environment of the head and the base: numbers of tests, of runs, and of runs that are set aside. The status is `compared`; `no base`: no revision up to the base ran there; `not run`: the base ran there, and the head did not; `broken`: all runs of the head there are set aside; `incomplete`: the head executed at most half as many tests as the base.
-- Parameters: data_set, head, base, of_lineage, of_base_lineage

with

places as (

    select * from lineage_revisions
    where data_set_id = :data_set

),

head_places as (

    select
        lineage,
        max(place) as head_place
    from places
    where (revision = :head or implementation_id = :head) and lineage = coalesce(:of_lineage, lineage)
    group by lineage

),

base_places as (

    select
        head_places.lineage,
        places.lineage as base_lineage,
        max(places.place) as base_place
    from head_places
    inner join places
        on
            (:base is null and places.lineage = head_places.lineage and places.place < head_places.head_place)
            or (
                (places.revision = :base or places.implementation_id = :base)
                and places.lineage = coalesce(:of_base_lineage, places.lineage)
            )
    group by head_places.lineage, places.lineage

),

-- A base that is in several lineages is first that of the lineage of the head.
ranked_bases as (

    select
        *,
        row_number() over (partition by lineage order by base_lineage <> lineage, base_lineage) as precedence
    from base_places

),

pairs as (

    select
        head_places.lineage as head_lineage,
        head_places.head_place,
        ranked_bases.base_lineage,
        ranked_bases.base_place
    from head_places
    left join ranked_bases on head_places.lineage = ranked_bases.lineage and ranked_bases.precedence = 1

),

sides as (

    select
        'head' as side,
        pairs.head_lineage,
        pairs.base_lineage,
        pairs.head_place,
        pairs.base_place,
        places.lineage,
        places.problem_id,
        places.environment_id,
        places.implementation_id,
        places.revision,
        places.place,
        max(places.place) over (
            partition by pairs.head_lineage, places.problem_id, places.environment_id
        ) as problem_place,
        max(places.place) over (partition by pairs.head_lineage, places.environment_id) as environment_place
    from places
    inner join pairs on places.lineage = pairs.head_lineage and places.place = pairs.head_place
    union all
    select
        'base' as side,
        pairs.head_lineage,
        pairs.base_lineage,
        pairs.head_place,
        pairs.base_place,
        places.lineage,
        places.problem_id,
        places.environment_id,
        places.implementation_id,
        places.revision,
        places.place,
        max(places.place) over (
            partition by pairs.head_lineage, places.problem_id, places.environment_id
        ) as problem_place,
        max(places.place) over (partition by pairs.head_lineage, places.environment_id) as environment_place
    from places
    inner join pairs on places.lineage = pairs.base_lineage and places.place <= pairs.base_place

),

-- The last revisions of each side that ran the environment.
last_sides as (

    select * from sides
    where place = environment_place

),

states as (

    select * from lineage_states
    where data_set_id = :data_set

),

tests as (

    select
        last_sides.side,
        last_sides.head_lineage,
        states.environment_id,
        states.problem_id,
        states.test_id,
        max(case when states.is_executed then 1 else 0 end) as is_executed,
        max(case
            when states.is_executed and not states.is_right then 1
            else 0
        end) as is_failing
    from states
    inner join last_sides
        on
            states.lineage = last_sides.lineage
            and states.problem_id = last_sides.problem_id
            and states.environment_id = last_sides.environment_id
            and states.implementation_id = last_sides.implementation_id
    group by last_sides.side, last_sides.head_lineage, states.environment_id, states.problem_id, states.test_id

),

counts as (

    select
        head_lineage,
        environment_id,
        cast(sum(case when side = 'base' then is_executed else 0 end) as bigint) as n_base_tests,
            cast(sum(case when side = 'base' then is_failing else 0 end) as bigint) as n_base_failing,
        cast(sum(case when side = 'head' then is_executed else 0 end) as bigint) as n_head_tests,
            cast(sum(case when side = 'head' then is_failing else 0 end) as bigint) as n_head_failing,
        cast(sum(case when side = 'head' then 1 - is_executed else 0 end) as bigint) as n_head_skipped
    from tests
    group by head_lineage, environment_id

),

environments as (

    select
        head_lineage,
        environment_id,
        max(case when side = 'head' then 1 else 0 end) as is_in_head,
        max(case when side = 'base' then place else 0 end) as environment_place,
        max(case when side = 'base' then coalesce(revision, implementation_id) end) as base_revision,
        max(base_lineage) as base_lineage,
        max(base_place) as base_place
    from last_sides
    group by head_lineage, environment_id

),

-- The implementations of both sides, also for the runs of theirs that are set aside.
side_implementations as (

    select distinct
        side,
        head_lineage,
        problem_id,
        implementation_id
    from sides
    where side = 'head' or place = base_place

),

signatures as (

    select * from response_signatures
    where data_set_id = :data_set

),

side_runs as (

    select distinct
        side_implementations.side = 'head' as is_head,
        side_implementations.head_lineage,
        signatures.environment_id,
        signatures.run_id,
        signatures.is_set_aside
    from signatures
    inner join side_implementations
        on
            signatures.problem_id = side_implementations.problem_id
            and signatures.implementation_id = side_implementations.implementation_id

),

reasons as (

    select
        run_id,
        environment_id,
        set_aside_reason
    from runs
    where data_set_id = :data_set

),

run_counts as (

    select
        side_runs.head_lineage,
        side_runs.environment_id,
        count(distinct case when side_runs.is_head and not side_runs.is_set_aside then side_runs.run_id end) as n_runs,
        count(distinct case when side_runs.is_head and side_runs.is_set_aside then side_runs.run_id end) as n_set_aside,
        max(case when side_runs.is_head and side_runs.is_set_aside then reasons.set_aside_reason end)
            as set_aside_reason
    from side_runs
    left join reasons
        on side_runs.run_id = reasons.run_id
            and side_runs.environment_id = reasons.environment_id
    group by side_runs.head_lineage, side_runs.environment_id

),

joined as (

    select
        run_counts.*,
        coalesce(environments.is_in_head, 0) as is_in_head,
        environments.base_lineage,
        environments.base_revision,
        environments.base_place,
        environments.environment_place,
        coalesce(counts.n_base_tests, 0) as n_base_tests,
        coalesce(counts.n_base_failing, 0) as n_base_failing,
        coalesce(counts.n_head_tests, 0) as n_head_tests,
        coalesce(counts.n_head_failing, 0) as n_head_failing,
        coalesce(counts.n_head_skipped, 0) as n_head_skipped
    from run_counts
    left join environments
        on run_counts.head_lineage = environments.head_lineage
            and run_counts.environment_id = environments.environment_id
    left join counts
        on run_counts.head_lineage = counts.head_lineage
            and run_counts.environment_id = counts.environment_id

),

known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null
    union all
    select
        'executed revision or implementation' as kind,
        revision as name
    from implementations
    where revision is not null and data_set_id = :data_set
    union all
    select
        'executed revision or implementation' as kind,
        implementation_id as name
    from implementations
    where implementation_id is not null and data_set_id = :data_set
    union all
    select
        'lineage' as kind,
        lineage as name
    from implementations
    where lineage is not null and data_set_id = :data_set

),

unknown_names as (

    select
        1 as place,
        'data set' as kind,
        'problems' as mart,
        coalesce(cast(:data_set as string), '') as name,
        '' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'data set' and name = :data_set)
    union all
    select
        2 as place,
        'executed revision or implementation' as kind,
        'implementations' as mart,
        coalesce(cast(:head as string), '') as name,
        ' in data set \'' || :data_set || '\', not counting runs that are set aside' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'executed revision or implementation' and name = :head)
    union all
    select
        3 as place,
        'executed revision or implementation' as kind,
        'implementations' as mart,
        coalesce(cast(:base as string), '') as name,
        ' in data set \'' || :data_set || '\', not counting runs that are set aside' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'executed revision or implementation' and name = :base)
        and :base is not null
    union all
    select
        4 as place,
        'lineage' as kind,
        'implementations' as mart,
        coalesce(cast(:of_lineage as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'lineage' and name = :of_lineage)
        and :of_lineage is not null
    union all
    select
        5 as place,
        'lineage' as kind,
        'implementations' as mart,
        coalesce(cast(:of_base_lineage as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'lineage' and name = :of_base_lineage)
        and :of_base_lineage is not null

),

unknown_name as (

    select
        'obslake: no ' || unknown_names.kind || ' \'' || unknown_names.name || '\'' || unknown_names.whereabouts
        || coalesce(
            '; did you mean \'' || known_names.name || '\'? The mart ' || unknown_names.mart || ' has all',
            '; the mart ' || unknown_names.mart || ' has none'
        ) as message
    from unknown_names
    left join known_names on unknown_names.kind = known_names.kind
    order by
        unknown_names.place,
        levenshtein(known_names.name, unknown_names.name) - 0.9 * length(known_names.name),
        known_names.name
    limit 1

)

select
    head_lineage as lineage,
    environment_id,
    case
        when is_in_head = 0 and n_set_aside > 0 then 'broken'
        when is_in_head = 0 then 'not run'
        when 2 * n_head_tests <= n_base_tests then 'incomplete'
        when base_revision is null then 'no base'
        else 'compared'
    end as status,
    base_lineage,
    base_revision,
    n_base_tests,
    n_base_failing,
    n_head_tests,
    n_head_failing,
    n_head_skipped,
    n_runs,
    n_set_aside,
    set_aside_reason
from joined
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by lineage, environment_id
