"""The bill of materials holds what requirements.txt pins, and no address of a registry."""

from pathlib import Path
from typing import Any

import pytest

from tests.sbom import of_pins, pins_of

REQUIREMENTS = "one-thing==1.0 \\\n    --hash=sha256:00\nOther.Thing==2.1\n"
HOMEPAGE = {"type": "website", "url": "https://one.example/pypi"}


def component(name: str, version: str, **more: Any) -> dict[str, Any]:
    return {"bom-ref": f"{name}=={version}", "name": name, "version": version, **more}


def found(*components: dict[str, Any]) -> dict[str, Any]:
    links = [{"ref": one["bom-ref"], "dependsOn": ["One_Thing==1.0", "pytest==9.2.0"]} for one in components]
    return {
        "metadata": {
            "component": {"bom-ref": "root"},
            "tools": [{"externalReferences": [{"url": "https://pypi.example/project/a-tool/"}]}],
        },
        "components": list(components),
        "dependencies": [*links, {"ref": "root", "dependsOn": ["other-thing==2.1"]}],
    }


def test_what_is_not_pinned_is_left_out_and_nothing_leads_to_it() -> None:
    installed = found(component("One_Thing", "1.0"), component("other-thing", "2.1"), component("pytest", "9.2.0"))
    made = of_pins(installed, pins_of(REQUIREMENTS))
    assert [one["name"] for one in made["components"]] == ["One_Thing", "other-thing"]
    assert {one["ref"]: one["dependsOn"] for one in made["dependencies"]} == {
        "One_Thing==1.0": ["One_Thing==1.0"],
        "other-thing==2.1": ["One_Thing==1.0"],
        "root": ["other-thing==2.1"],
    }


def test_no_address_of_a_registry_is_left_and_a_homepage_is() -> None:
    mirror = [{"url": "https://files.pythonhosted.example/a.whl"}, {"url": "file:///mirror/one"}, HOMEPAGE]
    made = of_pins(
        found(component("one-thing", "1.0", externalReferences=mirror), component("other-thing", "2.1")),
        pins_of(REQUIREMENTS),
    )
    assert made["components"][0]["externalReferences"] == [HOMEPAGE]
    assert made["metadata"]["tools"] == [{"externalReferences": []}]


@pytest.mark.parametrize("others", [(), (component("other-thing", "2.2"),)])
def test_a_pin_that_is_not_installed_as_such_makes_no_document(others: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(ValueError, match="pins them: other-thing"):
        of_pins(found(component("one-thing", "1.0"), *others), pins_of(REQUIREMENTS))


def test_every_pin_of_the_bot_is_read() -> None:
    text = Path("requirements.txt").read_text(encoding="utf-8")
    assert len(pins_of(text)) == text.count("==") > 40
