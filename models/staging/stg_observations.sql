-- Actuations, as appended, with types, and with defaults for columns that a source may lack.

{{ obslake.stage_source('observations', [
    {'name': 'data_set_id', 'type': 'string', 'default': "'default'"},
    {'name': 'problem_id', 'type': 'string', 'is_needed': true},
    {'name': 'test_id', 'type': 'string', 'is_needed': true},
    {'name': 'step_id', 'type': 'int', 'default': '0'},
    {'name': 'implementation_id', 'type': 'string', 'is_needed': true},
    {'name': 'environment_id', 'type': 'string', 'default': "'default'"},
    {'name': 'run_id', 'type': 'string', 'default': "'default'"},
    {'name': 'attempt', 'type': 'int', 'default': '0'},
    {'name': 'operation', 'type': 'string'},
    {'name': 'target', 'type': 'string'},
    {'name': 'inputs', 'type': 'string'},
    {'name': 'output', 'type': 'string', 'is_needed': true},
    {'name': 'response_kind', 'type': 'string', 'default': obslake.response_kind('output')},
    {'name': 'duration_ns', 'type': 'bigint'},
    {'name': 'observed_at', 'type': obslake.timestamp_type(), 'default': obslake.unknown_time()},
    {'name': 'test_content_hash', 'type': 'string'},
    {'name': 'alternative', 'type': 'string'},
    {'name': 'load_id', 'type': 'string', 'default': "''"},
]) }}
