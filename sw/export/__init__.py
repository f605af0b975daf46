"""What an integrator takes away: the Verilog, C header, register map and port list of a configuration.

:func:`.bundle.export` writes them all; the other modules import no Amaranth.
"""
