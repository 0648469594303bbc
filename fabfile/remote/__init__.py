"""Adapters: the only users of Fabric, paramiko and the network."""
