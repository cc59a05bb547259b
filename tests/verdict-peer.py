"""Verdicts by independent code: SciPy's distributions, and Tango's constrained likelihood maximised numerically.

Reads {"margin", "layers": [{"images", "lost", "gained"}, ...]} from standard input and writes the evidence of each layer."""
import json
import sys

from scipy.optimize import brentq
from scipy.stats import binom, binomtest, norm


def constrained_gain(n, b, c, d):
    """The probability of a gain that maximises b log(q + d) + c log q + (n - b - c) log(1 - 2q - d)."""
    slope = lambda q: (b / (q + d) if b else 0) + (c / q if c else 0) - 2 * (n - b - c) / (1 - 2 * q - d)
    low, high = 1e-15, (1 - d) / 2 * (1 - 1e-13)
    if slope(low) <= 0:
        return 0.0
    return high if slope(high) >= 0 else brentq(slope, low, high, xtol=1e-17, rtol=8.9e-16)


def tango(n, b, c, d):
    q = constrained_gain(n, b, c, d)
    return (b - c - n * d) / (n * (2 * q + d - d * d)) ** 0.5


def below(n, b, c, d):
    exact = binom.cdf(b - c, n, d) if b >= c else min(binom.cdf(0, n, d), binom.cdf(b, b + c, 0.5))
    return max(norm.cdf(tango(n, b, c, d)), exact)


def above(n, b, c, d):
    return max(norm.sf(tango(n, b, c, d)), binom.sf(max(b - c, 0) - 1, n, d), binom.sf(b - 1, b + c, 0.5))


def holm(ps):
    adjusted, largest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


asked = json.load(sys.stdin)
counts = [(row["images"], row["lost"], row["gained"]) for row in asked["layers"]]
margin = asked["margin"]
trivial = [float(below(n, b, c, margin)) for n, b, c in counts]
non_trivial = [float(above(n, b, c, margin)) for n, b, c in counts]
harm = [float(binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0 for n, b, c in counts]
families = zip(counts, trivial, holm(trivial), non_trivial, holm(non_trivial), harm, holm(harm))
json.dump(
    [
        {
            "verdict": "trivial" if ta < 0.05 else "non-trivial" if na < 0.05 else "undecided",
            "harm": bool(ha < 0.05 and b > c),
            "trivialP": t,
            "nonTrivialP": nt,
            "harmP": h,
        }
        for (_, b, c), t, ta, nt, na, h, ha in families
    ],
    sys.stdout,
)
