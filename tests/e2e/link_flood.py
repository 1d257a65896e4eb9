#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten minutes of room time, as fast as it goes, with every slot of the data link full and many times
more datagrams than fit offered each way.

    link_flood.py BUILD_FOLDER [MINUTES]

Fails if base station or terminal grow by more than 1 MB of memory of their own (RssAnon) from the
first half minute on, if a queue holds more than its bound or nothing is dropped and counted, if less than
80 % of what slots could hold is acknowledged user data, or if a datagram comes twice, out of order
or altered."""

import json
import os
import sys
import time

from link_campaign import Flow, SIZE, free_ports
from link_demo import Clock, listen, memory_mb, start_demo, state_of, wait_child

GROWTH_MB, SHARE, EVERY_S = 1.0, 0.8, 5
SETTLED_S, ENDING_S = 30, 3  # of room time
FIRST_SLOTS = 5  # no peer is known yet, and the slowest scheme is chosen
NAMES = {"down": "miradord", "up": "mirador-ue"}


class Told:
    """The newest message of a side about its link, and the fullest its queue was."""

    def __init__(self, endpoint, topic):
        self.newest, self.queued, self.begin = None, 0, None
        listen(endpoint, topic, self.take)

    def take(self, text):
        header = json.loads(text)
        if "traffic" not in header:
            return
        self.newest = header
        self.queued = max(self.queued, header["traffic"]["queued"])
        if self.begin is None and header["traffic"]["slots_sent"] > FIRST_SLOTS:
            self.begin = header["traffic"]


def watch(demo, clock, pids, end_s):
    """Memory of each, from SETTLED_S on until the demo is about to end."""
    seen = {way: [] for way in pids}
    while demo.poll() is None:
        time.sleep(EVERY_S)
        try:
            row = {way: memory_mb(pid, "RssAnon") for way, pid in pids.items()}
        except (OSError, StopIteration):
            break
        if SETTLED_S < clock.s < end_s - ENDING_S:
            for way, mb in row.items():
                seen[way].append(mb)
    return seen


def judge(way, told, mb, flow):
    t, first = told.newest["traffic"], told.begin
    room = t["slot_bytes"] - first["slot_bytes"]
    share = (t["bytes_acked"] - first["bytes_acked"]) / room if room else 0
    bounded = told.queued <= t["queue"] and t["dropped_queue"] > 0
    ok = bounded and share >= SHARE and not flow.bad and len(mb) > 1 and max(mb) - mb[0] < GROWTH_MB
    print(f"{way}: {flow.sent} datagrams of {SIZE + 8} bytes offered, {t['packets_in']} taken, "
          f"{t['dropped_queue']} dropped by a full queue, at most {told.queued} of {t['queue']} waited")
    print(f"    {t['packets_acked']} acknowledged, {100 * share:.1f} % of what {t['slots_sent']} "
          f"slots held; {flow.came} came, {flow.bad} of them twice, disordered or altered")
    print(f"    figures {json.dumps(told.newest['figures'][way])}")
    memory = f"{mb[0]:.1f} MB of its own at first, {mb[-1]:.1f} at last, {max(mb):.1f} at most" if mb else "not seen"
    print(f"    {NAMES[way]}: {memory} ({len(mb)} looks)" + ("" if ok else "  <- outside the limits"), flush=True)
    return ok


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, minutes = os.path.abspath(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10
    port = free_ports()
    demo = start_demo(build, "--speed", "0", "--seconds", str(60 * minutes), "--seed", "1",
                      "--set", f"bs.link.udp_port={port}", "--set", f"ue.link.udp_port={port + 2}")
    pids = {way: wait_child(demo, name) for way, name in NAMES.items()}
    state = state_of(pids["down"])
    told = {"down": Told(f"ipc://{state}/telemetry.sock", b"link"),
            "up": Told(f"ipc://{state}/ue.sock", b"ue")}
    clock = Clock(state)
    flows = {"down": Flow("down", port, port + 3, burst=8, pace=0.001), "up": Flow("up", port + 2, port + 1, burst=8, pace=0.001)}
    begin = time.monotonic()
    mb = watch(demo, clock, pids, 60 * minutes)
    print(f"{clock.s:.0f} s of the room in {time.monotonic() - begin:.0f} s")
    for f in flows.values():
        f.stop = True
    if demo.wait() != 0:
        print("the demo failed")
        return 1
    return 0 if all([judge(way, told[way], mb[way], flows[way]) for way in flows]) else 1


if __name__ == "__main__":
    sys.exit(main())
