"""Side-by-side measurements: `make bench` prints them all in one run. docs/performance.md says what was found."""

import local  # noqa: F401  (puts the layer's packages on the path)
