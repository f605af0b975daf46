"""The tables of the register map, made by `make generate` from rtl/registers.rdl: not to be edited."""

from __future__ import annotations

from enum import IntEnum

from .register_types import Access, Memory, NumberedWindow, Register, RegisterField

__all__ = ["ADDRESS_BITS", "MEMORIES", "REGISTERS", "ErrorCode", "Injection", "State", "Window"]

ADDRESS_BITS = 22


class Window(NumberedWindow):
    """The windows of the address map: the value of address bits 21 to 19."""

    REGISTERS = 0
    """What the chip is and does, and the start of a job."""
    COMMAND = 1
    """Commands of eight 64-bit words."""
    PARAMETER = 2
    """Bias (int32) and scale (float32) of a channel, one pair a lane."""
    WEIGHT = 4
    """Weights (int8): a row is one row of a tile, one byte a column of the array."""
    ACTIVATION = 6
    """Activations (int8): a row is one pixel's group of channels, one byte a row of the array."""


class State(IntEnum):
    """What the chip is doing, in words of the extended Hamming code (8, 4): any two differ in four bits."""

    FILLING = 0x0F
    """After a reset the memories are being filled with zeros."""
    READY = 0x33
    BUSY = 0x55
    DONE = 0x66
    FAILED = 0x99
    """The job ended early; the status register's ``error`` says why."""


class ErrorCode(IntEnum):
    """Why a job failed: the ``error`` field of the status register."""

    NONE = 0
    BAD_JOB = 1
    """The job's commands lie outside command RAM, or there are none, or the steal interval is below 16."""
    BAD_CHECKSUM = 2
    BAD_OPCODE = 3
    BAD_RESERVED = 4
    """A reserved bit is not zero."""
    BAD_SHAPE = 5
    """A count is zero, the column blocks don't just cover the output groups, or a matrix product has more than a 1 x 1
    kernel, a stride, padding or more than one line."""
    BAD_KERNEL = 6
    """Kernel outside 1 to 7."""
    BAD_STRIDE = 7
    """Stride outside 1 to 4."""
    BAD_BLOCK = 8
    """More rows a block than an accumulator bank has."""
    INPUT_REGION = 9
    """The input region leaves activation RAM."""
    OUTPUT_REGION = 10
    """The output region leaves activation RAM."""
    OVERLAP = 11
    """Input and output region overlap."""
    INPUT_ADDRESS = 12
    """The address sequence read outside the input region."""
    WEIGHT_ADDRESS = 13
    """The address sequence read past the end of weight RAM."""
    PARAMETER_ADDRESS = 14
    """The address sequence read past the end of parameter RAM."""
    OUTPUT_ADDRESS = 15
    """The address sequence wrote outside the output region."""
    COLLISION = 16
    """A memory was read and written at one address in one cycle: an error of the hardware, never of a command."""
    COMMAND_MEMORY = 17
    """A word of command RAM has more wrong bits than can be corrected."""
    WEIGHT_MEMORY = 18
    """The same of weight RAM."""
    ACTIVATION_MEMORY = 19
    """The same of activation RAM, or a word on its way there disagreed with its parity."""
    PARAMETER_MEMORY = 20
    """The same of parameter RAM."""
    TAG = 21
    """The record that steers the data path has changed on its way."""
    WEIGHT_IDENTITY = 22
    """Activations met weights of another tile or row."""
    WEIGHT_PARITY = 23
    """A weight disagreed with its parity."""
    ACTIVATION_PARITY = 24
    """An activation disagreed with its parity."""
    CHECKSUM = 25
    """The columns of an accumulator row disagree with the checksum column."""
    REQUANTIZER = 26
    """A register of the requantizer has changed, or a product is wrong."""
    ROWS_MISSING = 27
    """A block ended with fewer or more rows than the command says."""
    WATCHDOG = 28
    """The job took longer than the start register allowed."""


class Injection(IntEnum):
    """Where the ``inject`` register flips a bit."""

    NOTHING = 0
    ACTIVATION_RAM_SINGLE = 1
    """A bit of the next word that the data path reads."""
    ACTIVATION_RAM_DOUBLE = 2
    """Two bits of it."""
    WEIGHT_RAM_SINGLE = 3
    WEIGHT_RAM_DOUBLE = 4
    PARAMETER_RAM_SINGLE = 5
    PARAMETER_RAM_DOUBLE = 6
    COMMAND_RAM_SINGLE = 7
    COMMAND_RAM_DOUBLE = 8
    ARRAY_ACTIVATION = 9
    """A bit of an activation on its way into the array."""
    ARRAY_WEIGHT = 10
    """A bit of a weight on its way into the array."""
    ARRAY_LOAD = 11
    """A row of weights isn't loaded."""
    ARRAY_PSUM = 12
    """A bit of a sum that is drained."""
    TAG_ROW = 13
    """A bit of the row of a slot's tag."""
    TAG_DRAIN = 14
    """A bit of the row of a drain slot's tag."""
    REQUANTIZER_PARAMETER = 15
    """A bit of a bias."""
    REQUANTIZER_WORD = 16
    """A bit of an output word."""
    COMMAND_HELD = 17
    """A bit of the held command, as it is captured."""
    CONTROL_COPY = 18
    """A bit of one copy's state."""
    HOST_WORD = 19
    """A bit of the next word that the host writes."""


