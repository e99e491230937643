-- The tests that take longer in a revision than before, per environment: the median duration of its runs, and that of the last 20 runs up to a base, by default the revision before it. Evidence is `slower` if the difference is more than five times what durations usually deviate from their median, `within noise`, or `too few runs`: fewer than 5 before. If most tests of an environment take longer, only what is slower than they are counts (`machine_ratio`).
-- Parameters: data_set, head, base, of_lineage, of_base_lineage, least_ratio, least_ms

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

actuations as (

    select * from stimulus_response_cube
    where data_set_id = :data_set and is_final and not is_set_aside and duration_ns is not null

),

-- A test takes as long as the last attempts of its steps.
durations as (

    select
        sides.side,
        sides.head_lineage,
        sides.environment_id,
        sides.problem_id,
        actuations.test_id,
        sides.place,
        sides.problem_place,
        actuations.run_id,
        min(actuations.observed_at) as observed_at,
        cast(sum(actuations.duration_ns) as double) / 1000000 as duration
    from actuations
    inner join sides
        on actuations.problem_id = sides.problem_id
            and actuations.environment_id = sides.environment_id
            and actuations.implementation_id = sides.implementation_id
    group by
        sides.side,
        sides.head_lineage,
        sides.environment_id,
        sides.problem_id,
        actuations.test_id,
        sides.place,
        sides.problem_place,
        actuations.run_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by side, head_lineage, environment_id, problem_id, test_id
            order by place desc, observed_at desc, run_id desc
        ) as recency
    from durations

),

medians as (

    select
        side,
        head_lineage,
        environment_id,
        problem_id,
        test_id,
        median(duration) as duration,
        median(case when place = problem_place then duration end) as last_duration,
        count(*) as n_runs
    from ranked
    where side = 'head' or recency <= 20
    group by side, head_lineage, environment_id, problem_id, test_id

),

deviations as (

    select
        ranked.head_lineage,
        ranked.environment_id,
        ranked.problem_id,
        ranked.test_id,
        median(abs(ranked.duration - medians.duration)) as deviation
    from ranked
    inner join medians
        on
            ranked.side = medians.side
            and ranked.head_lineage = medians.head_lineage
            and ranked.environment_id = medians.environment_id
            and ranked.problem_id = medians.problem_id
            and ranked.test_id = medians.test_id
    where ranked.side = 'base' and ranked.recency <= 20
    group by ranked.head_lineage, ranked.environment_id, ranked.problem_id, ranked.test_id

),

compared as (

    select
        heads.head_lineage,
        heads.environment_id,
        heads.problem_id,
        heads.test_id,
        bases.duration as before_ms,
        bases.last_duration as last_ms,
        heads.duration as after_ms,
        -- That of a normal distribution; at least 5 %, because few equal durations say little.
        greatest(1.4826 * deviations.deviation, 0.05 * bases.duration) as deviation,
        bases.n_runs as n_before,
        heads.n_runs as n_after
    from medians as heads
    inner join medians as bases
        on
            heads.head_lineage = bases.head_lineage
            and heads.environment_id = bases.environment_id
            and heads.problem_id = bases.problem_id
            and heads.test_id = bases.test_id
            and bases.side = 'base'
    inner join deviations
        on heads.head_lineage = deviations.head_lineage
            and heads.environment_id = deviations.environment_id
            and heads.problem_id = deviations.problem_id
            and heads.test_id = deviations.test_id
    where heads.side = 'head'

),

-- A busy machine makes most tests slower.
machines as (

    select
        head_lineage,
        environment_id,
        case when count(*) >= 10 then greatest(median(after_ms / nullif(before_ms, 0)), 1.0) else 1.0 end as ratio
    from compared
    where n_before >= 5
    group by head_lineage, environment_id

),

expected as (

    select
        compared.*,
        coalesce(machines.ratio, 1.0) as machine_ratio,
        compared.before_ms * coalesce(machines.ratio, 1.0) as expected_ms
    from compared
    left join machines
        on compared.head_lineage = machines.head_lineage
            and compared.environment_id = machines.environment_id

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
    problem_id,
    test_id,
    case
        when n_before < 5 then 'too few runs'
        when after_ms > expected_ms + 5 * deviation * machine_ratio then 'slower'
        else 'within noise'
    end as evidence,
    before_ms,
    after_ms,
    after_ms / nullif(before_ms, 0) as ratio,
    machine_ratio,
    deviation as deviation_ms,
    n_before,
    n_after
from expected
where
    after_ms > cast(:least_ratio as double) * expected_ms
    and after_ms >= cast(:least_ms as double) + expected_ms
    -- Not if the base itself was as slow.
    and after_ms > cast(:least_ratio as double) * machine_ratio * coalesce(last_ms, 0)
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by lineage asc, evidence asc, ratio desc, environment_id asc, problem_id asc, test_id asc
