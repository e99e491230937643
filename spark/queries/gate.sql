-- What a revision changed against a base, per environment: by default the revision before it in its lineage, else any revision, also of another lineage, such as that of the branch into which a pull request is merged. Each response is compared with the last executed one up to the base. A finding is `regressed`, `new-failing`, `changed`, `gone`, `flaky`, `edited`, `skipped`, `unskipped`, `fixed` or `new`; `change` is the class of the mart `behavior_changes`. A test that was flaky before, and gave this response before, is `flaky`, unless that is beyond chance.
-- Parameters: data_set, head, base, of_lineage, of_base_lineage, last_executions

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

states as (

    select * from lineage_states
    where data_set_id = :data_set

),

cells as (

    select
        sides.side,
        sides.head_lineage,
        sides.problem_place,
        sides.environment_place,
        sides.place,
        states.*
    from states
    inner join sides
        on
            states.lineage = sides.lineage
            and states.problem_id = sides.problem_id
            and states.environment_id = sides.environment_id
            and states.implementation_id = sides.implementation_id

),

heads as (

    select * from cells
    where side = 'head'

),

known as (

    select
        head_lineage,
        problem_id,
        environment_id,
        test_id,
        stimulus_id,
        max(case when is_executed then place end) as executed_place,
        max(case when place = problem_place then 1 else 0 end) as is_in_base,
        max(case when place = problem_place and is_executed then 1 else 0 end) as is_executed_in_base,
        max(case when place = problem_place then step_id end) as base_step_id,
        max(problem_place) as problem_place,
        max(environment_place) as environment_place
    from cells
    where side = 'base'
    group by head_lineage, problem_id, environment_id, test_id, stimulus_id

),

-- The last executed responses.
bases as (

    select cells.*
    from cells
    inner join known
        on
            cells.head_lineage = known.head_lineage
            and cells.problem_id = known.problem_id
            and cells.environment_id = known.environment_id
            and cells.test_id = known.test_id
            and cells.stimulus_id = known.stimulus_id
            and cells.place = known.executed_place
    where cells.side = 'base'

),

head_environments as (

    select distinct
        head_lineage,
        environment_id
    from sides
    where side = 'head'

),

head_problems as (

    select distinct head_lineage, problem_id, environment_id
    from sides
    where side = 'head'

),

present as (

    select
        heads.*,
        known.stimulus_id is not null as was_recorded,
        known.is_in_base = 1 and known.is_executed_in_base = 1 as was_executed_in_base,
        known.is_in_base = 1 and known.is_executed_in_base = 0 as was_skipped_in_base,
        -- What was never executed may be an edited stimulus.
        case when known.executed_place is null then heads.step_id end as pairing_step_id
    from heads
    left join known
        on heads.head_lineage = known.head_lineage
            and heads.problem_id = known.problem_id
            and heads.environment_id = known.environment_id
            and heads.test_id = known.test_id
            and heads.stimulus_id = known.stimulus_id

),

-- Also of problems that the base ran, and the head did not, in an environment that both ran.
gone as (

    select
        bases.head_lineage,
        bases.problem_id,
        bases.environment_id,
        bases.test_id,
        bases.stimulus_id,
        known.base_step_id as step_id
    from bases
    inner join known
        on bases.head_lineage = known.head_lineage
            and bases.problem_id = known.problem_id
            and bases.environment_id = known.environment_id
            and bases.test_id = known.test_id
            and bases.stimulus_id = known.stimulus_id
    inner join head_environments
        on bases.head_lineage = head_environments.head_lineage
            and bases.environment_id = head_environments.environment_id
    left join head_problems
        on bases.head_lineage = head_problems.head_lineage
            and bases.problem_id = head_problems.problem_id
            and bases.environment_id = head_problems.environment_id
    left join heads
        on bases.head_lineage = heads.head_lineage
            and bases.problem_id = heads.problem_id
            and bases.environment_id = heads.environment_id
            and bases.test_id = heads.test_id
            and bases.stimulus_id = heads.stimulus_id
    where
        heads.stimulus_id is null
        and known.is_in_base = 1
        and (head_problems.problem_id is not null or known.problem_place = known.environment_place)

),

