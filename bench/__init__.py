"""Side-by-side measurements: `make bench` prints them all in one run. docs/performance.md says what was found.

`make bench KAFKA=apache DYNAMODB=local` measures on real parts; `BENCH="--only rounds --rounds 5 --json FILE"` passes
options (`python -m bench --help`); `python -m bench.profile` tells where gateway and runner spend their time.
"""

import local  # noqa: F401  (puts the layer's packages on the path)
