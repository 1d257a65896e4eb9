#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP over the room: base station and terminal of a demo (gated, pace 1) in network namespaces of
their own, each with its TUN interface, at a signal to noise ratio of about 20 dB a carrier; ping and
iperf3 between them. Then base station and two terminals: ping to each, to an address that nobody
has, and from one to the other.

    link_ip.py BUILD_FOLDER [SECONDS_OF_IPERF3 [one|several]]

Fails if the mean SNR is not within 19 to 22 dB each way, if a ping is lost, if a packet goes to another user than its address says or one for nobody is
not counted, if iperf3's UDP receives less than 80 % of what the slots it had could carry, each way
(user data at the scheme of each slot: counted in slots, so that the wall clock does not matter; what
the fastest scheme would carry in them is told beside), or if what does not fit is not queued up to the bound and then dropped with a count. Needs root, iperf3 and iputils-ping;
ends with 77 where these are missing."""

import json
import os
import shutil
import subprocess
import sys
import time

from link_demo import Clock, listen, start_again, start_demo, state_of, wait_child, wait_children

BASE, TERMINAL = "10.77.0.1", "10.77.0.3"  # of 10.77.0.0/16: number 1, and user 1 is number 3
NOBODY, STRANGE_PINGS = 198, 3
PINGS, PING_EVERY_S, PING_PATIENCE_S = 20, 0.3, 30
SHARE = 0.8
SNR_DB = 19, 22
BITS = 0.25, 0.5, 0.89, 1.19, 1.78, 2.37, 3.56, 4.0  # a carrier, of each scheme: docs/link.md
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


def address_of(user):
    return f"10.77.0.{user + 2}"


class Namespaces:
    """Of the base station and of each terminal, gone at the end."""

    def __init__(self, terminals=1):
        sides = ["bs", *(f"ue{i}" for i in range(terminals))]
        self.names = [f"mirador-{side}-{os.getpid()}" for side in sides]

    def __enter__(self):
        self.remove()  # of a killed run that had our pid
        for name in self.names:
            if subprocess.run(["ip", "netns", "add", name], check=False).returncode:
                skip("no network namespaces here")
            subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        return [["ip", "netns", "exec", name] for name in self.names]

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)


class Slots:
    """Counters of the link of both sides, one row a slot."""

    def __init__(self, state):
        self.rows = {"down": [], "up": []}
        self.snr_db = {"down": [], "up": []}
        self.queue = {"down": (0, 0, 0), "up": (0, 0, 0)}  # most that waited, bound, dropped
        for role, topic, way in (("telemetry", b"link", "down"), ("ue", b"ue", "up")):
            listen(f"ipc://{state}/{role}.sock", topic, lambda text, way=way: self.take(text, way))

    def take(self, text, way):
        header = json.loads(text)
        if "traffic" not in header:
            return
        t = header["traffic"]
        if way == "down" and header.get("up_found") and header["up_snr_db"] is not None:
            self.snr_db["up"].append(header["up_snr_db"])
        if way == "up" and header.get("link_found"):
            self.snr_db["down"].append(header["link_snr_db"])
        self.queue[way] = max(self.queue[way][0], t["queued"]), t["queue"], t["dropped_queue"]
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


def ping_said(space, address, n, patience_s=PING_PATIENCE_S):
    run = subprocess.run([*space, "ping", "-n", "-q", "-c", str(n), "-i", str(PING_EVERY_S), "-W",
                          str(patience_s), address], stdout=subprocess.PIPE, text=True, check=False)
    return run.stdout.splitlines()


def ping(space, slots):
    said = ping_said(space, TERMINAL, PINGS)
    for line in said[-2:]:
        print("ping:", line)
    return any(f" {PINGS} received, 0% packet loss" in line for line in said)


def levels_hold(slots):
    """What is said to hold at 20 dB is measured there."""
    ok = True
    for way, snr_db in slots.snr_db.items():
        mean_db = sum(snr_db) / max(1, len(snr_db))
        good = bool(snr_db) and SNR_DB[0] <= mean_db <= SNR_DB[1]
        print(f"at {mean_db:.1f} dB a carrier {way}" + ("" if good else "  <- wrong"), flush=True)
        ok = ok and good
    return ok


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
    queued, bound, dropped = slots.queue[way]
    print(f"iperf3 {way}: {received} bytes received, {n} slots of scheme {mcs} could carry {room}: "
          f"{100 * share:.0f} %, {100 * share * BITS[mcs] / BITS[-1]:.0f} % of what scheme {len(BITS) - 1} "
          f"would; at most {queued} of {bound} waited, {dropped} dropped", flush=True)
    return share >= SHARE and 0 < queued <= bound and dropped > 0


class Health:
    """The newest `health` of the base station."""

    def __init__(self, state):
        self.link = None
        listen(f"ipc://{state}/telemetry.sock", b"health", self.take)

    def take(self, text):
        self.link = json.loads(text).get("link")

    def settled(self, clock):
        """What two seconds from now are the counters of now."""
        clock.wait(clock.s + 2)
        return self.link["unrouted"], {u["id"]: u["packets_in"] for u in self.link["users"]}


def echoes(space, address, n, patience_s=PING_PATIENCE_S):
    said = ping_said(space, address, n, patience_s)
    line = next(line for line in said if "received" in line)
    return int(line.split(",")[1].split()[0]), *(line for line in said if line.startswith("rtt"))


def routes(spaces, users, health, clock):
    """A ping to each user moves that user's packets alone; one to nobody moves nobody's."""
    ok = True
    unrouted, before = health.settled(clock)
    for user in users:
        came, *times = echoes(spaces[0], address_of(user), PINGS)
        other, after = health.settled(clock)
        moved = {u: after[u] - before[u] for u in users if after[u] != before[u]}
        good = came == PINGS and moved == {user: PINGS} and other == unrouted
        print(f"ping to user {user}, {address_of(user)}: {came} of {PINGS} answered, packets for "
              f"{moved} {' '.join(times)}" + ("" if good else "  <- wrong"), flush=True)
        ok, before = ok and good, after
    came, *_ = echoes(spaces[0], address_of(NOBODY), STRANGE_PINGS, 1)
    other, after = health.settled(clock)
    good = came == 0 and after == before and other == unrouted + STRANGE_PINGS
    print(f"ping to {address_of(NOBODY)}, whom nobody is: {came} of {STRANGE_PINGS} answered, "
          f"{other - unrouted} counted as unrouted" + ("" if good else "  <- wrong"), flush=True)
    return ok and good


def forwarded(spaces, users):
    """From user to user, where the base station's kernel forwards."""
    subprocess.run([*spaces[0], "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"], check=True)
    came, *times = echoes(spaces[1], address_of(users[1]), PINGS)
    print(f"ping from user {users[0]} to user {users[1]} over the base station: {came} of {PINGS} "
          f"answered {' '.join(times)}" + ("" if came == PINGS else "  <- lost"), flush=True)
    return came == PINGS


