"""Chance that repeats: the same words give the same numbers, in every process.

Belongs here: seeded randomness and identifiers. Nothing here reads a clock, an environment or
Python's randomised hash.
"""

import hashlib
import math
import random
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")
_MASK = (1 << 64) - 1


def number_of(*words: object) -> int:
    """Give a 64-bit number for these words; stable over processes and Python versions."""
    text = "/".join(map(str, words)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


def mixed(number: int) -> int:
    """Scatter a number over 64 bits (splitmix64): far cheaper than a new generator."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def fraction(number: int) -> float:
    """Give a number in [0, 1) that looks random and belongs to `number`."""
    return (mixed(number) >> 11) / (1 << 53)


def uuid_of(bits: int) -> str:
    """Write 128 bits as a version 4 UUID."""
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def named_uuid(*words: object) -> str:
    """Give the UUID that belongs to these words."""
    text = "/".join(map(str, words)).encode()
    return uuid_of(int.from_bytes(hashlib.blake2b(text, digest_size=16).digest()))


class Dice:
    """A stream of choices that belongs to the words it was made of."""

    __slots__ = ("bits", "random")

    def __init__(self, *words: object) -> None:
        source = random.Random("/".join(map(str, words)))  # noqa: S311 - a simulation, no secrets
        self.random = source.random
        self.bits = source.getrandbits

    def chance(self, probability: float) -> bool:
        """Say yes with this probability."""
        return self.random() < probability

    def whole(self, low: int, high: int) -> int:
        """Give a whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, choices: Sequence[_T]) -> _T:
        """Choose one, all alike."""
        return choices[int(self.random() * len(choices))]

    def duration(self, mean: int, low: int, high: int) -> int:
        """Give milliseconds with a long tail (exponential), cut at low and high."""
        drawn = int(-mean * math.log(1.0 - self.random()))
        return low if drawn < low else min(drawn, high)

    def uuid(self) -> str:
        """Give the next UUID."""
        digits = f"{self.bits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
