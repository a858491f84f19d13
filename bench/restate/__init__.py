"""The same case written for Restate: the peer of the comparison. The clients are in bench/peer.py."""