paired as (

    select
        coalesce(present.head_lineage, gone.head_lineage) as head_lineage,
        coalesce(present.problem_id, gone.problem_id) as problem_id,
        coalesce(present.environment_id, gone.environment_id) as environment_id,
        coalesce(present.test_id, gone.test_id) as test_id,
        coalesce(present.step_id, gone.step_id) as step_id,
        present.stimulus_id,
        coalesce(gone.stimulus_id, present.stimulus_id) as previous_stimulus_id,
        gone.stimulus_id is not null and present.stimulus_id is not null as is_edited
    from present
    full outer join gone
        on
            present.head_lineage = gone.head_lineage
            and present.problem_id = gone.problem_id
            and present.environment_id = gone.environment_id
            and present.test_id = gone.test_id
            and present.pairing_step_id = gone.step_id

),

-- Stimuli that the head answered differently in several executions.
unstable as (

    select distinct
        problem_id,
        environment_id,
        implementation_id,
        test_id,
        step_id
    from flaky_responses
    where data_set_id = :data_set

),

compared as (

    select
        paired.head_lineage,
        paired.problem_id,
        paired.environment_id,
        paired.test_id,
        paired.step_id,
        present.implementation_id,
        unstable.test_id is not null as is_unstable,
        case
            when paired.stimulus_id is null then 'gone'
            when not present.is_executed
                then
                    case
                        when bases.stimulus_id is not null and not coalesce(present.was_skipped_in_base, false)
                            then 'skipped'
                    end
            when bases.stimulus_id is null
                then
                    case
                        when not present.is_right then 'new and failing'
                        when present.was_recorded then 'unskipped'
                        else 'new'
                    end
            when bases.response_hash = present.response_hash
                then
                    case
                        when not paired.is_edited and not coalesce(present.was_executed_in_base, false)
                            then 'unskipped'
                    end
            else case
                        when
                            bases.content_hash <> present.content_hash
                            and not coalesce(
                                bases.test_content_hash = present.test_content_hash
                                and bases.step_id = present.step_id,
                                false
                            )
                            then 'stimulus changed'
                        when not bases.is_right and present.is_right then 'fixed'
                        when bases.is_right and not present.is_right then 'regressed'
                        when not bases.is_right and not present.is_right then 'changed, both wrong'
                        else 'changed'
                    end
        end as change,
        bases.is_right as was_right,
        present.is_right,
        coalesce(present.operation, bases.operation) as operation,
        coalesce(present.inputs, bases.inputs) as inputs,
        bases.inputs as previous_inputs,
        bases.response as previous_response,
        case when present.is_executed then present.response end as response,
        coalesce(bases.revision, bases.implementation_id) as previous_revision,
        bases.run_id as previous_run_id,
        present.run_id
    from paired
    left join present
        on paired.head_lineage = present.head_lineage
            and paired.problem_id = present.problem_id
            and paired.environment_id = present.environment_id
            and paired.test_id = present.test_id
            and paired.stimulus_id = present.stimulus_id
    left join bases
        on
            paired.head_lineage = bases.head_lineage
            and paired.problem_id = bases.problem_id
            and paired.environment_id = bases.environment_id
            and paired.test_id = bases.test_id
            and paired.previous_stimulus_id = bases.stimulus_id
    left join unstable
        on
            present.problem_id = unstable.problem_id
            and present.environment_id = unstable.environment_id
            and present.implementation_id = unstable.implementation_id
            and present.test_id = unstable.test_id
            and present.step_id = unstable.step_id

),

findings as (

    select
        *,
        case
            when change = 'regressed' then 'regressed'
            when change = 'new and failing' then 'new-failing'
            -- It fails, and what the base ran did not.
            when change = 'unskipped' and not is_right then 'new-failing'
            when change = 'stimulus changed' and not is_right and coalesce(was_right, true) then 'new-failing'
            when change = 'stimulus changed' then 'edited'
            when change = 'changed, both wrong' then 'changed'
            else change
        end as finding
    from compared
    where change is not null or is_unstable

),

kept as (

    select
        *,
        coalesce(finding in ('regressed', 'new-failing', 'changed'), false) or is_unstable as is_suspect
    from findings

),

suspect_tests as (

    select distinct head_lineage, problem_id, environment_id, test_id
    from kept
    where is_suspect

),

-- The executions of the head, and those that were made before it in both lineages: first those of the base.
revisions_before as (

    select
        pairs.head_lineage,
        places.problem_id,
        places.environment_id,
        places.implementation_id,
        case
            when places.lineage = pairs.head_lineage and places.place = pairs.head_place then null
            when places.lineage = pairs.head_lineage then 1000000000 + places.place
            else places.place
        end as revision_place
    from places
    inner join pairs
        on
            (places.lineage = pairs.head_lineage and places.place <= pairs.head_place)
            or (
                places.lineage = pairs.base_lineage
                and pairs.base_lineage <> pairs.head_lineage
                and places.place <= pairs.base_place
            )

),

