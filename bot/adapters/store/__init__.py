"""The bot's state: SQLAlchemy Core on SQLite, migrated by Alembic."""
