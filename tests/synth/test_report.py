"""Names of signals in a report; the numbers are tested where a report is made, in test_bitstream.py."""

import pytest

from vanallen.synth.report import RESOURCES, read_report, signal_name


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


def report_of(clocks):
    """A report of these clocks: what each reaches and what it must, in MHz."""
    paths = [{"from": f"posedge {name}", "to": f"posedge {name}", "path": [
        {"type": "clk-to-q", "delay": 1.0, "from": {"cell": "a"}, "to": {"cell": "a"}},
        {"type": "setup", "delay": 0.0, "from": {"cell": "b"}, "to": {"cell": "b"}}]} for name in clocks]  # fmt: skip
    use = {cell: {"used": 1, "available": 2} for cell in RESOURCES.values()}
    fmax = {name: {"achieved": achieved, "constraint": constraint} for name, (achieved, constraint) in clocks.items()}
    return {"fmax": fmax, "critical_paths": paths, "utilization": use}


@pytest.mark.parametrize("chip", ["clock.clk", "$glbnet$clock.clk"])
@pytest.mark.parametrize(("own", "link", "met"), [(101, 26, True), (99, 26, False), (101, 24, False), (100, 25, True)])
def test_the_chip_s_clock_is_given_and_every_clock_must_be_met(chip, own, link, met):
    report = read_report(report_of({chip: (own, 100), "$glbnet$clock.link_clk": (link, 25), "pll": (1000, 100)}))
    assert (report.fmax_mhz, report.met) == (own, met)


@pytest.mark.parametrize("names", [[], ["clock.pll_clk"], ["clock.link_clk", "other.clock.clk"]])
def test_a_chip_that_was_not_timed_is_an_error(names):
    with pytest.raises(ValueError, match=r"clock\.clk must be timed"):
        read_report(report_of({name: (200, 100) for name in names}))
