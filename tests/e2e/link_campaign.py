#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbered datagrams both ways over the data link of a demo in gated time at pace 1, while the
terminal and the base station are killed and started again, and the terminal's receiver is dead for
5 s; then a flood for MINUTES.

    link_campaign.py BUILD_FOLDER [MINUTES]

Fails if a datagram comes twice, out of order or altered, if traffic does not come back, or if a
process grows by more than 2 MB from the flood's first minute on."""

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

SIZE = 600
WALL_AT_S, WALL_S = 12, 5  # of room time
PATIENCE_S = 60


class Flow:
    """One way: numbers in, numbers out."""

    def __init__(self, name, port_in, port_out):
        self.name, self.to = name, ("127.0.0.1", port_in)
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", port_out))
        self.sock.settimeout(0.2)
        self.sent, self.next, self.came, self.bad = 0, 0, 0, 0
        self.last, self.gap = time.monotonic(), 0.0
        self.pace, self.stop = 0.02, False
        for run in (self.send, self.hear):
            threading.Thread(target=run, daemon=True).start()

    def send(self):
        while not self.stop:
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
            now = time.monotonic()
            self.gap, self.last = max(self.gap, now - self.last), now


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


def child(parent, name):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                stat = f.read()
        except OSError:
            continue
        if f"({name})" in stat and int(stat.rsplit(")", 1)[1].split()[1]) == parent:
            return int(pid)
    return 0


def start_again(build, pid, name):
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        words = f.read().decode().split("\0")[:-1]
    at = words.index("--ready-fd") if "--ready-fd" in words else -1
    if at >= 0:
        del words[at : at + 2]
    os.kill(pid, signal.SIGKILL)
    time.sleep(1)
    words[0] = f"{build}/bin/{name}"
    env = dict(os.environ, UHD_MODULE_PATH=f"{build}/modules")
    return subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_both(flows, what, demo):
    """Until a datagram has come each way that was sent from now on."""
    begin, marks = time.monotonic(), [f.sent for f in flows]
    while any(f.next <= mark for f, mark in zip(flows, marks)):
        time.sleep(0.02)
        if demo.poll() is not None:
            sys.exit("the demo has ended")
        if time.monotonic() - begin > PATIENCE_S:
            sys.exit(f"{what}: no traffic for {PATIENCE_S} s")
    print(f"{what}: fresh datagrams both ways after {time.monotonic() - begin:.1f} s", flush=True)


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))


def flood(flows, pids, minutes):
    for f in flows:
        f.pace = 0.001
    time.sleep(60 if minutes > 1 else 5)
    before, came = [resident(p) for p in pids], [f.came for f in flows]
    begin = time.monotonic()
    time.sleep(max(5, 60 * minutes - 60))
    after, took = [resident(p) for p in pids], time.monotonic() - begin
    for name, a, b in zip(("miradord", "mirador-ue"), before, after):
        print(f"flood of {took:.0f} s: {name} {a:.1f} -> {b:.1f} MB")
    for f, n in zip(flows, came):
        print(f"flood: {f.name} {8e-3 * (SIZE + 8) * (f.came - n) / took:.0f} kbit/s delivered")
    return all(b - a < 2 for a, b in zip(before, after))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, minutes = os.path.abspath(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10
    port = free_ports()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as script:
        script.write(
            f"faults: [{{at_s: {WALL_AT_S}, for_s: {WALL_S}, radio: ue, what: dead_channel}}]\n"
        )
        script.flush()
        demo = subprocess.Popen(
            [f"{build}/bin/mirador", "demo", "--headless", "--json", "--link", "--seconds", "0",
             "--seed", "1", "--faults", script.name, "--set", f"bs.link.udp_port={port}",
             "--set", f"ue.link.udp_port={port + 2}"],
            stdout=subprocess.DEVNULL,
        )
        flows = [Flow("down", port, port + 3), Flow("up", port + 2, port + 1)]
        wait_both(flows, "start", demo)
        for f in flows:
            f.gap = 0.0
        time.sleep(WALL_AT_S + WALL_S + 8)
        print(f"receiver dead for {WALL_S} s: longest silence "
              f"{flows[0].gap:.1f} s down, {flows[1].gap:.1f} s up", flush=True)
        demo.send_signal(signal.SIGSTOP)  # else it would end the rest
        ours = {}
        for name in ("mirador-ue", "miradord"):
            ours[name] = start_again(build, child(demo.pid, name), name)
            wait_both(flows, f"{name} killed and started again", demo)
            time.sleep(3)
        flat = flood(flows, [ours["miradord"].pid, ours["mirador-ue"].pid], minutes)
        for f in flows:
            f.stop = True
            print(f"{f.name}: {f.sent} sent, {f.came} came, {f.bad} twice, disordered or altered")
        for p in ours.values():
            p.terminate()
            p.wait()
        demo.send_signal(signal.SIGTERM)
        demo.send_signal(signal.SIGCONT)
        demo.wait()
    return 0 if flat and not any(f.bad for f in flows) else 1


if __name__ == "__main__":
    sys.exit(main())
