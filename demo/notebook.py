# %% [markdown]
# # What 155 implementations do
#
# The analysis of the publications on observation lakehouses, on the demo corpus (`make demo`). The responses were recorded
# once; nothing is executed again.

# %%
import subprocess
import sys
from statistics import mean
from time import perf_counter

import obslake

lake = obslake.connect()
problems = lake.sql(
    "select problem_id from problems where data_set_id = 'demo' order by problem_id"
).fetchall()
print(f"{len(problems)} problems")

# %% [markdown]
# ## Three queries
#
# For each problem: the stimulus-response matrix, the clusters of equal behaviour, and the join of observations, tests and
# source code.

# %%
queries = {
    "matrix": lambda problem: obslake.wide_matrix(lake, "demo", problem),
    "clusters": lambda problem: lake.sql("from clusters('demo', $1)", params=[problem]),
    "join": lambda problem: lake.sql("from actuations('demo', $1)", params=[problem]),
}
for name, query in queries.items():
    times, rows = [], 0
    for (problem,) in problems:
        start = perf_counter()
        rows += query(problem).to_arrow_table().num_rows
        times.append((perf_counter() - start) * 1000)
    print(
        f"{name:<10}{rows:>7,} rows, {mean(times):5.0f} ms on average, {max(times):5.0f} ms at most"
    )

# %% [markdown]
# ## The matrix of one problem
#
# What libraries make of the same texts.

# %%
matrix = obslake.wide_matrix(lake, "demo", "slugify")
print(f"{matrix.shape[0]} stimuli, {matrix.shape[1] - 2} implementations")
matrix.select('test_id, "boltons@26.2.0", "Markdown@3.11.3", "python-slugify@9.2.0"').limit(
    5
).show()

# %% [markdown]
# ## Its clusters
#
# Implementations with the same response to every stimulus, and where a cluster first differs from the largest one.

# %%
lake.sql("""
    select cluster_rank as rank, n_implementations as n, first_differing_test_id as differs_at, implementation_ids
    from clusters('demo', 'slugify')
""").show(max_width=160)

# %% [markdown]
# ## A heat map
#
# The share of stimuli on which two implementations agree. `obslake plot` sorts and draws it.

# %%
agreement = lake.sql("""
    select implementation_a, implementation_b, n_equal_responses, n_common_stimuli, agreement
    from implementation_agreements
    where data_set_id = 'demo' and problem_id = 'slugify'
    order by agreement desc, implementation_a, implementation_b
    limit 5
""")
agreement.show(max_width=160)
subprocess.run(
    [
        sys.executable,
        "-m",
        "obslake",
        "plot",
        "agreement",
        "--problem",
        "slugify",
        "-o",
        "agreement.svg",
    ],
    check=True,
)
