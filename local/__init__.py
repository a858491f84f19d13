"""The whole system on one machine, read from template.yaml; docs/local.md tells how to use it."""

import sys
from pathlib import Path

LAYERS = ("core", "documents")
"""Layers with packages of ours: Lambda has them on its path by itself, a plain `python -m local` needs them put there."""

for _name in LAYERS:
    _layer = str(Path(__file__).resolve().parent.parent / "layers" / _name / "python")
    if _layer not in sys.path:
        sys.path.append(_layer)
