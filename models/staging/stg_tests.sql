-- Descriptions of tests, as appended.

{{ obslake.stage_source('tests', [
    {'name': 'data_set_id', 'type': 'string', 'default': "'default'"},
    {'name': 'problem_id', 'type': 'string'},
    {'name': 'test_id', 'type': 'string', 'is_needed': true},
    {'name': 'stimulus_sheet', 'type': 'string'},
    {'name': 'interface', 'type': 'string'},
    {'name': 'language', 'type': 'string'},
    {'name': 'content_hash', 'type': 'string'},
    {'name': 'origin', 'type': 'string'},
    {'name': 'load_id', 'type': 'string', 'default': "''"},
]) }}
