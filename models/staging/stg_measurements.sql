-- Measurements, as appended.

{{ obslake.stage_source('measurements', [
    {'name': 'data_set_id', 'type': 'string', 'default': "'default'"},
    {'name': 'problem_id', 'type': 'string'},
    {'name': 'subject_kind', 'type': 'string'},
    {'name': 'subject_id', 'type': 'string'},
    {'name': 'scope', 'type': 'string'},
    {'name': 'environment_id', 'type': 'string'},
    {'name': 'run_id', 'type': 'string'},
    {'name': 'metric', 'type': 'string', 'is_needed': true},
    {'name': 'value', 'type': 'double'},
    {'name': 'value_text', 'type': 'string'},
    {'name': 'unit', 'type': 'string'},
    {'name': 'measured_at', 'type': obslake.timestamp_type()},
    {'name': 'load_id', 'type': 'string', 'default': "''"},
]) }}
