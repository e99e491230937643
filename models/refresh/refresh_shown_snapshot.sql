-- Which snapshot of observations is shown, and by which rules it is read; no row where the rows are a relation of
-- one's own.

{{ config(materialized='table') }}

{%- set rules = {
    'oracle': var('obslake_oracle'),
    'voting_kinds': var('obslake_voting_kinds'),
    'eligible_kinds': var('obslake_eligible_kinds'),
    'one_vote_per': obslake.checked_variable('obslake_one_vote_per'),
    'minimal_support': obslake.checked_variable('obslake_minimal_support'),
} %}

{% if var('obslake_observations') %}
    select
        cast(null as bigint) as snapshot_id,
        cast(null as string) as digest,
        cast(null as string) as rules
    where 1 = 0
{% else %}
    select
        snapshot_id,
        digest,
        {{ obslake.text_literal(tojson(rules)) }} as rules
    from {{ source('obslake', 'shown') }}
{% endif %}
