"""Loaded by Python at its start: every name under .localhost is this machine (RFC 6761), which not every resolver knows."""

import socket

_getaddrinfo = socket.getaddrinfo


def _on_this_machine(host, *more, **named):
    name = host.decode() if isinstance(host, bytes) else host
    return _getaddrinfo("127.0.0.1" if name and name.endswith(".localhost") else host, *more, **named)


socket.getaddrinfo = _on_this_machine