executed as (

    select
        *,
        true as is_executed
    from stimulus_response_cube
    where data_set_id = :data_set and not is_set_aside and response_kind not in ('not_executed', 'skipped')

),

actuations as (

    select
        revisions_before.head_lineage,
        revisions_before.revision_place,
        executed.*
    from executed
    inner join revisions_before
        on executed.problem_id = revisions_before.problem_id
            and executed.environment_id = revisions_before.environment_id
            and executed.implementation_id = revisions_before.implementation_id
    inner join suspect_tests
        on
            revisions_before.head_lineage = suspect_tests.head_lineage
            and executed.problem_id = suspect_tests.problem_id
            and executed.environment_id = suspect_tests.environment_id
            and executed.test_id = suspect_tests.test_id
),

with_inputs as (

    select * from actuations
    where inputs is not null

),

with_contents as (

    select
            *,
            case
                when is_executed
                    then md5(concat_ws(
                        ':',
                        cast(place as string),
                        cast(sum(case when is_executed then cast(conv(substr(md5(concat_ws(':', cast(place as string), input_hash)), 1, 16), 16, 10) as decimal(38, 0)) end) over (partition by head_lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt order by step_id rows between unbounded preceding and current row) as string),
                        cast(sum(case when is_executed then cast(conv(substr(md5(concat_ws(':', cast(place as string), input_hash)), 17, 16), 16, 10) as decimal(38, 0)) end) over (partition by head_lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt order by step_id rows between unbounded preceding and current row) as string)
                    ))
            end as content_hash
        from (
            select
                *,
                sum(case when is_executed then 1 else 0 end) over (partition by head_lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt order by step_id rows between unbounded preceding and current row) as place,
                row_number() over (partition by head_lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt, input_hash order by step_id) as occurrence
            from (
                select
                    *,
                    md5(concat_ws(
                        ':',
                        coalesce(md5(operation), '-'),
                        coalesce(md5(target), '-'),
                        md5(inputs)
                    )) as input_hash
                from with_inputs
            ) as hashed
        ) as placed

),

executions as (

    select
        head_lineage,
        problem_id,
        environment_id,
        test_id,
        implementation_id,
        step_id,
        run_id,
        attempt,
        revision_place,
        is_final,
        response,
        response_hash,
        observed_at,
        coalesce(md5('test:' || test_content_hash), content_hash) as content_id
    from with_contents
    union all
    select
        head_lineage,
        problem_id,
        environment_id,
        test_id,
        implementation_id,
        step_id,
        run_id,
        attempt,
        revision_place,
        is_final,
        response,
        response_hash,
        observed_at,
        coalesce(md5('test:' || test_content_hash), '') as content_id
    from actuations
    where inputs is null

),

head_executions as (

    select
        *,
        row_number() over (
            partition by head_lineage, problem_id, environment_id, test_id, step_id
            order by is_final desc, observed_at desc, run_id desc
        ) as recency
    from executions
    where revision_place is null

),

last_ones as (

    select * from head_executions
    where recency = 1

),

repeats as (

    select
        last_ones.head_lineage,
        last_ones.problem_id,
        last_ones.environment_id,
        last_ones.test_id,
        last_ones.step_id,
        count(*) as n_executions,
        cast(sum(
            case when head_executions.response_hash = last_ones.response_hash then 1 else 0 end
        ) as bigint) as n_same
    from last_ones
    inner join head_executions
        on last_ones.head_lineage = head_executions.head_lineage
            and last_ones.problem_id = head_executions.problem_id
            and last_ones.environment_id = head_executions.environment_id
            and last_ones.test_id = head_executions.test_id
            and last_ones.step_id = head_executions.step_id
            and last_ones.content_id = head_executions.content_id
    group by last_ones.head_lineage,
        last_ones.problem_id,
        last_ones.environment_id,
        last_ones.test_id,
        last_ones.step_id

),

