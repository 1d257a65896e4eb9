#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What full traffic, steering, or all that came since another version, add to the latency of a fix.

    latency_campaign.py BUILD_FOLDER [PAIRS, at least 5, default 20 [data|steering|version]]

data: more datagrams than the slots carry are offered to the UDP ports both ways; without it they come to
nobody, so that who makes them costs both alike. version: BUILD_FOLDER against that of an older version,
AGAINST (environment).

Two equal runs of one machine differ by more than what is asked for here, so pairs of runs of SECONDS_EACH
(environment, 30) are taken in turn, A B B A, a seed a pair; the latencies of all runs of a kind are
pooled, and whole pairs are drawn anew 2000 times to see how far the ratio of the 99 % points can be
trusted. A limit holds if the ratio and its 95 % interval lie under it, is broken if they lie above,
and is open otherwise. Fails if a limit is broken. Only cycles that gave a position count.

In real time the machine should be quiet: the load average stands beside each run. PACE=gated
(environment) instead asks what a cycle itself costs: the least of each cycle's latencies over LEAST (5)
equal gated runs, which load disturbs less."""

import json
import os
import random
import subprocess
import sys

from link_campaign import Flow, free_ports

SECONDS, DRAWS = os.environ.get("SECONDS_EACH", "30"), 2000
GATED = os.environ.get("PACE") == "gated"
LEAST = int(os.environ.get("LEAST", 5)) if GATED else 1
FOUR_CHANNELS = ["--link", "--set", "bs.link.enabled=no", "--set", "ue.link.enabled=no"]
QUESTIONS = {  # what with, what without, the most that the 99 % point may grow
    "data": (["--link"], FOUR_CHANNELS, 1.10),
    "steering": (["--set", "bs.identity.mode=steering"], [], 1.30),
    "version": ([], [], 1.30),
}
OFFERED = {"burst": 13, "pace": 0.02}  # 3.2 Mbit/s each way; the slots carry 2.6 down, 1.3 up


class Traffic:
    """Datagrams both ways, whether there is a link or not."""

    def __init__(self):
        self.port = free_ports()
        self.flows = [Flow("down", self.port, self.port + 3, **OFFERED),
                      Flow("up", self.port + 2, self.port + 1, **OFFERED)]
        self.seen = [0, 0]

    def options(self):
        return ["--set", f"bs.link.udp_port={self.port}", "--set", f"ue.link.udp_port={self.port + 2}"]

    def tell(self):
        came = [f.came for f in self.flows]
        print("    " + ", ".join(f"{n - old} datagrams came {f.name}" for f, n, old in zip(self.flows, came, self.seen)))
        self.seen = came


def one_run(build, seed, options):
    """The latency in ms of each fix, by its time."""
    pace = ["--speed", "0"] if GATED else ["--realtime"]
    run = subprocess.run(
        [f"{build}/bin/mirador", "demo", "--headless", "--json", *pace,
         "--seconds", SECONDS, "--seed", str(seed), *options],
        stdout=subprocess.PIPE, check=True, text=True)
    messages = map(json.loads, run.stdout.splitlines())
    found = {round(m["time_s"], 3): m["latency_ms"] for m in messages if m["type"] == "fix"}
    return found or sys.exit(f"seed {seed} {' '.join(options)}: no position in {SECONDS} s")


def latencies_ms(build, seed, options):
    runs = [one_run(build, seed, options) for _ in range(LEAST)]
    if any(run.keys() != runs[0].keys() for run in runs):
        sys.exit(f"seed {seed} {' '.join(options)}: equal gated runs gave positions in different cycles")
    return [min(run[at] for run in runs) for at in runs[0]]


def point(values, share):
    """A quantile between neighbours."""
    values = sorted(values)
    at = share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (at - low) * (values[high] - values[low])


def pooled(runs):
    return [ms for run in runs for ms in run]


def ratio(pairs, share):
    return point(pooled(p[0] for p in pairs), share) / point(pooled(p[1] for p in pairs), share)


def told(name, values):
    figures = " / ".join(f"{point(values, share):.2f}" for share in (0.5, 0.9, 0.99))
    print(f"{name:22} p50 / p90 / p99 {figures} ms of {len(values)} fixes, at most {max(values):.2f}")


def take_pairs(build, question, pairs):
    with_it, without, _ = QUESTIONS[question]
    builds = (build, os.environ.get("AGAINST") if question == "version" else build)
    if not builds[1]:
        sys.exit("AGAINST names no build folder of an older version")
    traffic = Traffic() if question == "data" else None
    for i in range(pairs):
        pair = [None, None]
        for k in (0, 1) if i % 2 else (1, 0):
            options = (with_it, without)[k] + (traffic.options() if traffic else [])
            pair[k] = latencies_ms(builds[k], i + 1, options)
            told(f"{question} {i + 1} {('with', 'without')[k]}", pair[k])
            if traffic:
                traffic.tell()
            print(f"    load {os.getloadavg()[0]:.1f}", flush=True)
        yield pair


def ask(build, question, pairs):
    limit = QUESTIONS[question][2]
    seen = list(take_pairs(build, question, pairs))
    told(f"all with {question}", pooled(p[0] for p in seen))
    told("all without", pooled(p[1] for p in seen))
    draw = random.Random(1)
    broken = False
    for share in (0.5, 0.9, 0.99):
        drawn = [ratio(draw.choices(seen, k=pairs), share) for _ in range(DRAWS)]
        low, high = point(drawn, 0.025), point(drawn, 0.975)
        verdict = ""
        if share == 0.99:
            broken = low > limit
            verdict = f", limit {limit}: " + ("broken" if broken else "holds" if high <= limit else "open")
        print(f"{question}: ratio at {100 * share:.0f} % {ratio(seen, share):.3f} ({low:.3f} to {high:.3f}){verdict}", flush=True)
    return not broken


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, pairs = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    if pairs < 5:
        sys.exit("fewer than 5 pairs say nothing of how far to trust them")
    asked = sys.argv[3:] or ["data", "steering"]
    sys.exit(0 if all([ask(build, question, pairs) for question in asked]) else 1)


main()
