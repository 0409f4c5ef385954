"""What reads well part by part in pipeline.yml and does not fit together."""

from collections.abc import Iterator

from bot.config.checks import Library, statement_of
from bot.config.pipeline_file import PipelineFile
from bot.config.remedies import inconsistent_remedies
from bot.config.syncs import inconsistent_syncs
from bot.config.trace import trace_problems
from bot.errors import PermanentError
from checks.problems import Written, nearest


def inconsistencies(pipeline: PipelineFile, written: Written, offered: Library) -> Iterator[str]:
    """Every problem between its parts, and with the statements of the folder."""
    yield from offered.problems()
    tables = offered.table_names()
    for table in pipeline.tables:
        if table not in tables:
            yield written.problem(("tables", table), f"no statement reads {table}: {nearest(table, tables)}")
    yield from _measures(pipeline, written, offered)
    yield from trace_problems(offered)
    yield from _channels(pipeline, written)
    yield from _report_channels(pipeline, written)
    if pipeline.audit_log and not pipeline.deploy_to:
        yield written.problem(("audit_log",), "needs deploy_to, the catalog.schema where the views go")
    yield from inconsistent_syncs(pipeline.syncs, list(pipeline.row_counts), written)
    named = written.part(("syncs",))
    if isinstance(named, list) and len(pipeline.syncs) == len(named):  # else what it names may be among those unread
        yield from inconsistent_remedies(pipeline.syncs, written)
    for n, sync in enumerate(pipeline.syncs):
        for m, suspect in enumerate(sync.suspect):
            if why := offered.why_no_condition(suspect.when):
                yield written.problem(("syncs", n, "suspect", m), why)


def _measures(pipeline: PipelineFile, written: Written, offered: Library) -> Iterator[str]:
    """A statement that is not there or cannot be read, and counts that it does not return."""
    statement = statement_of(pipeline.measure) if pipeline.measure else None
    if pipeline.measure and statement not in offered.own:
        what = f"there is no file {pipeline.measure}: write one of sql/, next to pipeline.yml, such as ./sql/health.sql"
        yield written.problem(("measure",), what)
        return
    try:
        measured = offered.columns(statement) if statement else ()
    except PermanentError as error:
        yield str(error)
        return
    for name in (one for one in pipeline.row_counts if one not in measured):
        what = f'{pipeline.measure} returns no "{name}": {nearest(name, measured)}'
        if not pipeline.measure:
            what = f'nothing returns "{name}": measure names the statement that would'
        yield written.problem(("row_counts", name), what)


def _channels(pipeline: PipelineFile, written: Written) -> Iterator[str]:
    named = [str(written.part((key,)) or key).lstrip("#") for key in ("channel", "fallback_channel")]
    if pipeline.fallback_channel and named[0] == named[1]:
        what = "is the same as channel: write another, where alerts go while that one refuses them"
        yield written.problem(("fallback_channel",), what)


def _report_channels(pipeline: PipelineFile, written: Written) -> Iterator[str]:
    """One that is named twice would get the note twice."""
    named: list[str] = []
    for n, one in enumerate(pipeline.report.channels):
        name = one.channel.lstrip("#")
        if name in named:
            yield written.problem(("report", "channels", n, "channel"), f"{name} is named twice: leave one of them out")
        named.append(name)
