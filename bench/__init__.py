"""The benchmark contract, runnable: FlatProxy and its real peers under the same loads in one run (bench/README.md).

Read in this order: workloads (what is run), peers (against whom), loads (by whom), run (in which order), measure (what is read),
results (the raw rows), targets and report (what they say).
"""
