"""Our workspace, asked of Slack once: the gate that people of other workspaces do not pass."""

from dataclasses import replace

from slack_sdk import WebClient

from bot.errors import SyncHealthError, TemporaryError, UncertainError
from bot.services.authorise import Person, require_member
from bot.transport.slack_api import respond


class HomeTeam:
    """Asked of Slack by whoever needs it before it is known, in no lock: nobody waits for somebody else's question."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._id: str | None = None

    def id(self) -> str:
        """The id of our workspace. Raises TemporaryError where Slack does not tell, and asks again next time."""
        if self._id is None:
            self._id = self._ask_slack()
        return self._id

    def admit(self, person: Person) -> Person:
        """Somebody of our workspace, who is known to be that from now on.

        Raises RefusedError for people of another one, who may share a channel; TemporaryError as `id` does.
        """
        admitted = replace(person, home_team=self.id())
        require_member(admitted)
        return admitted

    def _ask_slack(self) -> str:
        try:
            team = respond(self._client.auth_test).get("team_id")  # which ends in bounded time
            if not isinstance(team, str) or not team:  # kept, it would refuse everybody until a restart
                raise UncertainError("Slack failed: an answer without a workspace")
            return team
        except SyncHealthError as error:
            raise TemporaryError("Slack does not tell me which workspace is ours. Try again in a moment.") from error
