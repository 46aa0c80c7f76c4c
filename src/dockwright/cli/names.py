"""How a command line names images, for every verb that builds or plans. Light: what names mean, `chosen` says."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="families, services or machine/service")
    parser.add_argument("--machine", metavar="NAME", help="of services, only the instances on this machine")
