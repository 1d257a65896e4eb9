#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the sixteen users of `soak BUILD users`: soak_users.py OUT, what the demo printed; beside it OUT.withdrawn,
OUT.permitted (user 5), OUT.removed and OUT.added (user 9): the cycle of each."""

import json
import sys

SECONDS_PER_CYCLE = 0.2
RATES_HZ = {1: 0.5, 2: 0.25}
WITHDRAWS, LEAVES = 5, 9


def number(name):
    with open(name) as f:
        return int(float(f.read()))


def fixes_between(fixes, user, first, last):
    return [x["cycle"] for x in fixes if x["user"] == user and first < x["cycle"] <= last]


def judge_user(u, cycles, shares):
    wrong = u["fixes"] < 0.97 * u["permitted"] or not u["fixes"] or u["error_p50_m"] > 0.4 or u["error_p90_m"] > 0.9
    if u["id"] in RATES_HZ:
        wrong |= abs(u["asked"] - RATES_HZ[u["id"]] * SECONDS_PER_CYCLE * cycles) > 2
    elif u["id"] != LEAVES:
        wrong |= max(shares) - min(shares) > 1
    print("  user %2d asked %4d, permitted %4d, fixes %4d, error %.2f / %.2f m%s" % (
        u["id"], u["asked"], u["permitted"], u["fixes"], u["error_p50_m"] or 0, u["error_p90_m"] or 0,
        "  <- outside the limits" if wrong else ""))
    return wrong


def main():
    out = sys.argv[1]
    with open(out) as f:
        lines = [json.loads(line) for line in f]
    fixes, s = [x for x in lines if x["type"] == "fix"], lines[-1]
    shares = [u["asked"] for u in s["users"] if u["id"] not in RATES_HZ and u["id"] != LEAVES]
    bad = s["answers"]["refused"] + s["answers"]["damaged"] > 0 or len(s["users"]) != 16
    bad |= not (s["inside_95_ellipse"] or 0) >= 0.93
    for u in s["users"]:
        bad |= judge_user(u, s["cycles"], shares)
    for user, begin, end in ((WITHDRAWS, "withdrawn", "permitted"), (LEAVES, "removed", "added")):
        first, last = number(f"{out}.{begin}"), number(f"{out}.{end}")
        during, after = fixes_between(fixes, user, first, last), fixes_between(fixes, user, last, 1 << 63)
        print(f"  user {user} {begin} after cycle {first}: {len(during)} fixes in {last - first} cycles, "
              f"then {end}: {len(after)} fixes")
        bad |= bool(during) or not after or last - first < 10
    print("  inside", s["inside_95_ellipse"], "answers", s["answers"])
    return bad


if __name__ == "__main__":
    sys.exit(main())
