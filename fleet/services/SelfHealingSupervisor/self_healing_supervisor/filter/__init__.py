"""The filter: a guard before the Docker socket that lets through a short list of requests about fleet instances.

Rules of the guard, in order: a request is read into a Wish (method, path and query from a closed list, nothing that
needs decoding, no body); a named container must carry the fleet's labels; one is made only as the operator approved it,
and only in the fleet's shape (`shape`); an image comes only from the fleet's registry, by digest, and is used only for
the instance that it was built for. What goes to the engine is written anew: no byte of a client is forwarded.
"""
