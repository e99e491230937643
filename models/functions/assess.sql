{{ config(parameters=['data_set', 'problem']) }}

{#-
-- sqlfluff:indentation:template_blocks_indent:false
-#}
{%- if obslake.leaves_out('assessments') %}
select error('implementation_assessments is left empty: see the variable obslake_leave_out')
{%- else %}
with

{{ obslake.unknown_name({'problem': 'problem'}) }}

select
    assessment_rank,
    implementation_id,
    dual_agreement_score,
    mbr_score,
    n_tests_passed,
    n_same_tests_passed,
    consensus_agreement,
    cluster_oracle_agreement,
    specified_agreement,
    passes_consensus,
    passes_specified,
    n_stimuli,
    n_not_run,
    n_exceptions,
    n_timeouts,
    n_crashes,
    is_voter,
    cluster_rank,
    cluster_size
from {{ obslake.relation_without_database(ref('implementation_assessments')) }}
where data_set_id = data_set and problem_id = problem
union all
{{ obslake.unknown_name_row(19) }}
order by assessment_rank
{%- endif %}
