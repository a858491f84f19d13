"""Amounts as people read them."""


def euros(cents):
    """19900 -> '199.00 EUR'."""
    return f"{cents // 100}.{cents % 100:02d} EUR"
