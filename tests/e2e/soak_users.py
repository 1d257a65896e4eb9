#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sixteen users in gated time, as fast as it goes, each with datagrams both ways. Two have rates; user 5
withdraws at its terminal and permits again, user 9 is removed and comes back.

    soak_users.py BUILD_FOLDER [MINUTES]

Fails if one is not asked at its rate or in turn, or not found where it is; if an answer or a slot is
refused; if a datagram reaches another user, comes twice, out of order or altered, or (but of users 5
and 9) does not come; if user 5 or 9 is found, sent data or told of while it is not to be; or if a
process grows."""

import json
import os
import selectors
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from link_demo import Clock, children, listen, memory_mb, start_demo, state_of, wait_child, wait_children, words_of

USERS = range(1, 17)
CYCLE_S = 0.2
RATES_HZ = {1: 0.5, 2: 0.25}
WITHDRAWS, LEAVES = 5, 9
AWAY = 0.35, 0.60  # of the whole time
WINDOW, SIZE = 24, 600  # datagrams under way each way, bytes
ALONE_S = 2.0  # of room time: without an answer one more all the same
SETTLED, GROWTH, GROWTH_MB = 1 / 3, 1.05, 2.0
BEGIN_S, ENDING_S = 1, 20  # of room time, at the end: nothing more is sent, and what was sent comes
LIFETIME_S = 60


class Flow:
    """One way of one user: numbered datagrams that say whose they are."""

    def __init__(self, user, way, port_in, port_out):
        self.user, self.way, self.to = user, way, ("127.0.0.1", port_in)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", port_out))
        self.sock.setblocking(False)
        self.sent, self.next, self.came, self.lost, self.bad, self.sent_s = 0, 0, 0, 0, 0, 0.0

    def send(self, now_s):
        while self.sent - self.next < WINDOW or now_s - self.sent_s > ALONE_S:
            head = struct.pack("<BBQ", self.user, self.way, self.sent)
            self.sock.sendto(head + bytes([self.sent % 251]) * SIZE, self.to)
            self.sent += 1
            self.sent_s = now_s

    def hear(self):
        got = self.sock.recv(4096)
        user, way, number = struct.unpack("<BBQ", got[:10]) if len(got) == SIZE + 10 else (0, 0, -1)
        whole = (user, way) == (self.user, self.way) and got[10:] == bytes([number % 251]) * SIZE
        if not whole or not self.next <= number < self.sent:
            self.bad += 1
            return
        self.lost += number - self.next
        self.next = number + 1
        self.came += 1


class Traffic:
    """All flows, in a thread of their own until the room's time end_s."""

    def __init__(self, flows, clock, end_s):
        self.flows, self.clock, self.end_s, self.stop = flows, clock, end_s, False
        self.inputs = selectors.DefaultSelector()
        for f in flows:
            self.inputs.register(f.sock, selectors.EVENT_READ, f)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while not self.stop:
            if self.clock.s < self.end_s:
                for f in self.flows:
                    f.send(self.clock.s)
            for key, _ in self.inputs.select(0.02):
                key.data.hear()


class Slots:
    """Slots of data of each user, and what was refused of them, as the base station tells it."""

    def __init__(self, state):
        self.cycles, self.refused = {u: [] for u in USERS}, {u: 0 for u in USERS}
        listen(f"ipc://{state}/telemetry.sock", b"link", self.take)

    def take(self, text):
        h = json.loads(text)
        if h["slot"] != "data":
            return
        self.cycles[h["user"]].append(h["cycle"])
        self.refused[h["user"]] = h["traffic"]["slots_refused"] + h["traffic"]["slots_malformed"]


