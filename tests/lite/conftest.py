"""The built book, and a browser to look at it."""

from tests.book.conftest import book, browser, site

__all__ = ["book", "browser", "site"]
