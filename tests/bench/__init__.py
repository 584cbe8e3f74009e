"""Benchmarks: the unmodified program against light pretend servers, each in a process of its own.

`python -m tests.bench [name…]` runs them and prints one table; `--readme` also writes it into
README.md. Ratios are taken within one run, against bare handlers that do nothing but the same call.
"""
