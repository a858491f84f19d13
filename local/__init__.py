"""The whole system on one machine, read from template.yaml; docs/local.md tells how to use it."""
