"""Requirements become locks: exact versions with hashes, layer by layer.

Python packages
    tasks        which locks there are, from what, on top of what
    platform     what an image's Python is: version, C library, markers, tags
    requirement  requirements.in, line by line
    pins         a lock file, read without the help of the resolver; text: written
    python       one lock: resolver runs uv, files and metadata say what it chose, the rest is checked here
    closure      every requirement of every package is pinned and met, from the packages' own metadata
    drift        what does not fit together any more, offline
    conflict     why nothing at or above a floor fits, and the ways out

Debian packages
    deb_tasks    which locks there are; debs: a lock, read and written; deb_drift: what does not fit any more
    lists        a suite's package lists, fetched and verified; archive: what apt answers from them
    apt          locks, made; snapshot: whether a service still has the archive as it was
    made         roots that were made here, and their digests

All of them
    inventory    what there is, and whether it fits; run: make it, in parallel where parents allow
    sizes        how large images will be, before anything is downloaded; predict: of a whole fleet
    explain      who wants a package, through which chain
"""
