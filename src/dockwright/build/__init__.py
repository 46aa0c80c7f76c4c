"""Declared families and services become images."""
