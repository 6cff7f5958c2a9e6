"""Find the arithmetic formula behind a table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nalu_cli.errors import NaluError
    from nalu_cli.estimator import NaluRegressor
    from nalu_cli.pipeline import fit_table
    from nalu_cli.settings import FitSettings
    from nalu_cli.storage.model_file import load_model, save_model
    from nalu_cli.table import read_table

    __version__: str

__all__ = [
    "FitSettings",
    "NaluError",
    "NaluRegressor",
    "__version__",
    "fit_table",
    "load_model",
    "read_table",
    "save_model",
]

_HOMES = {
    "FitSettings": "settings",
    "NaluError": "errors",
    "NaluRegressor": "estimator",
    "fit_table": "pipeline",
    "load_model": "storage.model_file",
    "read_table": "table",
    "save_model": "storage.model_file",
}


def __getattr__(name: str) -> Any:
    # on first use: importing the package must stay cheap for `nalu --help`
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'nalu_cli' has no attribute {name!r}")
    return getattr(import_module(f"nalu_cli.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    """The version in pyproject.toml: of this working tree, or as it was installed."""
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    source = Path(__file__).parent.parent / "pyproject.toml"
    if source.is_file():
        import tomllib

        project = tomllib.loads(source.read_text(encoding="utf-8")).get("project", {})
        if project.get("name") == "nalu-cli":
            return str(project["version"])
    try:
        return version("nalu-cli")
    except PackageNotFoundError:
        return "unknown"
