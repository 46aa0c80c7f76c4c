"""What the declaration says, as typed values that know the file and the line they came from.

finding     what is wrong, where, and what is expected
document    one TOML file: its values, and the line of each
model       fleet.toml;  service: service.toml
words       pydantic's errors in plain words
load        reads a fleet folder
references  what names what, and whether it exists
schema      the JSON schemas that editors complete with
"""