REGISTERS = (
    Register(
        "identity",
        0x000,
        Access.READ,
        "the letters VANALLEN",
        (RegisterField("identity", 0, 64, "ASCII, V in the highest byte", constant=0x56414E414C4C454E),),
    ),
    Register(
        "version",
        0x008,
        Access.READ,
        "version of the hardware interface",
        (
            RegisterField("patch", 0, 8, "corrections", constant=0),
            RegisterField("minor", 8, 8, "additions", constant=3),
            RegisterField("major", 16, 8, "incompatible changes", constant=0),
        ),
    ),
    Register(
        "configuration",
        0x010,
        Access.READ,
        "sizes of the array, and rows of the memories that hold a program's parameters and commands",
        (
            RegisterField("rows", 0, 8, "R, rows of the array", constant="rows"),
            RegisterField("columns", 8, 8, "C, columns of the array", constant="columns"),
            RegisterField("lanes", 16, 8, "requantizer lanes", constant="lanes"),
            RegisterField("side_columns", 24, 8, "X, checksum columns", constant="side_columns"),
            RegisterField("parameter_rows", 32, 16, "rows of parameter RAM", constant="parameter_rows"),
            RegisterField("command_rows", 48, 16, "words of command RAM", constant="command_rows"),
        ),
    ),
    Register(
        "capacity",
        0x018,
        Access.READ,
        "sizes of the memories, in rows",
        (
            RegisterField("activation", 0, 16, "activation words", constant="activation_words"),
            RegisterField("weight", 16, 16, "weight words", constant="weight_words"),
            RegisterField("accumulator", 32, 13, "rows an accumulator bank", constant="accumulator_rows"),
        ),
    ),
    Register(
        "start",
        0x020,
        Access.WRITE,
        "starts a job; an error response while one runs",
        (
            RegisterField("first", 0, 16, "first command"),
            RegisterField("count", 16, 16, "commands to run"),
            RegisterField("job", 32, 16, "job number, returned in status"),
            RegisterField("patience", 48, 16, "units of 1,024 busy cycles after which the watchdog ends it; 0: 65,536"),
        ),
    ),
    Register(
        "reset",
        0x028,
        Access.WRITE,
        "soft reset: writing 1 to bit 0 stops everything and fills the memories",
        (RegisterField("reset", 0, 1, "1 resets"),),
    ),
    Register(
        "status",
        0x030,
        Access.READ,
        "what the chip is doing",
        (
            RegisterField("state", 0, 8, "a State"),
            RegisterField("error", 8, 8, "an ErrorCode"),
            RegisterField("command", 16, 16, "command that runs, or that ended the job"),
            RegisterField("job", 32, 16, "job number given at start"),
            RegisterField("blocks", 48, 16, "blocks committed in this command"),
        ),
    ),
    Register(
        "interrupt",
        0x038,
        Access.READ_WRITE,
        "the interrupt line is enable and pending",
        (
            RegisterField("enable", 0, 1, "line follows pending", reset=0),
            RegisterField("pending", 1, 1, "a job ended; writing 1 clears", reset=0),
        ),
    ),
    Register(
        "steal_interval",
        0x040,
        Access.READ_WRITE,
        "issue slots from one stolen for scrubbing to the next",
        (RegisterField("slots", 0, 16, "16 to 65,535; 1,024 after reset", reset=1024),),
    ),
    Register(
        "job_cycles",
        0x048,
        Access.READ_CLEAR,
        "cycles of jobs, start to end; saturates",
        (RegisterField("count", 0, 40, "cycles", reset=0),),
    ),
    Register(
        "issued_slots",
        0x050,
        Access.READ_CLEAR,
        "issue slots that streamed an activation row; saturates",
        (RegisterField("count", 0, 40, "cycles", reset=0),),
    ),
    Register(
        "stalled_slots",
        0x058,
        Access.READ_CLEAR,
        "issue slots that waited for an accumulator bank; saturates",
        (RegisterField("count", 0, 40, "cycles", reset=0),),
    ),
    Register(
        "stolen_slots",
        0x060,
        Access.READ_CLEAR,
        "issue slots stolen for scrubbing; saturates",
        (RegisterField("count", 0, 40, "cycles", reset=0),),
    ),
    Register(
        "governor",
        0x068,
        Access.READ_WRITE,
        "the issue governor: of any `window` cycles, at most `slots` stream rows, half as many under thermal alarm",
        (
            RegisterField("window", 0, 8, "cycles; 0 sets no limit; an error response while a job runs", reset=0),
            RegisterField("slots", 8, 8, "up to `window`", reset=0),
        ),
    ),
    Register(
        "throttled_slots",
        0x070,
        Access.READ_CLEAR,
        "issue slots that the governor took away; saturates",
        (RegisterField("count", 0, 40, "cycles", reset=0),),
    ),
    Register(
        "replay_limit",
        0x078,
        Access.READ_WRITE,
        "how often a block begins again before the job ends with the cause; an error response while a job runs",
        (RegisterField("times", 0, 4, "times", reset=3),),
    ),
    Register(
        "corrected",
        0x080,
        Access.READ_CLEAR,
        "words read with one wrong bit, which was corrected; saturates",
        (RegisterField("count", 0, 12, "events", reset=0),),
    ),
    Register(
        "uncorrectable",
        0x088,
        Access.READ_CLEAR,
        "words read with more wrong bits than can be corrected; saturates",
        (RegisterField("count", 0, 12, "events", reset=0),),
    ),
    Register(
        "recovered",
        0x090,
        Access.READ_CLEAR,
        "times a command began again behind its last committed block; saturates",
        (RegisterField("count", 0, 12, "events", reset=0),),
    ),
    Register(
        "outvoted",
        0x098,
        Access.READ_CLEAR,
        "cycles in which a copy of control differed from the two others; saturates",
        (RegisterField("count", 0, 12, "events", reset=0),),
    ),
    Register(
        "refused_writes",
        0x0A0,
        Access.READ_CLEAR,
        "writes not done because their address or word had changed in the queue; saturates",
        (RegisterField("count", 0, 12, "events", reset=0),),
    ),
    Register(
        "last_failure",
        0x0A8,
        Access.READ,
        "the last word that had wrong bits",
        (
            RegisterField("row", 0, 16, "its row"),
            RegisterField("window", 16, 3, "the window of its memory"),
            RegisterField("uncorrectable", 19, 1, "1: it could not be corrected"),
        ),
    ),
    Register(
        "written",
        0x0B0,
        Access.READ_CLEAR,
        "over what the host wrote into memories: the checksum of (address, stored word), see rtl/transfers.py",
        (RegisterField("checksum", 0, 32, "any write clears it", reset=0),),
    ),
    Register(
        "read_back",
        0x0B8,
        Access.READ_CLEAR,
        "over what the host read from memories: the checksum of the words, see rtl/transfers.py",
        (RegisterField("checksum", 0, 32, "any write clears it", reset=0),),
    ),
    Register(
        "faults",
        0x0C0,
        Access.READ_CLEAR,
        "what the checks of the data path found, a counter each; saturates; any write clears all",
        (
            RegisterField("command_memory", 0, 4, "error COMMAND_MEMORY", reset=0),
            RegisterField("weight_memory", 4, 4, "error WEIGHT_MEMORY", reset=0),
            RegisterField("activation_memory", 8, 4, "error ACTIVATION_MEMORY", reset=0),
            RegisterField("parameter_memory", 12, 4, "error PARAMETER_MEMORY", reset=0),
            RegisterField("tag", 16, 4, "error TAG", reset=0),
            RegisterField("weight_identity", 20, 4, "error WEIGHT_IDENTITY", reset=0),
            RegisterField("weight_parity", 24, 4, "error WEIGHT_PARITY", reset=0),
            RegisterField("activation_parity", 28, 4, "error ACTIVATION_PARITY", reset=0),
            RegisterField("checksum", 32, 4, "error CHECKSUM", reset=0),
            RegisterField("requantizer", 36, 4, "error REQUANTIZER", reset=0),
        ),
    ),
    Register(
        "inject",
        0x0C8,
        Access.WRITE,
        "one bit is flipped at the next opportunity, so that its detection can be seen",
        (RegisterField("point", 0, 5, "an Injection"),),
    ),
    Register(
        "layer_cycles",
        0x400,
        Access.READ,
        "64 words: cycles of command k (modulo 64), fetch to commit",
        (RegisterField("count", 0, 32, "cycles"),),
        words=64,
    ),
)
"""The registers by address."""

MEMORIES = (
    Memory(
        "command",
        0x080000,
        "Commands of eight 64-bit words.",
        rows_size="command_rows",
        item_bytes=8,
    ),
    Memory(
        "parameter",
        0x100000,
        "Bias (int32) and scale (float32) of a channel, one pair a lane.",
        rows_size="parameter_rows",
        item_bytes=8,
        items_size="lanes",
    ),
    Memory(
        "weight",
        0x200000,
        "Weights (int8): a row is one row of a tile, one byte a column of the array.",
        rows_size="weight_words",
        item_bytes=1,
        items_size="columns",
    ),
    Memory(
        "activation",
        0x300000,
        "Activations (int8): a row is one pixel's group of channels, one byte a row of the array.",
        rows_size="activation_words",
        item_bytes=1,
        items_size="rows",
    ),
)
"""The memories by address."""
