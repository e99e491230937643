{{ config(parameters=[
    'data_set',
    'head',
    'base := null',
    'of_lineage := null',
    'of_base_lineage := null',
    'last_executions := 50'
]) }}

{%- set cell = ['head_lineage', 'problem_id', 'environment_id'] %}
{%- set test = cell + ['test_id'] %}
{%- set step = test + ['step_id'] %}

with

{{ obslake.compared_sides() }},

-- What is known of a stimulus on both sides is found with windows, not with joins: an engine that does not materialize
-- what is used twice would repeat all steps before.
placed_sides as (

    select
        *,
        max(case when side = 'head' then 1 else 0 end) over (
            partition by head_lineage, environment_id
        ) as is_environment_of_head,
        max(case when side = 'head' then 1 else 0 end) over (
            partition by {{ cell | join(', ') }}
        ) as is_problem_of_head
    from sides

),

states as (

    select * from {{ obslake.relation_without_database(ref('lineage_states')) }}
    where data_set_id = data_set

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
            {{ obslake.equal_columns(
                'states', 'placed_sides', ['lineage', 'problem_id', 'environment_id', 'implementation_id']
            ) | indent(12) }}

),

{%- set of_stimulus %}over (partition by {{ test | join(', ') }}, stimulus_id){% endset %}

-- `executed_place` is where the base last executed the stimulus. `is_in_base` and the columns after it describe the
-- last revision of the base that ran the problem, and are null if no revision of the base had the stimulus.
matched as (

    select
        *,
        max(case when side = 'head' then 1 else 0 end) {{ of_stimulus }} as is_in_head,
        max(case when side = 'base' and is_executed then place end) {{ of_stimulus }} as executed_place,
        max(case when side = 'base' then case when place = problem_place then 1 else 0 end end)
            {{ of_stimulus }} as is_in_base,
        max(case when side = 'base' then case when place = problem_place and is_executed then 1 else 0 end end)
            {{ of_stimulus }} as is_executed_in_base,
        max(case when side = 'base' and place = problem_place then step_id end) {{ of_stimulus }} as base_step_id
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
        {{ test | join(',\n        ') }},
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
        {% for column in test -%}
            coalesce(present.{{ column }}, gone.{{ column }}) as {{ column }},
        {% endfor -%}
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
            {{ obslake.equal_columns('present', 'gone', test) | indent(12) }}
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
    from {{ obslake.relation_without_database(ref('flaky_responses')) }}
    where data_set_id = data_set

),

compared as (

    select
        {{ 'paired.' ~ step | join(',\n        paired.') }},
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
            else {{ obslake.class_of_change('bases', 'paired') | indent(16) }}
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
            {{ obslake.equal_columns('paired', 'bases', test) | indent(12) }}
            and paired.previous_stimulus_id = bases.stimulus_id
    left join unstable
        on
            {{ obslake.equal_columns(
                'paired', 'unstable', ['problem_id', 'environment_id', 'implementation_id', 'test_id', 'step_id']
            ) | indent(12) }}

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

    select distinct {{ test | join(', ') }}
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
    from {{ obslake.relation_without_database(ref('stimulus_response_cube')) }}
    where data_set_id = data_set and not is_set_aside and {{ obslake.is_executed('response_kind') }}

),

actuations as (

    select
        revisions_before.head_lineage,
        revisions_before.revision_place,
        executed.*
    from executed
    inner join revisions_before
        on {{ obslake.equal_columns(
            'executed', 'revisions_before', ['problem_id', 'environment_id', 'implementation_id']
        ) | indent(12) }}
    inner join suspect_tests
        on
            revisions_before.head_lineage = suspect_tests.head_lineage
            and {{ obslake.equal_columns(
                'executed', 'suspect_tests', ['problem_id', 'environment_id', 'test_id']
            ) | indent(12) }}
),

{{ obslake.executions_by_content('actuations', test + ['implementation_id']) }},

ranked_executions as (

    select
        *,
        case when revision_place is null then 0 else 1 end as is_before,
        row_number() over (
            partition by {{ step | join(', ') }}, case when revision_place is null then 0 else 1 end
            order by is_final desc, observed_at desc, run_id desc
        ) as recency
    from executions

),

known_executions as (

    select
        *,
        max(case when is_before = 0 and recency = 1 then content_id end) over (
            partition by {{ step | join(', ') }}
        ) as last_content_id,
        max(case when is_before = 0 and recency = 1 then response_hash end) over (
            partition by {{ step | join(', ') }}
        ) as last_response_hash
    from ranked_executions

),

-- Executions of what the head executed last, by it and before it.
repeated as (

    select
        {{ step | join(',\n        ') }},
        implementation_id,
        run_id,
        attempt,
        revision_place,
        observed_at,
        response_hash,
        is_before,
        case when response_hash = last_response_hash then 1 else 0 end as is_same,
        row_number() over (
            partition by {{ step | join(', ') }}, is_before
            order by revision_place desc, observed_at desc, run_id desc, attempt desc
        ) as recency
    from known_executions
    where content_id = last_content_id

),

last_repeated as (

    select * from repeated
    where is_before = 0 or recency <= last_executions

),

flips as (

    {{ obslake.with_flips('last_repeated', step + ['is_before']) | indent(4) }}

),

-- What was not executed before has null for the numbers of executions before.
histories as (

    select
        {{ step | join(',\n        ') }},
        cast(sum(1 - is_before) as bigint) as n_executions,
        cast(sum(case when is_before = 0 then is_same end) as bigint) as n_same,
        cast(nullif(sum(is_before), 0) as bigint) as n_before,
        cast(sum(case when is_before = 1 then is_same end) as bigint) as n_same_before,
        cast(sum(case when is_before = 1 then is_flip end) as bigint) as n_flips,
        cast(sum(case when is_before = 1 then is_disagreement end) as bigint) as n_disagreements,
        max(case when is_before = 1 and is_flip = 1 then observed_at end) as last_flip_at
    from flips
    group by {{ step | join(', ') }}

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
            {{ obslake.share_bound('histories.n_same_before', 'histories.n_before', '+') | indent(12) }},
            histories.n_executions
        ) < 0.05 as is_beyond_chance
    from kept
    left join histories
        on
            kept.is_suspect
            and {{ obslake.equal_columns('kept', 'histories', step) | indent(12) }}

),

{{ obslake.unknown_name({'head': 'executed revision or implementation'}, optional={
    'base': 'executed revision or implementation',
    'of_lineage': 'lineage',
    'of_base_lineage': 'lineage',
}) }}

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
{{ obslake.unknown_name_row(25) }}
order by lineage, finding, environment_id, problem_id, test_id, step_id
