#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbered datagrams both ways over the data link of a demo in gated time at pace 1, while the
user stands behind a wall for 5 s, and the terminal and the base station are killed and started
again; then a flood for MINUTES.

    link_campaign.py BUILD_FOLDER [MINUTES]

Fails if a datagram comes twice, out of order or altered, if traffic is not back within 2 s of room
time after each of it, or if a process grows by more than 2 MB from the flood's first minute on.
Environment: WALLS and RESTARTS, how often (3, 3)."""

import os
import socket
import struct
import sys
import threading
import time

from link_demo import Clock, memory_mb, start_again, start_demo, state_of, wait_child

SIZE = 600
WALL_AT_S, WALL_S, WALL_EVERY_S = 12, 5, 10.3  # of room time
ENTER_S = 3.5  # scene lab
BACK_S = 2.0  # traffic is back after a wall, or when a program that was started again is ready
PATIENCE_S = 60


class Flow:
    """One way: numbers in, numbers out. A burst of datagrams every `pace` seconds of the wall's."""

    def __init__(self, name, port_in, port_out, burst=1, pace=0.02):
        self.name, self.to = name, ("127.0.0.1", port_in)
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", port_out))
        self.sock.settimeout(0.2)
        self.sent, self.next, self.came, self.bad = 0, 0, 0, 0
        self.pace, self.burst, self.stop = pace, burst, False
        for run in (self.send, self.hear):
            threading.Thread(target=run, daemon=True).start()

    def send(self):
        while not self.stop:
            for _ in range(self.burst):
                body = bytes([self.sent % 251]) * SIZE
                self.out.sendto(struct.pack("<Q", self.sent) + body, self.to)
                self.sent += 1
            time.sleep(self.pace)

    def hear(self):
        while not self.stop:
            try:
                got = self.sock.recv(4096)
            except socket.timeout:
                continue
            number = struct.unpack("<Q", got[:8])[0] if len(got) == SIZE + 8 else -1
            whole = number >= 0 and got[8:] == bytes([number % 251]) * SIZE
            if not whole or number < self.next or number >= self.sent:
                self.bad += 1
            self.next = number + 1
            self.came += 1


def free_ports():
    for base in range(14000 + os.getpid() % 900 * 6, 20000, 6):
        try:
            for port in range(base, base + 4):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    sys.exit("no free UDP ports")


class Judge:
    """How long traffic took to come back, in room time."""

    def __init__(self, flows, demo, clock):
        self.flows, self.demo, self.clock, self.ok = flows, demo, clock, True

    def back(self, what, limit_s=BACK_S, fault_s=None):
        """From now on, until a datagram has come each way that was sent from now on; told since fault_s, too."""
        begin, wall, marks = self.clock.s, time.monotonic(), [f.sent for f in self.flows]
        came = [None] * len(self.flows)
        while None in came:
            time.sleep(0.005)
            now = self.clock.s
            for i, (f, mark) in enumerate(zip(self.flows, marks)):
                if came[i] is None and f.next > mark:
                    came[i] = now - begin
            if self.demo.poll() is not None:
                sys.exit("the demo has ended")
            if time.monotonic() - wall > PATIENCE_S:
                sys.exit(f"{what}: no traffic for {PATIENCE_S} s")
        late = limit_s is not None and max(came) > limit_s
        self.ok = self.ok and not late
        print(f"{what}: fresh datagrams after {came[0]:.2f} s down, {came[1]:.2f} s up of room time"
              + (f", {self.clock.s - fault_s:.2f} s after the kill" if fault_s else "") + (f"  <- more than {limit_s} s" if late else ""), flush=True)


def flood(flows, pids, minutes):
    for f in flows:
        f.pace = 0.001
    time.sleep(60 if minutes > 1 else 5)
    before, came = [memory_mb(p, "VmRSS") for p in pids], [f.came for f in flows]
    begin = time.monotonic()
    time.sleep(max(5, 60 * minutes - 60))
    after, took = [memory_mb(p, "VmRSS") for p in pids], time.monotonic() - begin
    for name, a, b in zip(("miradord", "mirador-ue"), before, after):
        print(f"flood of {took:.0f} s: {name} {a:.1f} -> {b:.1f} MB")
    for f, n in zip(flows, came):
        print(f"flood: {f.name} {8e-3 * (SIZE + 8) * (f.came - n) / took:.0f} kbit/s delivered")
    return all(b - a < 2 for a, b in zip(before, after))


def walls(judge, n):
    for i in range(n):
        judge.clock.wait(WALL_AT_S + i * WALL_EVERY_S + WALL_S)
        judge.back(f"behind a wall for {WALL_S} s")


def restarts(build, judge, pids, n):
    ours = {}
    for i in range(n):
        for name in ("mirador-ue", "miradord"):
            pid = ours[name].pid if name in ours else pids[name]
            killed_s = judge.clock.s
            program, took_s = start_again(build, pid, name)
            if name in ours:
                ours[name].wait()
            ours[name] = program
            judge.back(f"{name} killed, started again, ready after {took_s:.1f} s of the wall's", fault_s=killed_s)
            judge.clock.wait(judge.clock.s + 3 + 0.07 * i)
    return ours


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, minutes = os.path.abspath(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10
    n_wall, n_restart = int(os.environ.get("WALLS", 3)), int(os.environ.get("RESTARTS", 3))
    port = free_ports()
    walls_at = [WALL_AT_S - ENTER_S + i * WALL_EVERY_S for i in range(n_wall)]
    away = ", ".join(f"{t:g}, {t + WALL_S:g}" for t in walls_at)
    demo = start_demo(build, "--seconds", "0", "--seed", "1", "--set", f"room.users[0].away_s=[{away}]", "--set",
                      f"bs.link.udp_port={port}", "--set", f"ue.link.udp_port={port + 2}")
    flows = [Flow("down", port, port + 3), Flow("up", port + 2, port + 1)]
    pids = {name: wait_child(demo, name) for name in ("miradord", "mirador-ue")}
    judge = Judge(flows, demo, Clock(state_of(pids["miradord"])))
    judge.back("start of all", None)
    walls(judge, n_wall)
    demo.stop()  # else it would end the rest
    ours = restarts(build, judge, pids, n_restart)
    flat = flood(flows, [ours["miradord"].pid, ours["mirador-ue"].pid], minutes)
    for f in flows:
        f.stop = True
        print(f"{f.name}: {f.sent} sent, {f.came} came, {f.bad} twice, disordered or altered")
    for p in ours.values():
        p.terminate()
        p.wait()
    demo.end()
    return 0 if flat and judge.ok and not any(f.bad for f in flows) else 1


if __name__ == "__main__":
    sys.exit(main())
