# Loads the demonstration corpus. The caller defines `run`, which prints a command and runs it.
run obslake load recording demo/recordings --data-set demo
run obslake load observations demo/specified.jsonl.zst --data-set demo --environment standards --run standards
run obslake load implementations demo/implementations.jsonl --data-set demo
run obslake load tests demo/tests.jsonl --data-set demo
