-- Every observed implementation with its attributes: from its own descriptions, or else from those of its system, so
-- that a mutant has the code of the system it was made from.

with

observed as (

    select distinct
        data_set_id,
        problem_id,
        implementation_id
    from {{ obslake.stale_rows(ref('int_run_signatures')) }}
    where n_steps > 0 and not is_oracle and not is_set_aside

),

descriptions as (

    select * from {{ obslake.stale_rows(ref('stg_implementations')) }}

),

-- Attributes may come from several loads. The latest value of each attribute counts.
own as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        {{ obslake.latest_by_load('system') }} as system,
        {{ obslake.latest_by_load('variant') }} as variant,
        {{ obslake.latest_by_load('adapter') }} as adapter,
        {{ obslake.latest_by_load('lineage') }} as lineage,
        {{ obslake.latest_by_load('revision') }} as revision,
        {{ obslake.latest_by_load('revised_at') }} as revised_at,
        {{ obslake.latest_by_load('content') }} as content,
        {{ obslake.latest_by_load('content_hash') }} as content_hash,
        {{ obslake.latest_by_load('language') }} as language,
        {{ obslake.latest_by_load('origin') }} as origin,
        {{ obslake.latest_by_load('licence') }} as licence
    from descriptions
    where implementation_id is not null
    group by data_set_id, problem_id, implementation_id

),

-- A system that is described without a problem is the same for all problems of its data set. It does not belong to
-- any stale problem, so all descriptions are read.
systems as (

    select
        data_set_id,
        problem_id,
        system,
        {{ obslake.latest_by_load('content') }} as content,
        {{ obslake.latest_by_load('content_hash') }} as content_hash,
        {{ obslake.latest_by_load('language') }} as language,
        {{ obslake.latest_by_load('origin') }} as origin,
        {{ obslake.latest_by_load('licence') }} as licence
    from {{ ref('stg_implementations') }}
    where implementation_id is null and system is not null
    group by data_set_id, problem_id, system

),

named as (

    select
        observed.data_set_id,
        observed.problem_id,
        observed.implementation_id,
        coalesce(own.system, observed.implementation_id) as system,
        own.variant,
        own.adapter,
        own.lineage,
        own.revision,
        own.revised_at,
        own.content,
        own.content_hash,
        own.language,
        own.origin,
        own.licence
    from observed
    left join own
        on
            observed.data_set_id = own.data_set_id
            and observed.problem_id = own.problem_id
            and observed.implementation_id = own.implementation_id

),

final as (

    select
        named.data_set_id,
        named.problem_id,
        named.implementation_id,
        named.system,
        named.variant,
        named.adapter,
        named.lineage,
        named.revision,
        named.revised_at,
        coalesce(named.content, in_problem.content, anywhere.content) as content,
        coalesce(named.content_hash, in_problem.content_hash, anywhere.content_hash) as content_hash,
        coalesce(named.language, in_problem.language, anywhere.language) as language,
        coalesce(named.origin, in_problem.origin, anywhere.origin) as origin,
        coalesce(named.licence, in_problem.licence, anywhere.licence) as licence
    from named
    left join systems as in_problem
        on
            named.data_set_id = in_problem.data_set_id
            and named.problem_id = in_problem.problem_id
            and named.system = in_problem.system
    left join systems as anywhere
        on
            named.data_set_id = anywhere.data_set_id
            and anywhere.problem_id is null
            and named.system = anywhere.system

)

select * from final
