"""The programs of infra/ as modules: they are started as scripts and belong to no package."""

import importlib.util

from tests.conftest import REPOSITORY


def load(name):
    """infra/<name>.py, imported."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "infra" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
