"""What only real parts can show: data that outlives its process. `make test-real` runs it; `make test` needs no Java."""

from tests.ports import chosen_parts

if chosen_parts() != {"kafka": "apache", "dynamodb": "local"}:
    collect_ignore_glob = ["test_*.py"]
