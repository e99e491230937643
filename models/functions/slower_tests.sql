{{ config(parameters=[
    'data_set',
    'head',
    'base := null',
    'of_lineage := null',
    'of_base_lineage := null',
    'least_ratio := 1.5',
    'least_ms := 50'
]) }}

{%- set test = ['head_lineage', 'environment_id', 'problem_id', 'test_id'] %}

with

{{ obslake.compared_sides() }},

actuations as (

    select * from {{ obslake.relation_without_database(ref('stimulus_response_cube')) }}
    where data_set_id = data_set and is_final and not is_set_aside and duration_ns is not null

),

-- A test takes as long as the last attempts of its steps.
durations as (

    select
        sides.side,
        {{ 'sides.' ~ test[:3] | join(',\n        sides.') }},
        actuations.test_id,
        sides.place,
        sides.problem_place,
        actuations.run_id,
        min(actuations.observed_at) as observed_at,
        cast(sum(actuations.duration_ns) as double) / 1000000 as duration
    from actuations
    inner join sides
        on {{ obslake.equal_columns(
            'actuations', 'sides', ['problem_id', 'environment_id', 'implementation_id']
        ) | indent(12) }}
    group by
        sides.side,
        {{ 'sides.' ~ test[:3] | join(',\n        sides.') }},
        actuations.test_id,
        sides.place,
        sides.problem_place,
        actuations.run_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by side, {{ test | join(', ') }}
            order by place desc, observed_at desc, run_id desc
        ) as recency
    from durations

),

medians as (

    select
        side,
        {{ test | join(',\n        ') }},
        median(duration) as duration,
        median(case when place = problem_place then duration end) as last_duration,
        count(*) as n_runs
    from ranked
    where side = 'head' or recency <= 20
    group by side, {{ test | join(', ') }}

),

deviations as (

    select
        {{ 'ranked.' ~ test | join(',\n        ranked.') }},
        median(abs(ranked.duration - medians.duration)) as deviation
    from ranked
    inner join medians
        on
            {{ obslake.equal_columns('ranked', 'medians', ['side'] + test) | indent(12) }}
    where ranked.side = 'base' and ranked.recency <= 20
    group by {{ 'ranked.' ~ test | join(', ranked.') }}

),

compared as (

    select
        {{ 'heads.' ~ test | join(',\n        heads.') }},
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
            {{ obslake.equal_columns('heads', 'bases', test) | indent(12) }}
            and bases.side = 'base'
    inner join deviations
        on {{ obslake.equal_columns('heads', 'deviations', test) | indent(12) }}
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
        on {{ obslake.equal_columns('compared', 'machines', ['head_lineage', 'environment_id']) | indent(12) }}

),

{{ obslake.unknown_name({'head': 'executed revision or implementation'}, optional={
    'base': 'executed revision or implementation',
    'of_lineage': 'lineage',
    'of_base_lineage': 'lineage',
}) }}

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
    after_ms > cast(least_ratio as double) * expected_ms
    and after_ms >= cast(least_ms as double) + expected_ms
    -- Not if the base itself was as slow.
    and after_ms > cast(least_ratio as double) * machine_ratio * coalesce(last_ms, 0)
union all
{{ obslake.unknown_name_row(12) }}
order by lineage asc, evidence asc, ratio desc, environment_id asc, problem_id asc, test_id asc
