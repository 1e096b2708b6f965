"""Measuring joules on this machine: devices, attribution to one job, and a model where nothing can be measured.

It knows no request and no tier.
"""
