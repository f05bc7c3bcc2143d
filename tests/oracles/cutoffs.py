"""Cutoffs of the SP 800-90B health tests (4.4.1 and 4.4.2), in exact decimals of 120 digits.

Reads a JSON list of [bits, samples, alpha, window] from standard input, where the claimed entropy is
bits / samples for each sample; writes a list of [repetition, proportion].
"""

import json
import sys
from decimal import Decimal, getcontext
from math import comb

getcontext().prec = 120


def proportion(bits, samples, alpha, window):
    """1 + min { c : P(X > c) <= 2^-alpha }, X ~ Binomial(window, 2^-H), and at least 2."""
    p = Decimal(2) ** (-Decimal(bits) / Decimal(samples))
    tail = Decimal(0)
    for k in range(window, -1, -1):
        tail += comb(window, k) * p**k * (1 - p) ** (window - k)
        if tail > Decimal(2) ** -alpha:
            return max(1 + k, 2)


def repetition(bits, samples, alpha):
    """1 + ceil(alpha / H)."""
    return 1 + -(-alpha * samples // bits)


answers = [[repetition(b, s, a), proportion(b, s, a, w)] for b, s, a, w in json.load(sys.stdin)]
json.dump(answers, sys.stdout)
