"""Names of signals in a report; the numbers are tested where a report is made, in test_bitstream.py."""

import pytest

from vanallen.synth.report import read_report, signal_name


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("system.accelerator.issue.tag_end_TRELLIS_FF_Q_3", "issue.tag_end"),
        ("system.accelerator.array.array.pe_0_3.product[12]", "array.array.pe_0_3.product"),
        ("system.link.uart.shift_TRELLIS_FF_Q_DI_LUT4_Z_C_PFUMX_Z", "link.uart.shift"),
        ("system.accelerator.weight_ram.ram.0.0", "weight_ram.ram.0.0"),
        (
            "system.accelerator.requantizer.lane_0.multiply.total_CCU2C_S0_1_COUT[3]",
            "requantizer.lane_0.multiply.total",
        ),
        ("system.accelerator.job$392.state_TRELLIS_FF_Q", "job.state"),
        ("system.accelerator.issue.$procmux$123_Y", "issue...."),
        ("$abc$55$lut$aig", "..."),
        ("clock.reset.locked", "clock.reset.locked"),
    ],
)
def test_names_in_the_design_s_own_words(name, signal):
    assert signal_name(name) == signal


@pytest.mark.parametrize("names", [[], ["a", "b"], ["clock.pll_clk"], ["a", "clock.pll_clk", "b"]])
def test_one_clock_is_timed_beside_the_pll_s(names):
    clocks = {name: {"achieved": 1.0} for name in names}
    with pytest.raises(ValueError, match="one clock must be timed, not "):
        read_report({"fmax": clocks, "critical_paths": [], "utilization": {}})
