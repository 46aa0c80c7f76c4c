"""Tests on real Docker engines, as root on Linux: in a network of their own, on an engine of their own."""
