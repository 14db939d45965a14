"""Runs commands in turn and tells what the operating system says of each: wall, CPU and peak memory.

Reads {"rounds", "warmup", "commands": [{"words": [...], "status": N, "env": {...}}, ...]} from stdin; writes for each
command the list of its samples {"wallMs", "cpuMs", "peakMiB"}. "{n}" in a word is the running number of the run, in
hexadecimal, and "{ipv4}" an IPv4 address that no other run has. In Python, because a child of Bun inherits Bun's own
peak memory; this one's is 10 MiB.
"""

import json
import os
import sys
import time

plan = json.load(sys.stdin)
commands = plan["commands"]
samples = [[] for _ in commands]
quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
number = 0
os.chdir("/")


def address(run):
    """One of the 508 of two documentation networks."""
    if run > 508:
        sys.exit("too many runs for an IPv4 address each")
    return f"{'198.51.100' if run <= 254 else '203.0.113'}.{(run - 1) % 254 + 1}"


for turn in range(plan["warmup"] + plan["rounds"]):
    # Another order each turn, so that none always follows the same other.
    for offset in range(len(commands)):
        index = (turn + offset) % len(commands)
        number += 1
        words = [
            word.replace("{n}", format(number, "x")).replace("{ipv4}", address(number) if "{ipv4}" in word else "")
            for word in commands[index]["words"]
        ]
        variables = environment | commands[index]["env"]
        began = time.perf_counter()
        pid = os.posix_spawn(words[0], words, variables, file_actions=quiet)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - began
        code = os.waitstatus_to_exitcode(status)
        if code != commands[index]["status"]:
            sys.exit(f"{' '.join(words)}: ended with {code}")
        if turn >= plan["warmup"]:
            sample = {
                "wallMs": wall * 1000,
                "cpuMs": (usage.ru_utime + usage.ru_stime) * 1000,
                "peakMiB": usage.ru_maxrss / 1024,
            }
            samples[index].append(sample)

json.dump(samples, sys.stdout)
