-- Every observed context with the attributes of its run: the earliest start in its descriptions, and the latest value
-- of each other attribute.

{{ config(materialized='table') }}

with

run_columns as (

    select * from {{ ref('int_run_signatures') }}

),

descriptions as (

    select * from {{ ref('stg_runs') }}

),

described as (

    select
        data_set_id,
        run_id,
        environment_id,
        {{ obslake.latest_by_load('source') }} as source,
        min(started_at) as started_at,
        {{ obslake.latest_by_load('git_commit') }} as git_commit,
        {{ obslake.latest_by_load('git_branch') }} as git_branch,
        {{ obslake.latest_by_load('pipeline') }} as pipeline,
        {{ obslake.latest_by_load('attributes') }} as attributes
    from descriptions
    group by data_set_id, run_id, environment_id

),

contexts as (

    select
        data_set_id,
        run_id,
        environment_id,
        cast(sum(n_actuations) as bigint) as n_actuations,
        min(first_observed_at) as first_observed_at,
        max(last_observed_at) as last_observed_at
    from run_columns
    group by data_set_id, run_id, environment_id

),

set_aside as (

    select distinct
        data_set_id,
        run_id,
        environment_id,
        reason
    from {{ ref('int_set_aside_runs') }}

),

final as (

    select
        contexts.data_set_id,
        contexts.run_id,
        contexts.environment_id,
        described.source,
        coalesce(described.started_at, contexts.first_observed_at) as started_at,
        described.git_commit,
        described.git_branch,
        described.pipeline,
        described.attributes,
        contexts.n_actuations,
        contexts.first_observed_at,
        contexts.last_observed_at,
        set_aside.run_id is not null as is_set_aside,
        set_aside.reason as set_aside_reason
    from contexts
    left join described
        on
            contexts.data_set_id = described.data_set_id
            and contexts.run_id = described.run_id
            and contexts.environment_id = described.environment_id
    left join set_aside
        on
            contexts.data_set_id = set_aside.data_set_id
            and contexts.run_id = set_aside.run_id
            and contexts.environment_id = set_aside.environment_id

)

select * from final
