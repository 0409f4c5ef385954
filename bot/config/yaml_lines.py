"""YAML in which every part still knows its line: plain values only, bounded in size and depth."""

import re
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import yaml

from bot.config.yaml_errors import BREAK, explain, line_of
from bot.errors import ConfigurationError
from checks.problems import Place, Written, shown

LARGEST = 1_000_000  # bytes
DEEPEST = 30  # levels: reading is recursive
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same ten times as fast, where it was built
PLAIN = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    "float": (r"[-+]?[0-9]{1,18}\.[0-9]{0,18}(?:[eE][-+]?[0-9]{1,3})?", "-+0123456789"),
}


FILLERS = "\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}\u2800"
UNSEEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")  # by their category; of private use is what each font shows otherwise
TEXT = "tag:yaml.org,2002:str"
UNREADABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # as YAML has it


class _Loader(PARSER):  # type: ignore[misc]
    """Values as YAML 1.2 reads them: `off`, `0501`, `5:01` and `2026-01-01` are text, not false, 321, 301, a date."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


for _tag, (_pattern, _first) in PLAIN.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def read_yaml(path: Path) -> Written:
    """A YAML file. Raises ConfigurationError, with the line, for what cannot be read or has a key twice."""
    try:
        text = _text_of(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        if isinstance(error, FileNotFoundError) and path.is_symlink():
            why = "it is a link to a file that is not there"
        raise ConfigurationError([f"{path}: cannot be read: {why}"]) from error
    try:
        refused = next(_refused(text, path.name), None)
        root = None if refused else yaml.compose(text, Loader=_Loader)
        wrong = [refused] if refused else list(_wrong_keys(root, path.name))
        data = None if wrong else yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        line, why = explain(error, text)
        raise ConfigurationError([f"{path.name}:{line}: not YAML: {why}"]) from error
    if wrong:
        raise ConfigurationError(wrong)
    return Written(path.name, {} if data is None else data, lambda place: _line(root, place))


def _text_of(path: Path) -> str:
    """All of a file. Raises OSError, and ValueError for what is no text file of a bearable size."""
    kind = path.stat().st_mode  # before it is opened: a FIFO would wait for a writer
    if not stat.S_ISREG(kind):
        raise ValueError("it is a folder" if stat.S_ISDIR(kind) else "it is not a regular file")
    with path.open("rb") as file:
        read = file.read(LARGEST + 1)
    if len(read) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1_000_000} MB")
    try:
        return read.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None


def _refused(text: str, file: str) -> Iterator[str]:
    """What must not be composed: an alias can stand for itself or for a billion values, depth overruns the stack.

    Nor what nobody can see: it turns a line around, or makes two names look like one.
    """
    if found := UNREADABLE.search(text):
        line = len(BREAK.split(text[: found.start()]))
        yield f"{file}:{line}: not YAML: has a control character (U+{ord(found[0]):04X}): write the line anew"
    depth, lines = 0, BREAK.split(text)
    events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
    for event in events:
        where = f"{file}:{event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent):
            yield f"{where}: aliases (*{event.anchor}) are not supported: write the value again"
        elif getattr(event, "tag", None):
            yield f"{where}: tags ({event.tag}) are not supported: write the value alone"
        elif isinstance(event, yaml.ScalarEvent) and (unseen := next(filter(is_unseen, event.value), None)):
            yield f"{where}: has a character that cannot be seen (U+{ord(unseen):04X}): write the value anew"
        elif comment := _swallowed(event, lines):
            yield f"{where}: {shown(comment)} is read as a comment: put it in quotes, or a blank behind the #"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            yield f"{where}: nested more than {DEEPEST} levels deep"


def _swallowed(event: Any, lines: list[str]) -> str | None:
    """What was probably meant as the value: `channel: #sync-health` is a key without one."""
    if not isinstance(event, yaml.ScalarEvent) or event.value or event.style:
        return None
    mark: Any = event.end_mark
    found = re.match(r"\s+(#[^\s#]\S*)", line_of(lines, mark.line)[mark.column :])
    return found[1] if found else None


def is_unseen(character: str) -> bool:
    """Whether a character shows nothing, or what cannot be known, and so may make two names look like one."""
    joins = character in "\n\t\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # lines of a text, parts of an emoji
    return not joins and (character in FILLERS or unicodedata.category(character) in UNSEEN)


def _line(node: yaml.Node | None, place: Place) -> int:
    """The line of the innermost part of `place` that is there."""
    line = node.start_mark.line + 1 if node else 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _wrong_keys(node: yaml.Node | None, file: str) -> Iterator[str]:
    """Keys that are there twice, and those that are no text."""
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _wrong_keys(child, file)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            what = "a mapping, begun by {," if isinstance(key, yaml.MappingNode) else "a list, begun by [,"
            yield f"{file}:{line}: not YAML: {what} cannot be a key: put it in quotes if it is text"
        elif key.tag != TEXT:
            yield f"{file}:{line}: the key {key.value or 'nothing'} is not text: write a name, or put it in quotes"
        elif key.value in seen:
            yield f"{file}:{line}: the key {shown(key.value)} is there already, on line {seen[key.value]}"
        else:
            seen[key.value] = line
        yield from _wrong_keys(value, file)
