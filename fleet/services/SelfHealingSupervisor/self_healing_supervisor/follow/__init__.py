"""Following: newly tagged releases are brought to this machine in waves, and taken back as one when they cannot hold.

registry -> which release is next -> what changes, in which waves -> gate -> kept, or taken back.
What is decided is pure; what is done is written down before it is done, so that the next life goes on where one ended.
"""
