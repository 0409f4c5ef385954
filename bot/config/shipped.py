"""Where the shipped pipeline is: the repository's root, or inside the package where that was installed from a wheel."""

from pathlib import Path

import checks

_INSIDE = Path(__file__).resolve().parent / "shipped"
FOLDER = _INSIDE if _INSIDE.is_dir() else _INSIDE.parents[2]  # with pipeline.yml, manifest.yml and sql/
CHECKS = Path(checks.__file__).resolve().parent  # the YAML files lie next to what reads them
