"""The filter: a guard before the Docker socket that lets through a short list of requests about fleet instances.

Rules of the guard, in order: a request is read into a Wish (method, path and query from a closed list, nothing that
needs decoding), a named container must carry the fleet's labels, a container is created only from a body that the
operator has approved, and what goes to the engine is written anew from the Wish. No byte of a client is forwarded.
"""
