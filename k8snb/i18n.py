"""Sentences for readers, in their language.

Every string that a reader sees and that is not the API's own word goes through `_`. The catalogue is
`k8snb/locale/<language>/LC_MESSAGES/k8snb.mo`; English is the source. The API's messages are never
translated: they are what a real cluster answers.
"""

from __future__ import annotations

import gettext
from pathlib import Path

_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def use_language(language: str) -> None:
    """Speak `language` (`en`, `zh_CN`) from now on; English where a sentence has no translation."""
    global _catalogue
    _catalogue = gettext.translation("k8snb", Path(__file__).parent / "locale", [language], fallback=True)


def _(message: str) -> str:
    """The sentence in the reader's language. Placeholders are filled in afterwards."""
    return _catalogue.gettext(message)
