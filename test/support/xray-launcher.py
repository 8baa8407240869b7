#!/usr/bin/env python3
"""Makes the `Xray-core` module look like the `xray` executable.

The module is the real engine, built as a library: `startFromJSON(text)` runs it
in this process until SIGTERM or SIGINT. It has no command line, so the few
commands that tests give are translated here:

    run -c FILE          run -test -c FILE          version

The file must not be called xray.py: it would be imported instead of the module.
The engine's Go runtime does not survive a fork, so the module is imported as
late as possible. A config it refuses ends the process with status 23, as the
executable does, but without a word: the reason is lost.
"""
import ctypes
import fcntl
import os
import re
import signal
import socket
import struct
import sys
import threading
import time

REFUSED = 23
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1
START_TIMEOUT_S = 20


def main(arguments):
    if arguments == ["version"]:
        print(f"Xray {engine_version()} (the Xray-core module for Python)")
        return 0
    if arguments[:1] == ["run"]:
        test, path = read_options(arguments[1:])
        with open(path, encoding="utf-8") as file:
            config = file.read()
        if test:
            return test_config(config)
        run_engine(config)
        return 0
    print(f"Unknown command: {' '.join(arguments)}; known are run, version", file=sys.stderr)
    return 2


def read_options(options):
    test, path = False, None
    rest = iter(options)
    for option in rest:
        name, _, value = option.lstrip("-").partition("=")
        if name == "test":
            test = True
        elif name in ("c", "config"):
            path = value or next(rest, None)
        else:
            sys.exit(f"Unknown option: {option}; known are -test, -c, -config")
    if path is None:
        sys.exit("No config file: expected -c FILE")
    return test, path


def run_engine(config):
    import xray

    xray.startFromJSON(config)


def test_config(config):
    """The library cannot check without starting, so it starts in a network of its own, where no port is taken."""
    child = os.fork()
    if child == 0:
        enter_empty_network()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        start_and_leave(config)
    _, status = os.waitpid(child, 0)
    if status == 0:
        print("Configuration OK.")
        return 0
    print("Failed to start: the engine refused the config and gave no reason", file=sys.stderr)
    return REFUSED


def engine_version():
    """The engine tells its version only in its first line, so it is started with nothing to do."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(into, sys.stdout.fileno())
        start_and_leave('{"log": {"loglevel": "warning"}, "outbounds": [{"protocol": "freedom"}]}')
    os.close(into)
    with os.fdopen(out) as lines:
        text = lines.read()
    os.waitpid(child, 0)
    found = re.search(r"Xray (\d+\.\d+\.\d+) started", text)
    if not found:
        sys.exit(f"The engine did not tell its version, only: {text!r}")
    return found.group(1)


def start_and_leave(config):
    """Ends this process with status 0 once the engine runs: it catches SIGTERM from then on, not before."""
    threading.Thread(target=run_engine, args=(config,), daemon=True).start()
    give_up = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up:
        if signals_caught() & (1 << (signal.SIGTERM - 1)):
            time.sleep(0.02)  # its log is written by another thread
            os._exit(0)
        time.sleep(0.005)
    os._exit(REFUSED)


def signals_caught():
    with open("/proc/self/status", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("SigCgt:"):
                return int(line.split()[1], 16)
    raise RuntimeError("Cannot find SigCgt in /proc/self/status")


def enter_empty_network():
    """Only a socket file the config names is not kept apart by this."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0 and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        print(f"Cannot make a network namespace: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        os._exit(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
