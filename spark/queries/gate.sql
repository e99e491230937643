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

-- What is known of a stimulus on both sides is found with windows, not with joins: an engine that does not materialize
-- what is used twice would repeat all steps before.
placed_sides as (

    select
        *,
        max(case when side = 'head' then 1 else 0 end) over (
            partition by head_lineage, environment_id
        ) as is_environment_of_head,
        max(case when side = 'head' then 1 else 0 end) over (
            partition by head_lineage, problem_id, environment_id
        ) as is_problem_of_head
    from sides

),

states as (

    select * from lineage_states
    where data_set_id = :data_set

),

cells as (

    select
        placed_sides.side,
        placed_sides.head_lineage,
        placed_sides.problem_place,
        placed_sides.environment_place,
        placed_sides.place,
        placed_sides.is_environment_of_head,
        placed_sides.is_problem_of_head,
        states.*
    from states
    inner join placed_sides
        on
            states.lineage = placed_sides.lineage
            and states.problem_id = placed_sides.problem_id
            and states.environment_id = placed_sides.environment_id
            and states.implementation_id = placed_sides.implementation_id

),

-- `executed_place` is where the base last executed the stimulus. `is_in_base` and the columns after it describe the
-- last revision of the base that ran the problem, and are null if no revision of the base had the stimulus.
matched as (

    select
        *,
        max(case when side = 'head' then 1 else 0 end) over (partition by head_lineage, problem_id, environment_id, test_id, stimulus_id) as is_in_head,
        max(case when side = 'base' and is_executed then place end) over (partition by head_lineage, problem_id, environment_id, test_id, stimulus_id) as executed_place,
        max(case when side = 'base' then case when place = problem_place then 1 else 0 end end)
            over (partition by head_lineage, problem_id, environment_id, test_id, stimulus_id) as is_in_base,
        max(case when side = 'base' then case when place = problem_place and is_executed then 1 else 0 end end)
            over (partition by head_lineage, problem_id, environment_id, test_id, stimulus_id) as is_executed_in_base,
        max(case when side = 'base' and place = problem_place then step_id end) over (partition by head_lineage, problem_id, environment_id, test_id, stimulus_id) as base_step_id
    from cells

),

-- The last executed responses.
bases as (

    select * from matched
    where side = 'base' and place = executed_place

),

present as (

    select
        *,
        is_in_base is not null as was_recorded,
        is_in_base = 1 and is_executed_in_base = 1 as was_executed_in_base,
        is_in_base = 1 and is_executed_in_base = 0 as was_skipped_in_base,
        -- What was never executed may be an edited stimulus.
        case when executed_place is null then step_id end as pairing_step_id
    from matched
    where side = 'head'

),

