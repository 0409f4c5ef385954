"""The entry point: `sync-health`, and `python -m bot.cli`. Ctrl-C while the rest is loaded ends it quietly, too."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from bot.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # as a shell reports it of any other program


if __name__ == "__main__":
    main()
