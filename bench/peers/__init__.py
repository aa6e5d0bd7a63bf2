"""Who is measured. Each peer is the real program with an equivalent configuration, committed beside this file."""

from bench.peers.base import Peer, Setup, Tls
from bench.peers.direct import Direct
from bench.peers.envoy import Envoy
from bench.peers.flatproxy import FlatProxy
from bench.peers.haproxy import HaProxy
from bench.peers.nginx import Nginx

__all__ = ["PEERS", "Direct", "Peer", "Setup", "Tls"]

# The order of a round: A B C A B C.
PEERS: dict[str, Peer] = {peer.name: peer for peer in (FlatProxy(), Envoy(), HaProxy(), Nginx(), Direct())}