def several(build, n=2):
    users = list(range(1, n + 1))
    with Namespaces(n) as spaces:
        demo = start_demo(build, "--seconds", "0", "--seed", "1", "--users", str(n), "--set",
                          "bs.link.port=tun", prefix=spaces[0])
        terminals = []
        try:
            state = state_of(wait_child(demo, "miradord"))
            clock, health = Clock(state), Health(state)
            pids = wait_children(demo, "mirador-ue", n)
            demo.stop()  # else it would end the rest
            for pid, space in zip(pids, spaces[1:]):
                terminals.append(start_again(build, pid, "mirador-ue", prefix=space,
                                             sets=["link.port=tun"])[0])
            while not (health.link and all(u["up"] for u in health.link["users"])):
                time.sleep(0.05)
            return routes(spaces, users, health, clock) and forwarded(spaces, users)
        finally:
            for terminal in terminals:
                terminal.terminate()
                terminal.wait()
            demo.end()


def one(build, seconds):
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
            ok = levels_hold(slots) and ok
            ok = iperf(spaces, slots, "down", seconds) and ok
            ok = iperf(spaces, slots, "up", seconds) and ok
        finally:
            if terminal:
                terminal.terminate()
                terminal.wait()
            demo.end()
    return ok


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    check_tools()
    build = os.path.abspath(sys.argv[1])
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    part = sys.argv[3] if len(sys.argv) > 3 else "one and several"
    ok = "one" not in part or one(build, seconds)
    return 0 if ("several" not in part or several(build)) and ok else 1


if __name__ == "__main__":
    sys.exit(main())
