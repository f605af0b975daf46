"""Measurements: cycles of fixed workloads against the ideal and the cycle model, and the speed of simulation."""
