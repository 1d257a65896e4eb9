#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Path identity by steering in gated time: which paths are taken for which, and what the positions are worth.

    steering_campaign.py BUILD_FOLDER [ROW...]

A row is a scene with what its surfaces show, over SEEDS (environment, "1 2 3"), a run of SECONDS_EACH
(60) each, on path zigzag. "named": positions of paths of which one at least is named as a surface's;
"wrong": those of them with a length, so named, over 0.75 m from that of its path. "no name": positions
from all ways of the map; "echo off": those of them whose echo is as far from its length.

Fails in scene empty if more than 0.5 % of the answers are wrong or have an echo that is off, if the
median error is over 0.25 m or if less than 97 % give a position; in every scene if a row has fewer than
600 answers, or less than 93 % of the truths in their ellipse."""

import json
import os
import subprocess
import sys
import tempfile
import time

from link_demo import Clock, Demo, state_of, wait_child

SEEDS = os.environ.get("SEEDS", "1 2 3").split()
SECONDS = float(os.environ.get("SECONDS_EACH", 60))
DEAF = ["--set", "room.bs.tx_pair_m=0.042"]
STILL = ["--set", "bs.identity.mode=steering"]
# Beams of both surfaces meet in pairs that no capture of still surfaces goes through: the empty room is
# taken by codes, one beam after the other, and the surfaces stand still from then on.
CODED_UNTIL_S, ENTER_S, ENTER_USUALLY_S = 18, 28, 3.5
ROWS = {  # scene, options, whether the empty room is captured by codes
    "empty deaf": ("empty", STILL + DEAF, False),
    "empty": ("empty", STILL, False),
    "lab wide": ("lab", STILL, False),
    "lab static": ("lab", STILL + ["--ris", "static"], False),
    "lab tracked": ("lab", ["--ris", "tracked", "--set", f"room.users[0].enter_s={ENTER_S}"], True),
    "lab deaf": ("lab", STILL + DEAF, False),
}
WRONG, P50_M, FOUND, INSIDE, ANSWERS = 0.005, 0.25, 0.97, 0.93, 600


def hold_still(build, demo):
    state = state_of(wait_child(demo, "miradord"))
    Clock(state).wait(CODED_UNTIL_S)
    subprocess.run([f"{build}/bin/mirador", "set", "identity", "steering", "-e", f"ipc://{state}/control.sock"],
                   stdout=subprocess.DEVNULL, check=True)


def one_run(build, row, seed):
    """Its messages."""
    scene, options, by_codes = ROWS[row]
    seconds = SECONDS + (ENTER_S - ENTER_USUALLY_S if by_codes else 0)
    with tempfile.TemporaryFile("w+") as out:
        demo = Demo([f"{build}/bin/mirador", "demo", "--headless", "--json", "--speed", "0", "--seconds", str(seconds),
                     "--seed", seed, "--scene", scene, "--path", "zigzag", *options], stdout=out)
        if by_codes:
            hold_still(build, demo)
        if demo.wait() != 0:
            sys.exit(f"{row} {seed}: the demo failed")
        out.seek(0)
        return [json.loads(line) for line in out]


def rank(values, share):
    values = sorted(values)
    return values[int(share * (len(values) - 1) + 0.5)] if values else float("nan")


class Row:
    """Counts over the runs of a row."""

    def __init__(self):
        self.answers, self.inside, self.errors, self.count = 0, 0, [], {}

    def add(self, messages):
        summary = messages[-1]
        self.answers += summary["responses"]
        self.inside += round((summary["inside_95_ellipse"] or 0) * summary["fixes"])
        for fix in (m for m in messages if m["type"] == "fix"):
            if fix["identity"] != "steering":
                sys.exit("a position of a coded burst")
            named = any(p["name"] in ("L2", "L3") for p in fix["paths"])
            kind = named, fix["misidentified"]
            self.count[kind] = self.count.get(kind, 0) + 1
            self.errors.append(fix["error_m"])

    def of(self, named, off=None):
        return sum(n for kind, n in self.count.items() if kind[0] == named and off in (None, kind[1]))

    def holds(self, scene):
        n = len(self.errors)
        held = self.answers >= ANSWERS and self.inside >= INSIDE * n > 0
        if scene == "empty":
            held &= self.of(True, True) + self.of(False, True) <= WRONG * self.answers
            held &= n >= FOUND * self.answers and rank(self.errors, 0.5) <= P50_M
        return held

    def tell(self, name, held):
        errors = " ".join(f"{rank(self.errors, share):7.3f}" for share in (0.5, 0.9, 0.95))
        print(f"{name:12} {self.answers:7d} {len(self.errors):9d} {self.of(True):6d} {self.of(True, True):6d} "
              f"{self.of(False):8d} {self.of(False, True):9d} {errors} {self.inside / max(len(self.errors), 1):7.3f}"
              f"{'' if held else '  <- outside the limits'}", flush=True)


def measure(build, name):
    row = Row()
    for seed in SEEDS:
        row.add(one_run(build, name, seed))
    held = row.holds(ROWS[name][0])
    row.tell(name, held)
    return held


def main():
    if len(sys.argv) < 2 or any(name not in ROWS for name in sys.argv[2:]):
        sys.exit(__doc__ + "\nRows: " + ", ".join(ROWS))
    build, begin = os.path.abspath(sys.argv[1]), time.monotonic()
    print(f"{'':12} {'answers':>7} {'positions':>9} {'named':>6} {'wrong':>6} {'no name':>8} {'echo off':>9} "
          f"{'p50_m':>7} {'p90_m':>7} {'p95_m':>7} {'inside':>7}", flush=True)
    held = [measure(build, name) for name in sys.argv[2:] or ROWS]
    print(f"seeds {' '.join(SEEDS)}, {SECONDS:g} s each, in {time.monotonic() - begin:.0f} s", flush=True)
    return not all(held)


if __name__ == "__main__":
    sys.exit(main())