ranked_before as (

    select
        executions.*,
        executions.response_hash = last_ones.response_hash as is_same,
        row_number() over (
            partition by
                executions.head_lineage,
                executions.problem_id,
                executions.environment_id,
                executions.test_id,
                executions.step_id
            order by
                executions.revision_place desc,
                executions.observed_at desc,
                executions.run_id desc,
                executions.attempt desc
        ) as recency
    from executions
    inner join last_ones
        on executions.head_lineage = last_ones.head_lineage
            and executions.problem_id = last_ones.problem_id
            and executions.environment_id = last_ones.environment_id
            and executions.test_id = last_ones.test_id
            and executions.step_id = last_ones.step_id
            and executions.content_id = last_ones.content_id
    where executions.revision_place is not null

),

executions_before as (

    select * from ranked_before
    where recency <= :last_executions

),

flips as (

    select
            *,
            case when response_hash <> hash_before and implementation_id = implementation_before then 1 else 0 end
                as is_disagreement,
            case
                when
                    response_hash <> hash_before
                    and (implementation_id = implementation_before or hash_before = hash_after)
                    then 1
                else 0
            end as is_flip
        from (
            select
                *,
                lag(response_hash) over (partition by head_lineage, problem_id, environment_id, test_id, step_id order by revision_place, observed_at, run_id, attempt) as hash_before,
                lead(response_hash) over (partition by head_lineage, problem_id, environment_id, test_id, step_id order by revision_place, observed_at, run_id, attempt) as hash_after,
                lag(implementation_id) over (partition by head_lineage, problem_id, environment_id, test_id, step_id order by revision_place, observed_at, run_id, attempt) as implementation_before
            from executions_before
        ) as neighbours

),

histories as (

    select
        head_lineage,
        problem_id,
        environment_id,
        test_id,
        step_id,
        count(*) as n_before,
        cast(sum(case when is_same then 1 else 0 end) as bigint) as n_same_before,
        cast(sum(is_flip) as bigint) as n_flips,
        cast(sum(is_disagreement) as bigint) as n_disagreements,
        max(case when is_flip = 1 then observed_at end) as last_flip_at
    from flips
    group by head_lineage, problem_id, environment_id, test_id, step_id

),

judged as (

    select
        kept.*,
        repeats.n_executions,
        repeats.n_same,
        histories.n_before,
        histories.n_same_before,
        histories.n_flips,
        histories.last_flip_at,
        coalesce(
            (histories.n_disagreements >= 1 or histories.n_flips >= 2) and histories.n_same_before >= 1, false
        ) as is_known_flaky,
        repeats.n_same = repeats.n_executions
        and power(
            (
                    (histories.n_same_before + 1.920729e0) / (histories.n_before + 3.841459e0)
                    + 1.959964e0 / (histories.n_before + 3.841459e0) * sqrt(
                        cast(histories.n_same_before as double) * (histories.n_before - histories.n_same_before) / histories.n_before + 0.960365e0
                    )
                ),
            repeats.n_executions
        ) < 0.05 as is_beyond_chance
    from kept
    left join repeats
        on
            kept.is_suspect
            and kept.head_lineage = repeats.head_lineage
            and kept.problem_id = repeats.problem_id
            and kept.environment_id = repeats.environment_id
            and kept.test_id = repeats.test_id
            and kept.step_id = repeats.step_id
    left join histories
        on
            kept.is_suspect
            and kept.head_lineage = histories.head_lineage
            and kept.problem_id = histories.problem_id
            and kept.environment_id = histories.environment_id
            and kept.test_id = histories.test_id
            and kept.step_id = histories.step_id

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
    judged.head_lineage as lineage,
    pairs.base_lineage,
    judged.environment_id,
    judged.problem_id,
    judged.test_id,
    judged.step_id,
    case
        when
            judged.finding in ('regressed', 'new-failing', 'changed')
            and judged.is_known_flaky
            and not judged.is_beyond_chance
            then 'flaky'
        else coalesce(judged.finding, 'flaky')
    end as finding,
    judged.change,
    judged.is_known_flaky,
    judged.was_right,
    judged.is_right,
    judged.operation,
    judged.inputs,
    judged.previous_inputs,
    judged.previous_response,
    judged.response,
    judged.previous_revision,
    judged.previous_run_id,
    judged.run_id,
    judged.n_executions,
    judged.n_same,
    judged.n_before,
    judged.n_same_before,
    judged.n_flips,
    judged.last_flip_at
from judged
inner join pairs on judged.head_lineage = pairs.head_lineage
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by lineage, finding, environment_id, problem_id, test_id, step_id
