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

states as (

    select * from {{ obslake.relation_without_database(ref('lineage_states')) }}
    where data_set_id = data_set

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
            {{ obslake.equal_columns(
                'states', 'sides', ['lineage', 'problem_id', 'environment_id', 'implementation_id']
            ) | indent(12) }}

),

heads as (

    select * from cells
    where side = 'head'

),

known as (

    select
        {{ test | join(',\n        ') }},
        stimulus_id,
        max(case when is_executed then place end) as executed_place,
        max(case when place = problem_place then 1 else 0 end) as is_in_base,
        max(case when place = problem_place and is_executed then 1 else 0 end) as is_executed_in_base,
        max(case when place = problem_place then step_id end) as base_step_id,
        max(problem_place) as problem_place,
        max(environment_place) as environment_place
    from cells
    where side = 'base'
    group by {{ test | join(', ') }}, stimulus_id

),

-- The last executed responses.
bases as (

    select cells.*
    from cells
    inner join known
        on
            {{ obslake.equal_columns('cells', 'known', test + ['stimulus_id']) | indent(12) }}
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

    select distinct {{ cell | join(', ') }}
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
        on {{ obslake.equal_columns('heads', 'known', test + ['stimulus_id']) | indent(12) }}

),

-- Also of problems that the base ran, and the head did not, in an environment that both ran.
gone as (

    select
        {{ 'bases.' ~ test | join(',\n        bases.') }},
        bases.stimulus_id,
        known.base_step_id as step_id
    from bases
    inner join known
        on {{ obslake.equal_columns('bases', 'known', test + ['stimulus_id']) | indent(12) }}
    inner join head_environments
        on {{ obslake.equal_columns('bases', 'head_environments', ['head_lineage', 'environment_id']) | indent(12) }}
    left join head_problems
        on {{ obslake.equal_columns('bases', 'head_problems', cell) | indent(12) }}
    left join heads
        on {{ obslake.equal_columns('bases', 'heads', test + ['stimulus_id']) | indent(12) }}
    where
        heads.stimulus_id is null
        and known.is_in_base = 1
        and (head_problems.problem_id is not null or known.problem_place = known.environment_place)

),

paired as (

    select
        {% for column in test -%}
            coalesce(present.{{ column }}, gone.{{ column }}) as {{ column }},
        {% endfor -%}
        coalesce(present.step_id, gone.step_id) as step_id,
        present.stimulus_id,
        coalesce(gone.stimulus_id, present.stimulus_id) as previous_stimulus_id,
        gone.stimulus_id is not null and present.stimulus_id is not null as is_edited
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
            else {{ obslake.class_of_change('bases', 'present') | indent(16) }}
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
        on {{ obslake.equal_columns('paired', 'present', test + ['stimulus_id']) | indent(12) }}
    left join bases
        on
            {{ obslake.equal_columns('paired', 'bases', test) | indent(12) }}
            and paired.previous_stimulus_id = bases.stimulus_id
    left join unstable
        on
            {{ obslake.equal_columns(
                'present', 'unstable', ['problem_id', 'environment_id', 'implementation_id', 'test_id', 'step_id']
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

head_executions as (

    select
        *,
        row_number() over (
            partition by {{ step | join(', ') }}
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
        {{ 'last_ones.' ~ step | join(',\n        last_ones.') }},
        count(*) as n_executions,
        cast(sum(
            case when head_executions.response_hash = last_ones.response_hash then 1 else 0 end
        ) as bigint) as n_same
    from last_ones
    inner join head_executions
        on {{ obslake.equal_columns('last_ones', 'head_executions', step + ['content_id']) | indent(12) }}
    group by {{ 'last_ones.' ~ step | join(',\n        last_ones.') }}

),

ranked_before as (

    select
        executions.*,
        executions.response_hash = last_ones.response_hash as is_same,
        row_number() over (
            partition by
                {{ 'executions.' ~ step | join(',\n                executions.') }}
            order by
                executions.revision_place desc,
                executions.observed_at desc,
                executions.run_id desc,
                executions.attempt desc
        ) as recency
    from executions
    inner join last_ones
        on {{ obslake.equal_columns('executions', 'last_ones', step + ['content_id']) | indent(12) }}
    where executions.revision_place is not null

),

executions_before as (

    select * from ranked_before
    where recency <= last_executions

),

flips as (

    {{ obslake.with_flips('executions_before', step) | indent(4) }}

),

histories as (

    select
        {{ step | join(',\n        ') }},
        count(*) as n_before,
        cast(sum(case when is_same then 1 else 0 end) as bigint) as n_same_before,
        cast(sum(is_flip) as bigint) as n_flips,
        cast(sum(is_disagreement) as bigint) as n_disagreements,
        max(case when is_flip = 1 then observed_at end) as last_flip_at
    from flips
    group by {{ step | join(', ') }}

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
            {{ obslake.share_bound('histories.n_same_before', 'histories.n_before', '+') | indent(12) }},
            repeats.n_executions
        ) < 0.05 as is_beyond_chance
    from kept
    left join repeats
        on
            kept.is_suspect
            and {{ obslake.equal_columns('kept', 'repeats', step) | indent(12) }}
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
