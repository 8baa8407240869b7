"""Prints the first datagrams of an aioquic client for www.example.org, a line of hex each.

    pip install aioquic==1.7.2
    python record-aioquic.py 1 > test/fixtures/hosts/aioquic-v1.hex
    python record-aioquic.py 2 > test/fixtures/hosts/aioquic-v2.hex

The number is the QUIC version. No socket: the library hands its datagrams over.
"""

import sys

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicProtocolVersion

version = {"1": QuicProtocolVersion.VERSION_1, "2": QuicProtocolVersion.VERSION_2}[sys.argv[1]]
client = QuicConnection(
    configuration=QuicConfiguration(
        is_client=True,
        alpn_protocols=["h3"],
        server_name="www.example.org",
        supported_versions=[version],
        original_version=version,
    )
)
client.connect(("127.0.0.1", 443), now=0.0)
for datagram, _ in client.datagrams_to_send(now=0.0):
    print(datagram.hex())
