"""The whole system on one machine, read from template.yaml; docs/local.md tells how to use it."""

import sys
from pathlib import Path

# Where Lambda has a layer's packages on its path by itself, a plain `python -m local` needs them put there.
_LAYER = str(Path(__file__).resolve().parent.parent / "layers" / "core" / "python")
if _LAYER not in sys.path:
    sys.path.append(_LAYER)
