"""Requirements become locks: exact versions with hashes, layer by layer.

tasks        which locks there are, from what, on top of what
platform     what an image's Python is: version, C library, markers, tags
requirement  requirements.in, line by line
pins         a lock file, read without the help of the resolver
text         a lock file, written
python       one lock of Python packages: uv resolves, the rest is checked here
closure      every requirement of every package is pinned and met, from the packages' own metadata
drift        what does not fit together any more, offline
conflict     why nothing at or above a floor fits, and the ways out
sizes        how large images will be, before anything is downloaded
explain      who wants a package, through which chain
debs, apt    Debian packages of roots and families
run          all of it, in parallel where parents allow
"""
