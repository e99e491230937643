-- Descriptions of runs, as appended.

{{ obslake.stage_source('runs', [
    {'name': 'data_set_id', 'type': 'string', 'default': "'default'"},
    {'name': 'run_id', 'type': 'string', 'is_needed': true},
    {'name': 'environment_id', 'type': 'string', 'default': "'default'"},
    {'name': 'source', 'type': 'string'},
    {'name': 'started_at', 'type': obslake.timestamp_type()},
    {'name': 'git_commit', 'type': 'string'},
    {'name': 'git_branch', 'type': 'string'},
    {'name': 'pipeline', 'type': 'string'},
    {'name': 'attributes', 'type': obslake.string_map_type()},
    {'name': 'load_id', 'type': 'string', 'default': "''"},
]) }}
