"""Adapters: the only users of Fabric, paramiko and patchwork, and of the network."""
