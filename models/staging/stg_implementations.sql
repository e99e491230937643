-- Descriptions of implementations and of whole systems, as appended.

{{ obslake.stage_source('implementations', [
    {'name': 'data_set_id', 'type': 'string', 'default': "'default'"},
    {'name': 'problem_id', 'type': 'string'},
    {'name': 'implementation_id', 'type': 'string'},
    {'name': 'system', 'type': 'string'},
    {'name': 'variant', 'type': 'string'},
    {'name': 'adapter', 'type': 'string'},
    {'name': 'lineage', 'type': 'string'},
    {'name': 'revision', 'type': 'string'},
    {'name': 'revised_at', 'type': obslake.timestamp_type()},
    {'name': 'content', 'type': 'string'},
    {'name': 'content_hash', 'type': 'string'},
    {'name': 'language', 'type': 'string'},
    {'name': 'origin', 'type': 'string'},
    {'name': 'licence', 'type': 'string'},
    {'name': 'load_id', 'type': 'string', 'default': "''"},
]) }}
