"""One module a function: what it does with its adapters. ``functions/<name>/app.py`` only names the triggers."""
