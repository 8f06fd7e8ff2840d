"""How many threads train: all of the machine's when there is much to do, one when there is little."""

from __future__ import annotations

import logging
import os

logger = logging.getLogger(__name__)

SEED = 0
# Several threads update the same weights without locks, so no two runs are alike; with one thread and a fixed
# seed they are equal to the bit. Up to so many words, epochs counted, that is worth more than some seconds.
_MOST_WORDS_FOR_ONE_THREAD = 50_000_000


def threads_for(words: int) -> int:
    """Threads to train `words` words with, epochs counted; the environment's SM_NUM_CPUS decides when set."""
    chosen = os.environ.get("SM_NUM_CPUS")
    if chosen:
        number = max(1, int(chosen))
    else:
        number = 1 if words <= _MOST_WORDS_FOR_ONE_THREAD else os.cpu_count() or 1
    logger.info("Using %d threads for training", number)
    return number