-- Also of problems that the base ran, and the head did not, in an environment that both ran.
gone as (

    select
        head_lineage,
        problem_id,
        environment_id,
        test_id,
        stimulus_id,
        base_step_id as step_id
    from bases
    where
        is_in_head = 0
        and is_in_base = 1
        and is_environment_of_head = 1
        and (is_problem_of_head = 1 or problem_place = environment_place)

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
        gone.stimulus_id is not null and present.stimulus_id is not null as is_edited,
        present.implementation_id,
        present.is_executed,
        present.is_right,
        present.was_recorded,
        present.was_executed_in_base,
        present.was_skipped_in_base,
        present.operation,
        present.inputs,
        present.content_hash,
        present.test_content_hash,
        present.response,
        present.response_hash,
        present.run_id
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
        paired.implementation_id,
        unstable.test_id is not null as is_unstable,
        case
            when paired.stimulus_id is null then 'gone'
            when not paired.is_executed
                then
                    case
                        when bases.stimulus_id is not null and not coalesce(paired.was_skipped_in_base, false)
                            then 'skipped'
                    end
            when bases.stimulus_id is null
                then
                    case
                        when not paired.is_right then 'new and failing'
                        when paired.was_recorded then 'unskipped'
                        else 'new'
                    end
            when bases.response_hash = paired.response_hash
                then
                    case
                        when not paired.is_edited and not coalesce(paired.was_executed_in_base, false)
                            then 'unskipped'
                    end
            else case
                        when
                            bases.content_hash <> paired.content_hash
                            and not coalesce(
                                bases.test_content_hash = paired.test_content_hash
                                and bases.step_id = paired.step_id,
                                false
                            )
                            then 'stimulus changed'
                        when not bases.is_right and paired.is_right then 'fixed'
                        when bases.is_right and not paired.is_right then 'regressed'
                        when not bases.is_right and not paired.is_right then 'changed, both wrong'
                        else 'changed'
                    end
        end as change,
        bases.is_right as was_right,
        paired.is_right,
        coalesce(paired.operation, bases.operation) as operation,
        coalesce(paired.inputs, bases.inputs) as inputs,
        bases.inputs as previous_inputs,
        bases.response as previous_response,
        case when paired.is_executed then paired.response end as response,
        coalesce(bases.revision, bases.implementation_id) as previous_revision,
        bases.run_id as previous_run_id,
        paired.run_id
    from paired
    left join bases
        on
            paired.head_lineage = bases.head_lineage
            and paired.problem_id = bases.problem_id
            and paired.environment_id = bases.environment_id
            and paired.test_id = bases.test_id
            and paired.previous_stimulus_id = bases.stimulus_id
    left join unstable
        on
            paired.problem_id = unstable.problem_id
            and paired.environment_id = unstable.environment_id
            and paired.implementation_id = unstable.implementation_id
            and paired.test_id = unstable.test_id
            and paired.step_id = unstable.step_id

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
                        cast(sum(case when is_executed then cast(conv(regexp_replace(substr(md5(concat_ws(':', cast(place as string), input_hash)), 1, 16), '(..)(..)(..)(..)(..)(..)(..)(..)', '$8$7$6$5$4$3$2$1'), 16, 10) as decimal(38, 0)) end) over (partition by head_lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt order by step_id rows between unbounded preceding and current row) as string),
                        cast(sum(case when is_executed then cast(conv(regexp_replace(substr(md5(concat_ws(':', cast(place as string), input_hash)), 17, 16), '(..)(..)(..)(..)(..)(..)(..)(..)', '$8$7$6$5$4$3$2$1'), 16, 10) as decimal(38, 0)) end) over (partition by head_lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt order by step_id rows between unbounded preceding and current row) as string)
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

ranked_executions as (

    select
        *,
        case when revision_place is null then 0 else 1 end as is_before,
        row_number() over (
            partition by head_lineage, problem_id, environment_id, test_id, step_id, case when revision_place is null then 0 else 1 end
            order by is_final desc, observed_at desc, run_id desc
        ) as recency
    from executions

),

known_executions as (

    select
        *,
        max(case when is_before = 0 and recency = 1 then content_id end) over (
            partition by head_lineage, problem_id, environment_id, test_id, step_id
        ) as last_content_id,
        max(case when is_before = 0 and recency = 1 then response_hash end) over (
            partition by head_lineage, problem_id, environment_id, test_id, step_id
        ) as last_response_hash
    from ranked_executions

),

-- Executions of what the head executed last, by it and before it.
repeated as (

    select
        head_lineage,
        problem_id,
        environment_id,
        test_id,
        step_id,
        implementation_id,
        run_id,
        attempt,
        revision_place,
        observed_at,
        response_hash,
        is_before,
        case when response_hash = last_response_hash then 1 else 0 end as is_same,
        row_number() over (
            partition by head_lineage, problem_id, environment_id, test_id, step_id, is_before
            order by revision_place desc, observed_at desc, run_id desc, attempt desc
        ) as recency
    from known_executions
    where content_id = last_content_id

),

last_repeated as (

    select * from repeated
    where is_before = 0 or recency <= :last_executions

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
                lag(response_hash) over (partition by head_lineage, problem_id, environment_id, test_id, step_id, is_before order by revision_place, observed_at, run_id, attempt) as hash_before,
                lead(response_hash) over (partition by head_lineage, problem_id, environment_id, test_id, step_id, is_before order by revision_place, observed_at, run_id, attempt) as hash_after,
                lag(implementation_id) over (partition by head_lineage, problem_id, environment_id, test_id, step_id, is_before order by revision_place, observed_at, run_id, attempt) as implementation_before
            from last_repeated
        ) as neighbours

),

-- What was not executed before has null for the numbers of executions before.
histories as (

    select
        head_lineage,
        problem_id,
        environment_id,
        test_id,
        step_id,
        cast(sum(1 - is_before) as bigint) as n_executions,
        cast(sum(case when is_before = 0 then is_same end) as bigint) as n_same,
        cast(nullif(sum(is_before), 0) as bigint) as n_before,
        cast(sum(case when is_before = 1 then is_same end) as bigint) as n_same_before,
        cast(sum(case when is_before = 1 then is_flip end) as bigint) as n_flips,
        cast(sum(case when is_before = 1 then is_disagreement end) as bigint) as n_disagreements,
        max(case when is_before = 1 and is_flip = 1 then observed_at end) as last_flip_at
    from flips
    group by head_lineage, problem_id, environment_id, test_id, step_id

),

judged as (

    select
        kept.*,
        histories.n_executions,
        histories.n_same,
        histories.n_before,
        histories.n_same_before,
        histories.n_flips,
        histories.last_flip_at,
        coalesce(
            (histories.n_disagreements >= 1 or histories.n_flips >= 2) and histories.n_same_before >= 1, false
        ) as is_known_flaky,
        histories.n_same = histories.n_executions
        and power(
            (
                    (histories.n_same_before + 1.920729e0) / (histories.n_before + 3.841459e0)
                    + 1.959964e0 / (histories.n_before + 3.841459e0) * sqrt(
                        cast(histories.n_same_before as double) * (histories.n_before - histories.n_same_before) / histories.n_before + 0.960365e0
                    )
                ),
            histories.n_executions
        ) < 0.05 as is_beyond_chance
    from kept
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