class Orders:
    """Given to base station and terminals by the command line."""

    def __init__(self, build, state):
        self.mirador, self.state = f"{build}/bin/mirador", state

    def run(self, socket_name, *words):
        done = subprocess.run([self.mirador, *words, "--json", "-e", f"ipc://{self.state}/{socket_name}"],
                              stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def terminal(self, word):
        return self.run(f"ue{WITHDRAWS}-control.sock", "ue", word)["last_cycle"]

    def cycle(self):
        return self.run("control.sock", "status")["cycle"]

    def told_of_link(self, user):
        users = self.run("control.sock", "status")["link"]["users"]
        return [u for u in users if u["id"] == user
                and ("beam_gain_db" in u or u["figures"]["up"]["snr_db"] is not None)]

    def users(self, verb):
        self.run("control.sock", "users", verb, str(LEAVES))


def port_of(pid):
    return next(int(w.split("=")[1]) for w in words_of(pid) if w.startswith("link.udp_port="))


def flows_of(base, terminals):
    flows, first = [], port_of(base)
    for place, (user, pid) in enumerate(zip(USERS, terminals)):
        down, up = first + 2 * place, port_of(pid)
        flows += [Flow(user, 0, down, up + 1), Flow(user, 1, up, down + 1)]
    return flows


def memory_of(pids):
    return {name: memory_mb(pid, "RssAnon") for name, pid in pids.items()}


def away(orders, clock, seconds, bad):
    """Cycles (first, last) in which users 5 and 9 are not to be served."""
    clock.wait(AWAY[0] * seconds)
    withdrawn = orders.terminal("withdraw")
    orders.users("remove")
    removed = orders.cycle()
    clock.wait(0.5 * sum(AWAY) * seconds)
    if any(map(orders.told_of_link, (WITHDRAWS, LEAVES))):
        bad.append("the link of a user who is away is told of")
    clock.wait(AWAY[1] * seconds)
    permitted, added = orders.terminal("permit"), orders.cycle()
    orders.users("add")
    return {WITHDRAWS: (withdrawn, permitted), LEAVES: (removed, added)}


def run(build, seconds, out, bad):
    demo = start_demo(build, "--speed", "0", "--users", "16", "--seconds", str(seconds), "--seed", "1",
                      *(w for s in [f"bs.users[{u - 1}].rate_hz={r}" for u, r in RATES_HZ.items()]
                        + [f"{p}.link.lifetime_s={LIFETIME_S}" for p in ("bs", "ue")] for w in ("--set", s)),
                      stdout=out)
    base, terminals = wait_child(demo, "miradord"), wait_children(demo, "mirador-ue", 16)
    state = state_of(base)
    slots, clock, orders = Slots(state), Clock(state), Orders(build, state)
    flows = flows_of(base, terminals)
    clock.wait(BEGIN_S)  # each terminal has opened its port: time stands before that
    traffic = Traffic(flows, clock, seconds - ENDING_S)
    pids = {"miradord": base, "mirador-room": children(demo.pid, "mirador-room")[0], "mirador": demo.pid,
            **{f"mirador-ue {u}": pid for u, pid in zip(USERS, terminals)}}
    clock.wait(SETTLED * seconds)
    first = memory_of(pids)
    between = away(orders, clock, seconds, bad)
    clock.wait(seconds - ENDING_S)
    last = memory_of(pids)
    if demo.wait() != 0:
        bad.append("the demo failed")
    time.sleep(1)  # what has come is read
    traffic.stop = True
    for name in pids:
        grown = last[name] > GROWTH * first[name] + GROWTH_MB
        if grown:
            bad.append(f"{name} grows")
        if grown or "ue " not in name:
            print(f"  {name}: {first[name]:.1f} -> {last[name]:.1f} MB of its own")
    ues = [(first[n], last[n]) for n in pids if "ue " in n]
    print(f"  terminals: {min(a for a, _ in ues):.1f} to {max(a for a, _ in ues):.1f} MB -> "
          f"{min(b for _, b in ues):.1f} to {max(b for _, b in ues):.1f} MB")
    return flows, slots, between


def judge_user(u, cycles, shares, flows, slots):
    wrong = u["fixes"] < 0.97 * u["permitted"] or not u["fixes"] or u["error_p50_m"] > 0.4 or u["error_p90_m"] > 0.9
    if u["id"] in RATES_HZ:
        wrong |= abs(u["asked"] - RATES_HZ[u["id"]] * CYCLE_S * cycles) > 2
    elif u["id"] != LEAVES:
        wrong |= max(shares) - min(shares) > 1
    wrong |= any(f.bad for f in flows) or slots.refused[u["id"]] > 0
    wrong |= any(f.came < 0.5 * WINDOW * u["permitted"] for f in flows)
    wrong |= u["id"] not in (WITHDRAWS, LEAVES) and any(f.lost or f.came != f.sent for f in flows)
    wrong |= len(slots.cycles[u["id"]]) < 0.97 * u["permitted"] - 2
    print("  user %2d asked %4d, permitted %4d, fixes %4d, error %.2f / %.2f m; %d slots, datagrams down %s, up %s%s" % (
        u["id"], u["asked"], u["permitted"], u["fixes"], u["error_p50_m"] or 0, u["error_p90_m"] or 0,
        len(slots.cycles[u["id"]]), *(f"{f.came} of {f.sent}" for f in flows),
        "  <- outside the limits" if wrong else ""))
    return wrong


def judge_away(user, first, last, fixes, cycles):
    """Neither position nor data while it is not to be served, and both again after."""
    found = [x["cycle"] for x in fixes if x["user"] == user]
    during, after = ([sum(map(where, list)) for list in (found, cycles)]
                     for where in (lambda c: first < c <= last, lambda c: c > last))
    print(f"  user {user} away for {last - first} cycles: {during[0]} fixes, {during[1]} slots of data; "
          f"then {after[0]} and {after[1]}")
    return any(during) or not all(after) or last - first < 10


def judge(lines, flows, slots, between):
    fixes, cycles, s = ([x for x in lines if x["type"] == "fix"], [x for x in lines if x["type"] == "cycle"], lines[-1])
    shares = [u["asked"] for u in s["users"] if u["id"] not in RATES_HZ and u["id"] != LEAVES]
    bad = s["answers"]["refused"] + s["answers"]["damaged"] > 0 or len(s["users"]) != 16
    bad |= not (s["inside_95_ellipse"] or 0) >= 0.93 or any(x["user"] not in USERS for x in cycles)
    for u in s["users"]:
        bad |= judge_user(u, s["cycles"], shares, flows[2 * u["id"] - 2 : 2 * u["id"]], slots)
    for user, (first, last) in between.items():
        bad |= judge_away(user, first, last, fixes, slots.cycles[user])
    print("  inside", s["inside_95_ellipse"], "answers", s["answers"])
    return bad


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, minutes = os.path.abspath(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10
    bad, begin = [], time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        flows, slots, between = run(build, 60 * minutes, out, bad)
        out.seek(0)
        lines = [json.loads(line) for line in out]
    if judge(lines, flows, slots, between):
        bad.append("outside the limits")
    print(f"  {60 * minutes:.0f} s of the room in {time.monotonic() - begin:.0f} s{''.join(f'; {b}' for b in bad)}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
