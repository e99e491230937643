-- How implementations moved between clusters, from one context to another.

{{ config(materialized='view') }}

{% set from_context = obslake.transition_context('from') -%}
{%- set to_context = obslake.transition_context('to') -%}
{{ obslake.transitions_between(
    obslake.in_this_database(ref('response_signatures')),
    obslake.in_this_database(ref('implementations')),
    from_context.run_id,
    to_context.run_id,
    from_context.environment_id,
    to_context.environment_id,
    from_context.revision,
    to_context.revision,
) }}

select * from final
