"""A named profile of Databricks' own tools (`~/.databrickscfg`), as the variables that it stands for."""

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.config.addresses import normalised_host
from bot.config.databricks import AUTH_TYPE, ENTRA, HOST, HTTP_PATH, LOGINS, PRINCIPAL, PROFILE, TOKEN, refused_login

FILE = "DATABRICKS_CONFIG_FILE"
LARGEST = 2**20  # characters
VARIABLES = {
    "host": HOST[0],
    "token": TOKEN[0],
    "client_id": PRINCIPAL[0][0],
    "client_secret": PRINCIPAL[1][0],
    "azure_client_id": ENTRA[0][0],
    "azure_client_secret": ENTRA[1][0],
    "azure_tenant_id": ENTRA[2][0],
    "auth_type": AUTH_TYPE,
}


def from_profile(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The variables that the named profile sets, of those that are not set already, and every problem with it."""
    name = environment.get(PROFILE, "").strip()
    if not name or environment.get("SYNC_HEALTH_WAREHOUSE") != "databricks":
        return {}, []
    try:
        said = _read(_path(environment), name)
    except ValueError as error:
        return {}, [f"environment: {PROFILE}: {error}"]
    found = {variable: said[key] for key, variable in VARIABLES.items() if said.get(key)}
    if warehouse := said.get("warehouse_id"):
        found[HTTP_PATH[0]] = f"/sql/1.0/warehouses/{warehouse}"
    if problems := [f'environment: profile "{name}": {problem}' for problem in _problems(said, environment)]:
        return {}, problems
    return {key: text for key, text in found.items() if not _is_set(environment, key)}, []


def _path(environment: Mapping[str, str]) -> Path:
    """Raises ValueError where a home is needed and there is none."""
    try:
        return Path(environment.get(FILE) or "~/.databrickscfg").expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home directory: name the file in {FILE}") from None


def _read(path: Path, name: str) -> Mapping[str, str]:
    """A profile's keys. Raises ValueError, which repeats nothing of the file but the names of profiles."""
    parser = configparser.ConfigParser(interpolation=None, default_section="")  # no profile inherits from DEFAULT
    try:
        with path.open(encoding="utf-8-sig") as file:
            parser.read_string(file.read(LARGEST))
    except FileNotFoundError:
        raise ValueError(f"there is no {path}: create it with that profile, or name another file in {FILE}") from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"{path} cannot be read: {why}") from None
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next((line for line, _ in getattr(error, "errors", ())), "?")
        raise ValueError(f"{path}, line {line}: write [PROFILE], and below it key = value, each once") from None
    if name in parser:
        return parser[name]
    known = ", ".join(one for one in parser.sections() if not one.startswith("__")) or "none"
    raise ValueError(f'{path} has no profile "{name}" (it has: {known})')


def _problems(said: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[str]:
    kind = said.get("auth_type", "")
    if kind and kind not in LOGINS and not _is_set(environment, AUTH_TYPE):
        yield f'auth_type is "{kind[:40]}": {refused_login(kind)}'
    for key in VARIABLES:
        text = said.get(key, "")
        if not (text.isascii() and text.isprintable()) or set(text) & set(" \"'"):
            yield f"{key} has quotes, blanks or characters that are not ASCII: write it bare"
    ours, theirs = (normalised_host(one) for one in (environment.get(HOST[0], ""), said.get("host", "")))
    if ours and theirs and ours != theirs:  # else its token would go to another workspace
        yield f"host is {theirs}, and {HOST[0]} is {ours}: unset one of them"


def _is_set(environment: Mapping[str, str], name: str) -> bool:
    return bool(environment.get(name, "").strip() or environment.get(f"{name}_FILE"))
