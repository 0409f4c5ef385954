"""The local Databricks: Thrift and REST on an embedded DuckDB."""
