"""A worker in Python for goridge 2 over pipes: echoes, and knows a few words."""
import json
import os
import struct
import sys

CONTROL, RAW, ERROR, EMPTY = 16, 4, 8, 2


def read(length):
    data = sys.stdin.buffer.read(length)
    if len(data) < length:
        sys.exit(0)
    return data


def receive():
    flags, length, _ = struct.unpack("<BQ", read(9)) + struct.unpack(">Q", read(8))
    return flags, read(0 if flags & EMPTY else length)


def send(flags, data=b""):
    prefix = struct.pack("<BQ", flags, len(data)) + struct.pack(">Q", len(data))
    sys.stdout.buffer.write(prefix + data)


while True:
    flags, context = receive()
    command = {} if flags & RAW else json.loads(context)
    if "stop" in command:
        sys.exit(0)
    if "pid" in command:
        send(CONTROL, json.dumps({"pid": os.getpid()}).encode())
    else:
        body = receive()[1]
        if body == b"fail":
            send(CONTROL | RAW | ERROR, b"bad task")
        elif body == b"exit":
            sys.exit("last words")
        else:
            send(CONTROL | RAW, context)
            send(RAW, b"" if body == b"nothing" else body)
    sys.stdout.buffer.flush()
