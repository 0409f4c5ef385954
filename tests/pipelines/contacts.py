"""The pipeline of tests/contacts/, with what it reads and writes: contacts, deals, and a HubSpot that takes them."""

from pathlib import Path

from bot.demo.census.server import CensusServer
from bot.demo.census.syncs import Document, LocalSync
from tests.pipelines.world import Elsewhere

CONFIG = Path(__file__).parents[1] / "contacts" / "pipeline.yml"
CONTACTS, DEALS, COMPANIES = 101, 102, 103
BUILD = """
CREATE SCHEMA IF NOT EXISTS "lake-prod".hubspot;
CREATE TABLE "lake-prod".crm.contacts (
  contact_id BIGINT, name VARCHAR, email VARCHAR, "lifecycle stage" VARCHAR, updated_at TIMESTAMPTZ
);
CREATE TABLE "lake-prod".crm.deals (deal_id BIGINT);
CREATE TABLE "lake-prod".hubspot.contacts (contact_id BIGINT, email VARCHAR);
CREATE TABLE "lake-prod".hubspot.deals (deal_id BIGINT);
CREATE TABLE "lake-prod".hubspot.taken (run_id BIGINT, n BIGINT, id BIGINT);
CREATE VIEW "lake-prod".crm.contacts_to_sync AS
SELECT c.* FROM "lake-prod".crm.contacts AS c
LEFT JOIN "lake-prod".hubspot.contacts AS h ON h.contact_id = c.contact_id AND h.email IS NOT DISTINCT FROM c.email
WHERE h.contact_id IS NULL;
CREATE VIEW "lake-prod".crm.deals_to_sync AS
SELECT d.* FROM "lake-prod".crm.deals AS d WHERE d.deal_id NOT IN (SELECT deal_id FROM "lake-prod".hubspot.deals);
"""
REFUSED = (
    '{"status":"error","message":"Property values were not valid: [{\\"isValid\\":false,\\"message\\":\\"Email address '
    'asha.rao+%d@example.com is invalid\\",\\"error\\":\\"INVALID_EMAIL\\",\\"name\\":\\"email\\"}]",'
    '"correlationId":"a43683b0-5717-4ceb-80b4-104d02915d8c","category":"VALIDATION_ERROR"}'
)


class HubSpot:
    """What the syncs write to: `direction` is what they write."""

    def __init__(self) -> None:
        self.world: Elsewhere | None = None  # set when there is one

    def take(self, direction: str, run_id: int) -> int:
        if direction == "companies":
            return 0
        key = "contact_id" if direction == "contacts" else "deal_id"
        rows = self._run(f'SELECT {key} FROM "lake-prod".crm.{direction}_to_sync ORDER BY 1')
        for n, (one,) in enumerate(rows, 1):
            self._run(f'INSERT INTO "lake-prod".hubspot.taken VALUES ({run_id}, {n}, {one})')
        return len(rows)

    def bring(self, direction: str, run_id: int, first: int, last: int) -> int:
        ids = f'SELECT id FROM "lake-prod".hubspot.taken WHERE run_id = {run_id} AND n BETWEEN {first} AND {last}'
        if direction == "contacts":
            self._run(f'DELETE FROM "lake-prod".hubspot.contacts WHERE contact_id IN ({ids})')
            what = f'SELECT contact_id, email FROM "lake-prod".crm.contacts WHERE contact_id IN ({ids})'
        else:
            what = ids
        self._run(f'INSERT INTO "lake-prod".hubspot.{direction} {what}')
        return max(0, last - first + 1)

    def keys(self, run_id: int) -> list[str]:
        rows = self._run(f'SELECT id FROM "lake-prod".hubspot.taken WHERE run_id = {run_id} ORDER BY n')
        return [str(one) for (one,) in rows]

    def forget(self, run_id: int) -> None:
        self._run(f'DELETE FROM "lake-prod".hubspot.taken WHERE run_id = {run_id}')

    def _run(self, text: str) -> list:
        assert self.world
        return self.world.run(text)


class HubSpotCensus(CensusServer):
    """A Census whose rejected records carry what HubSpot says."""

    def records(self, run_id: int) -> list[Document]:
        found = super().records(run_id)
        for n, one in enumerate(found):
            if one["status"] == "rejected":
                one["status_message"] = REFUSED % n
        return found


class Contacts(Elsewhere):
    """Healthy at first: 40 contacts are in HubSpot, none is pending; Airflow has started Deals every hour."""

    def __init__(self, tmp: Path, speed: float = 30.0, config: Path = CONFIG) -> None:
        destination = HubSpot()
        syncs = [
            LocalSync(CONTACTS, "Contacts", "contacts"),
            LocalSync(DEALS, "Deals", "deals", frequency="hourly"),
            LocalSync(COMPANIES, "Companies", "companies"),
        ]
        super().__init__(config, tmp, syncs, destination, census=HubSpotCensus, speed=speed)
        destination.world = self
        self.census.syncs[DEALS].frequency = "never"  # what was, Airflow has started
        self.run(BUILD)
        self.add(1, 40)
        self.run('INSERT INTO "lake-prod".hubspot.contacts SELECT contact_id, email FROM "lake-prod".crm.contacts')

    def add(self, first: int, last: int, name: str = "Asha Rao", email: str | None = "asha.rao@example.com") -> None:
        """Contacts with these ids, changed now."""
        mail = "NULL" if email is None else f"'{email}'"
        at = self.clock.now().isoformat()
        self.run(
            f"""INSERT INTO "lake-prod".crm.contacts
            SELECT i, '{name}', {mail}, CASE WHEN i % 2 = 0 THEN 'lead' ELSE 'customer' END, TIMESTAMPTZ '{at}'
            FROM range({first}, {last + 1}) AS r(i)"""
        )

    def hold(self) -> None:
        """No scheduled run comes between what a test does: each comes once a day, in twelve hours."""
        for one in (CONTACTS, COMPANIES):
            sync = self.census.syncs[one]
            sync.frequency, sync.hour = "daily", (self.clock.now().hour + 12) % 24
