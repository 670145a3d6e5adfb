"""Names and messages in the report: nothing in them is markup, and nothing turns the lines around them."""

from html import escape

from restorect.errors import shown


def text(value: object) -> str:
    """A value as HTML text on one line."""
    return escape(shown(value))
