"""Where the shipped pipeline is: the repository's root, or inside the package where that was installed from a wheel."""

from pathlib import Path

_INSIDE = Path(__file__).resolve().parent / "shipped"
FOLDER = _INSIDE if _INSIDE.is_dir() else _INSIDE.parents[2]  # with pipeline.yml, manifest.yml, checks/ and sql/
