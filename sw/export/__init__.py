"""What an integrator takes away: the Verilog, C header, register map, IP-XACT and port list of a configuration.

:func:`.bundle.export` writes them all; the other modules import no Amaranth. ``rdl``, ``register_table``, ``ip_xact``
and ``register_page`` need the extra ``registers``.
"""
