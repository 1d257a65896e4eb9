#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP over the room: base station and terminal of a demo (gated, pace 1) in network namespaces of
their own, each with its TUN interface, at a signal to noise ratio of about 20 dB a carrier; ping and
iperf3 between them.

    link_ip.py BUILD_FOLDER [SECONDS_OF_IPERF3]

Fails if a ping is lost, or if iperf3's UDP receives less than 80 % of what the slots it had could
carry, each way: counted in slots, so that the wall clock does not matter. Needs root, iperf3 and
iputils-ping; ends with 77 where these are missing."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

from link_demo import Clock, start_again, start_demo, state_of, wait_child, zmq

BASE, TERMINAL = "10.77.0.1", "10.77.0.3"  # of 10.77.0.0/16: number 1, and user 1 is number 3
PINGS, PING_EVERY_S, PING_PATIENCE_S = 20, 0.3, 30
SHARE = 0.8
DATAGRAM = 1372  # with its headers what the interface carries
LOAD = "8M"  # several times what goes through
LEVELS = ["bs.radio.tx_gain_db=0", "bs.waveform.rms=0.222", "ue.radio.tx_gain_db=2"]


def skip(why):
    print(f"{why}; the same without it: tests/e2e/soak BUILD link, through UDP ports")
    sys.exit(77)


def check_tools():
    for tool, package in (("ip", "iproute2"), ("ping", "iputils-ping"), ("iperf3", "iperf3")):
        if not shutil.which(tool):
            skip(f"{tool} is missing; apt-get install {package}")
    if os.geteuid() != 0:
        skip("network namespaces and TUN need root")


class Namespaces:
    """Two, gone at the end."""

    def __init__(self):
        self.names = [f"mirador-{side}-{os.getpid()}" for side in ("bs", "ue")]

    def __enter__(self):
        for name in self.names:
            if subprocess.run(["ip", "netns", "add", name], check=False).returncode:
                skip("no network namespaces here")
            subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        return [["ip", "netns", "exec", name] for name in self.names]

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)


class Slots:
    """Counters of the link of both sides, one row a slot."""

    def __init__(self, state):
        self.rows = {"down": [], "up": []}
        self.snr_db = {"down": [], "up": []}
        for role, topic, way in (("telemetry", b"link", "down"), ("ue", b"ue", "up")):
            sock = zmq.Context.instance().socket(zmq.SUB)
            sock.connect(f"ipc://{state}/{role}.sock")
            sock.subscribe(topic)
            threading.Thread(target=self.hear, args=(sock, way), daemon=True).start()

    def hear(self, sock, way):
        while True:
            header = json.loads(sock.recv_multipart()[1])
            if "traffic" not in header:
                continue
            t = header["traffic"]
            if way == "down" and header.get("up_found"):
                self.snr_db["up"].append(header["up_snr_db"])
            if way == "up" and header.get("link_found"):
                self.snr_db["down"].append(header["link_snr_db"])
            self.rows[way].append((t["slot_bytes"], t["bytes_sent"], t["mcs"]))

    def carried(self, way, first):
        """Bytes that the slots could hold from the first one that was more than half full to the
        last such one; how many slots, and the last one's scheme."""
        rows = self.rows[way][first:]
        full = [i for i in range(1, len(rows))
                if 2 * (rows[i][1] - rows[i - 1][1]) > rows[i][0] - rows[i - 1][0]]
        if not full:
            return 0, 0, 0
        begin, end = rows[full[0] - 1], rows[full[-1]]
        return end[0] - begin[0], full[-1] - full[0] + 1, end[2]


def ping(space, slots):
    run = subprocess.run(
        [*space, "ping", "-n", "-q", "-c", str(PINGS), "-i", str(PING_EVERY_S), "-W",
         str(PING_PATIENCE_S), TERMINAL], stdout=subprocess.PIPE, text=True, check=False)
    for line in run.stdout.splitlines()[-2:]:
        print("ping:", line)
    for way, snr_db in slots.snr_db.items():
        print(f"at {sum(snr_db) / max(1, len(snr_db)):.1f} dB a carrier {way}", flush=True)
    return f" {PINGS} received, 0% packet loss" in run.stdout


def iperf(spaces, slots, way, seconds):
    """The sender is the client, so that the end of the test queues behind all its datagrams."""
    sender, receiver, address = (0, 1, TERMINAL) if way == "down" else (1, 0, BASE)
    server = subprocess.Popen([*spaces[receiver], "iperf3", "-s", "-1"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    first = len(slots.rows[way])
    client = subprocess.run(
        [*spaces[sender], "iperf3", "-c", address, "-u", "-b", LOAD, "-l", str(DATAGRAM), "-t",
         str(seconds), "-J", "--get-server-output", "--connect-timeout", "30000"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    server.terminate()
    server.wait()
    told = json.loads(client.stdout)
    if "error" in told:
        print(f"iperf3 {way}: {told['error']}")
        return False
    end = told["end"]
    total = end.get("sum_received", end["sum"])
    received = (total["packets"] - total["lost_packets"]) * DATAGRAM
    room, n, mcs = slots.carried(way, first)
    share = received / room if room else 0
    print(f"iperf3 {way}: {received} bytes received, {n} slots of scheme {mcs} could carry {room}: "
          f"{100 * share:.0f} %", flush=True)
    return share >= SHARE


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    check_tools()
    build = os.path.abspath(sys.argv[1])
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    with Namespaces() as spaces:
        levels = [word for level in LEVELS for word in ("--set", level)]
        demo = start_demo(build, "--seconds", "0", "--seed", "1", "--set", "bs.link.port=tun", *levels,
                          prefix=spaces[0])
        terminal = None
        try:
            state = state_of(wait_child(demo, "miradord"))
            clock = Clock(state)
            slots = Slots(state)
            pid = wait_child(demo, "mirador-ue")
            demo.stop()  # else it would end the rest
            terminal, _ = start_again(build, pid, "mirador-ue", prefix=spaces[1],
                                      sets=["link.port=tun"])
            while not slots.rows["down"]:
                time.sleep(0.05)
            clock.wait(clock.s + 2)
            ok = ping(spaces[0], slots)
            ok = iperf(spaces, slots, "down", seconds) and ok
            ok = iperf(spaces, slots, "up", seconds) and ok
        finally:
            if terminal:
                terminal.terminate()
                terminal.wait()
            demo.end()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
