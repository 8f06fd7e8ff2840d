"""One text normalisation for training and serving: standard library only, Python 3.8 syntax.

The dataset builder and the serving adapter both import this module, so a model is asked in exactly the
words it was trained on. It also runs inside AWS's scikit-learn image, hence the narrow dependencies.
"""

from __future__ import annotations

import re
import unicodedata

#: What an empty review becomes: BlazingText has no answer for a line without tokens.
EMPTY_TEXT = "<empty>"

# ASCII and Latin-1 punctuation, general punctuation, currency, arrows to dingbats, CJK punctuation, emoji.
# The underscore is among them, so a review can never smuggle in a `__label__` of its own.
_PUNCTUATION = (
    r"!-/:-@\[-`{-~\u00a1-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7"
    r"\u2010-\u2027\u2030-\u205e\u20a0-\u20cf\u2190-\u2bff\u3001-\u303f\U0001f000-\U0001faff"
)
_WORD = r"[^\s" + _PUNCTUATION + "]"
_TOKEN = re.compile(
    r"<[a-z]+>"  # placeholders such as <empty> and <unk>
    r"|[0-9]+(?:[.,][0-9]+)+"  # 3.5 and 1,000 stay whole
    r"|n't(?!" + _WORD + ")"
    r"|'(?:s|re|ve|ll|d|m)(?!" + _WORD + ")"
    r"|" + _WORD + "+"
    r"|\.\.\."
    r"|[" + _PUNCTUATION + "]"
)
_NEGATION = re.compile(r"n't(?!" + _WORD + ")")
_DOTS = re.compile(r"\.{2,}")

_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]
_INVISIBLE = [
    0xAD,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    0xFEFF,
]
_TRANSLATION = {
    **dict.fromkeys(_CONTROLS, " "),
    **dict.fromkeys(_INVISIBLE, None),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # half of a pair cannot be written as UTF-8
    **dict.fromkeys(map(ord, "\u2018\u2019\u201b\u2032\u00b4`"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201f\u2033"), '"'),
}


def normalize(text: str) -> str:
    """Return `text` as BlazingText tokens separated by single spaces.

    Lower case, Unicode NFKC, punctuation split from words, English contractions as the Penn Treebank splits
    them (``don't`` becomes ``do n't``), decimal numbers whole, no line break. Never empty: a text without a
    token becomes `EMPTY_TEXT`. Idempotent: ``normalize(normalize(x)) == normalize(x)``.
    """
    lowered = _fold_characters(text)
    if "n't" in lowered:
        lowered = _NEGATION.sub(" n't ", lowered)
    if ".." in lowered:
        lowered = _DOTS.sub(" ... ", lowered)
    return " ".join(_TOKEN.findall(lowered)) or EMPTY_TEXT


def fold_white_space(text: str) -> str:
    """Return `text` with line breaks and runs of white space folded into one space, ends trimmed."""
    return " ".join(text.replace("\x00", " ").split())


def _fold_characters(text: str) -> str:
    if text.isascii() and text.isprintable() and "`" not in text:
        return text.lower()
    composed = unicodedata.normalize("NFKC", text.translate(_TRANSLATION))
    # Twice: folding to lower case and composing each undo a little of the other.
    return unicodedata.normalize("NFKC", composed.translate(_TRANSLATION).lower())
