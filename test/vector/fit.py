#!/usr/bin/env python3
"""Where the coefficients of templates/vmath.c are from: polynomials of least maximal relative error of the function,
by reweighted least squares (Lawson). Coefficients are rounded to float one by one, lowest first, each time with the
others fitted again. Prints the error in units of 2^-24 and the coefficients. Needs numpy."""
from math import erfc, pi, sqrt

import numpy as np


def grid(a, b, n):
    return (a + b) / 2 - (b - a) / 2 * np.cos(np.pi * (np.arange(n) + 0.5) / n)


def lawson(a, y, w, steps):
    """c of least max |w (a c - y)|"""
    lam = np.ones(len(y)) / len(y)
    best = None
    for _ in range(steps):
        s = np.sqrt(lam) * w
        c = np.linalg.lstsq(a * s[:, None], y * s, rcond=None)[0]
        e = np.abs(w * (a @ c - y))
        if best is None or e.max() < best[0]:
            best = e.max(), c
        lam = lam * (e + e.max() * 1e-3)
        lam /= lam.sum()
    return best[1]


def fit(name, x, y, w, degree, fixed=(), steps=150):
    """y as a polynomial of x, error weighted by w"""
    done = dict(enumerate(fixed))
    s = np.abs(x).max()
    for p in range(len(fixed), degree + 1):
        rest = y - sum(c * x ** q for q, c in done.items())
        c = lawson(np.stack([(x / s) ** q for q in range(p, degree + 1)], 1), rest, w, steps)
        done[p] = float(np.float32(c[0] / s ** p))
    e = np.abs(w * (y - sum(c * x ** p for p, c in done.items()))).max()
    print(f"{name}: {e * 2 ** 24:.3f}", *(f"{c:.9g}" for c in done.values()))


def main():
    r = grid(-0.3467, 0.3467, 4000)
    fit("e^r", r, np.exp(r), 1 / np.exp(r), 6, (1.0, 1.0), 400)
    r = grid(-0.3467, 0.3467, 500)
    r = r[np.abs(r) > 1e-4]
    fit("(e^r - 1 - r)/r^2", r, (np.expm1(r) - r) / r ** 2, r ** 2 / np.expm1(r), 4)
    f = grid(-0.25, 0.5, 500)
    f = f[np.abs(f) > 1e-3]
    fit("(ln(1 + f) - f + f^2/2)/f^3", f, (np.log1p(f) - f + f * f / 2) / f ** 3, f ** 3 / np.log1p(f), 7)
    s = grid(1e-2, 3.95, 700)
    g = -np.log(np.vectorize(erfc)(s))
    fit("(-ln(1 - erf s)/s - 2/sqrt(pi))/s", s, (g / s - 2 / sqrt(pi)) / s,
        s * s * np.exp(-g) / -np.expm1(-g), 6)
    r = grid(1e-2, 0.786, 500)
    z = r * r
    fit("(sin(r)/r - 1)/r^2 of r^2", z, (np.sin(r) / r - 1) / z, z * r / np.sin(r), 2)
    fit("(cos(r) - 1 + r^2/2)/r^4 of r^2", z, (np.cos(r) - 1 + z / 2) / z ** 2, z ** 2 / np.cos(r), 2)


main()
