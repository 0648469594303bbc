"""The settings of a server, and who may read and reach what."""
