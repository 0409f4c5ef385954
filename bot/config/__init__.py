"""Environment and pipeline.yml become frozen settings; every problem has its line and what to write instead."""
