"""Simulated servers that stand where Fabric opens a connection.

They get whole command lines, as a shell would, and answer from a small simulated state:
containers, images, files, a checkout and a repository. What the application does follows from the
text of its files (see ``application``), so that an older image behaves as the older files said.
"""
