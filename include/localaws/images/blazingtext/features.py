"""The input rows that fastText's classifier averages for a text: its words and hashed n-grams.

After fastText's ``Dictionary::getLine``, ``addWordNgrams`` and ``hash`` (32-bit FNV-1a over signed bytes); a
test holds it against the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

END_OF_SENTENCE = "</s>"
_NGRAM_MULTIPLIER = np.uint64(116049371)


def token_hash(token: str) -> int:
    """The token's 32-bit hash, as the signed number that n-grams are made of."""
    value = 2166136261
    for byte in token.encode("utf-8"):
        signed = byte | 0xFFFFFF00 if byte > 127 else byte
        value = ((value ^ signed) * 16777619) & 0xFFFFFFFF
    return value - (1 << 32) if value > 0x7FFFFFFF else value


class Features:
    """Turns texts into row numbers of a model's input matrix."""

    def __init__(self, model: Any, word_ngrams: int, buckets: int) -> None:
        """Take a fastText classifier for its vocabulary, and its n-gram settings."""
        self._ids = {word: index for index, word in enumerate(model.words)}
        self._ngrams = word_ngrams
        self._buckets = buckets
        self._hashes: dict[str, int] = {}

    def rows(self, text: str) -> NDArray[np.int64]:
        """Row numbers of a text's words and n-grams, repeated where the text repeats them."""
        tokens = [*text.split(), END_OF_SENTENCE]
        words = [self._ids[token] for token in tokens if token in self._ids]
        if self._ngrams < 2:
            return np.array(words, dtype=np.int64)
        hashes = np.array([self._hash(token) for token in tokens], dtype=np.int64).view(np.uint64)
        rows, grams = [np.array(words, dtype=np.int64)], hashes
        for length in range(2, min(self._ngrams, len(tokens)) + 1):
            grams = grams[:-1] * _NGRAM_MULTIPLIER + hashes[length - 1 :]
            rows.append((grams % np.uint64(self._buckets)).astype(np.int64) + len(self._ids))
        return np.concatenate(rows)

    def all_rows(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """`rows` of each text."""
        return [self.rows(text) for text in texts]

    def _hash(self, token: str) -> int:
        if token not in self._hashes:
            self._hashes[token] = token_hash(token)
        return self._hashes[token]
