"""The pure core: standard library and msgspec only. No I/O, no clock, no randomness."""
