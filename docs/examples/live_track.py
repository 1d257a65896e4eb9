#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows the users of a running miradord: a line per position and a map in the terminal.

    live_track.py ENDPOINT [--seconds N] [--csv FILE]

ENDPOINT is telemetry.endpoint of the daemon, e.g. ipc:///run/mirador/telemetry.sock; the demo says its
state folder when it starts. Needs pyzmq and numpy (Debian: python3-zmq, python3-numpy).
"""
import argparse
import json
import sys
import time

import numpy as np
import zmq

WIDTH, HEIGHT = 64, 24


def parse(frames):
    """Topic, header, and the arrays that the header describes, by name."""
    header = json.loads(frames[1])
    arrays, at = {}, 0
    for entry in header.get("arrays", []):
        kind = np.dtype("<" + entry["dtype"])
        count = int(np.prod(entry["shape"]))
        arrays[entry["name"]] = np.frombuffer(frames[2], kind, count, at).reshape(entry["shape"])
        at += count * kind.itemsize
    return frames[0].decode(), header, arrays


class Losses:
    """Each topic counts its messages; another `run` is another start of the daemon."""

    def __init__(self):
        self.last, self.lost = {}, 0

    def note(self, topic, header):
        key = topic, header["run"]
        if key in self.last:
            self.lost += header["seq"] - self.last[key] - 1
        self.last[key] = header["seq"]


def draw(track, low, high):
    cells = np.full((HEIGHT, WIDTH), " ")
    span = np.maximum(high - low, 1e-9)
    for i, place in enumerate(track):
        x, y = ((place[:2] - low) / span * [WIDTH - 1, HEIGHT - 1]).round().astype(int)
        if 0 <= x < WIDTH and 0 <= y < HEIGHT:
            cells[HEIGHT - 1 - y, x] = "@" if i == len(track) - 1 else "."
    edge = "+" + "-" * WIDTH + "+"
    return "\n".join([edge, *("|" + "".join(row) + "|" for row in cells), edge])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("endpoint")
    options.add_argument("--seconds", type=float, default=float("inf"))
    options.add_argument("--csv", help="time, user, position and covariance of each fix")
    options = options.parse_args()
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.connect(options.endpoint)
    for topic in ("fix", "paths"):
        socket.subscribe(topic)
    out = open(options.csv, "w", encoding="ascii") if options.csv else None
    losses, track, end, strongest = Losses(), [], time.monotonic() + options.seconds, None
    while time.monotonic() < end:
        if not socket.poll(200):
            continue
        topic, header, arrays = parse(socket.recv_multipart())
        losses.note(topic, header)
        if topic == "paths":
            power = arrays["power"]  # [stream, bin]
            strongest = power.argmax(axis=1) * header["arrays"][0]["step_m"]
            continue
        place, cov = np.array(header["position_m"]), np.array(header["covariance_m2"])
        track = (track + [place])[-200:]
        if out:
            print(header["time_s"], header["user"], *place, *cov.ravel(), sep=",", file=out, flush=True)
        if sys.stdout.isatty():
            seen = np.array(track)[:, :2]
            print("\x1b[H\x1b[J" + draw(track, np.minimum(0, seen.min(0)), np.maximum(8, seen.max(0))))
        sigma = np.sqrt(np.diag(cov))
        print(f"{header['time_s']:8.2f} s  user {header['user']}  "
              + "  ".join(f"{p:6.2f} ±{s:.2f}" for p, s in zip(place, sigma)) + " m  peaks at "
              + ("-" if strongest is None else " ".join(f"{x:.1f}" for x in strongest))
              + f" m  {losses.lost} lost")
    return 0 if track else 1


if __name__ == "__main__":
    sys.exit(main())
