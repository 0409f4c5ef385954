"""Databricks SQL: the statements of sql/ and of a pipeline's folder, composed, renamed, and translated for DuckDB."""
