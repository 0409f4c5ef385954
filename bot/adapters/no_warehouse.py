"""No warehouse at all: everything is known from Census alone."""

from collections.abc import Sequence

from bot.adapters.values import Rows
from bot.errors import PermanentError
from bot.objects import ExistingObject
from bot.sql.trees import Values


class NoWarehouse:
    """A Warehouse that answers nothing; whoever asks it is told which setting would name one."""

    def ask(self, question: str, **parameters: object) -> Rows:
        raise _nothing(question)

    def ask_joined(self, questions: Sequence[str]) -> dict[str, Rows]:
        raise _nothing(*questions)

    def ask_column(self, question: str, column: str) -> dict[str, object]:
        raise _nothing(question)

    def state(self) -> str:
        return "none"

    def login(self) -> None:
        return None

    def columns(self, table: str) -> frozenset[str]:
        raise _nothing(table)

    def list_tables(self) -> list[str]:
        raise _nothing("its tables")

    def do(self, statement: str, **parameters: object) -> None:
        raise _nothing(statement)

    def try_write(self, statement: str) -> None:
        raise _nothing(statement)

    def existing_object(self, statement: str, values: Values) -> ExistingObject:
        raise _nothing(statement)

    def create(self, statement: str, values: Values) -> None:
        raise _nothing(statement)

    def auto_stop(self) -> None:
        return None

    def awake(self) -> bool:
        return False

    def close(self) -> None:
        """There is nothing to give back."""


def _nothing(*asked: str) -> PermanentError:
    return PermanentError(f"{', '.join(asked)}: there is no warehouse (SYNC_HEALTH_WAREHOUSE is none)")
