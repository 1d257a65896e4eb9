# SPDX-License-Identifier: GPL-3.0-or-later
"""What the campaigns of the data link share: a demo with the link on, the room's clock, the demo's
programs by name, and one of them killed and started again."""

import os
import re
import select
import signal
import subprocess
import sys
import threading
import time

try:
    import zmq
except ImportError:
    sys.exit("python3-zmq is missing; apt-get install python3-zmq")

TRUTH_AHEAD_S = 0.5  # the room tells its truth so long before
READY_S = 60
LOG = open(os.environ["LOG"], "a") if "LOG" in os.environ else None


def listen(endpoint, topic, take):
    """Gives each message of the topic to take, in a thread of its own, to the end of the program."""
    sock = zmq.Context.instance().socket(zmq.SUB)
    sock.connect(endpoint)
    sock.subscribe(topic)

    def hear():
        while True:
            take(sock.recv_multipart()[1])

    threading.Thread(target=hear, daemon=True).start()


def memory_mb(pid, kind):
    """VmRSS, or RssAnon: what is the process's own."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith(kind))


class Clock:
    """The room's time, from its truth: to 20 ms."""

    def __init__(self, state):
        self.s = 0.0
        listen(f"ipc://{state}/truth.sock", b"truth", self.take)

    def take(self, text):
        at = text.index(b'"time_s":') + 9
        self.s = float(text[at : text.index(b",", at)]) - TRUTH_AHEAD_S

    def wait(self, until_s):
        while self.s < until_s:
            time.sleep(0.005)


def words_of(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        return f.read().decode().split("\0")[:-1]


def state_letter(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def gone(pid):
    """With all its threads: the first one's end is not the last socket's."""
    try:
        return state_letter(pid) in "ZX" and len(os.listdir(f"/proc/{pid}/task")) <= 1
    except OSError:
        return True


def children(parent, name):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                stat = f.read()
        except OSError:
            continue
        if f"({name})" in stat and int(stat.rsplit(")", 1)[1].split()[1]) == parent:
            found.append(int(pid))
    return sorted(found, key=lambda pid: (number_of(pid), pid))


def number_of(pid):
    """Of the user whose terminal this is."""
    try:
        found = re.search(r"user-(\d+)\.key", " ".join(words_of(pid)))
    except OSError:
        return 0
    return int(found.group(1)) if found else 0


TELEMETRY = "telemetry.endpoint=ipc://"


def serves(pid):
    return any(TELEMETRY in word for word in words_of(pid))


def wait_children(demo, name, n):
    """Those that serve, not one that only reads a preset; the users' in their order."""
    while True:
        try:
            pids = [pid for pid in children(demo.pid, name) if serves(pid)]
            if len(pids) == n:
                return pids
        except OSError:
            pass
        if demo.poll() is not None:
            sys.exit("the demo has ended")
        time.sleep(0.02)


def wait_child(demo, name):
    return wait_children(demo, name, 1)[0]


def state_of(pid):
    """The demo's private folder, from the daemon's command line."""
    word = next(w for w in words_of(pid) if TELEMETRY in w)
    return os.path.dirname(word[word.index(TELEMETRY) + len(TELEMETRY) :])


class Demo(subprocess.Popen):
    """Also behind a prefix that only starts it: `ip netns exec` becomes what it runs."""

    def stop(self):
        self.send_signal(signal.SIGSTOP)

    def end(self):
        self.send_signal(signal.SIGTERM)
        self.send_signal(signal.SIGCONT)
        self.wait()


def start_demo(build, *args, prefix=(), stdout=subprocess.DEVNULL):
    return Demo(
        [*prefix, f"{build}/bin/mirador", "demo", "--headless", "--json", "--link", *args],
        stdout=stdout,
    )


def start(build, words, prefix=(), sets=()):
    """Runs a program of the demo again and waits until it is ready; returns it and how long that
    took on the wall."""
    name = os.path.basename(words[0])
    at = words.index("--ready-fd") if "--ready-fd" in words else -1
    if at >= 0:
        words = words[:at] + words[at + 2 :]
    begin = time.monotonic()
    ready, told = os.pipe()
    env = dict(os.environ, UHD_MODULE_PATH=f"{build}/modules")
    program = subprocess.Popen(
        [*prefix, f"{build}/bin/{name}", "--ready-fd", str(told), *words[1:],
         *(word for one in sets for word in ("--set", one))],
        env=env, pass_fds=[told], stdout=subprocess.DEVNULL, stderr=LOG or subprocess.DEVNULL,
    )
    os.close(told)
    if not select.select([ready], [], [], READY_S)[0] or not os.read(ready, 1):
        sys.exit(f"{name} is not ready after {READY_S} s, or has ended")
    os.close(ready)
    return program, time.monotonic() - begin


def start_again(build, pid, name, prefix=(), sets=()):
    words = words_of(pid)
    words[0] = name
    os.kill(pid, signal.SIGKILL)
    while not gone(pid):
        time.sleep(0.005)
    return start(build, words, prefix, sets)
