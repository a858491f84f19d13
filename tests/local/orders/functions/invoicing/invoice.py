"""An invoice's line."""

from money import euros


def line(order):
    """Raises ValueError for an order without a customer."""
    if not order.get("customer"):
        raise ValueError("no customer")
    return f"{order['customer']}: {euros(order['total'])}"
