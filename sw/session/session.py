"""Running a compiled model: the host's steps through onnxruntime, the chip's through a driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vanallen.rtl.registers import Injection
from vanallen.sw.compiler import ChipStep, ChipTensor, HostStep, InputError, Program
from vanallen.sw.compiler.onnxruntime_session import open_session, run_session
from vanallen.sw.driver import JOB_CYCLES, Driver

from .check import GoldenCheck
from .inputs import bind_inputs

__all__ = ["Session"]

Arrays = dict[str, npt.NDArray[Any]]
TensorWords = list[tuple[ChipTensor[Any], npt.NDArray[np.int8]]]


class Session:
    """A program on a chip. Weights, parameters and commands are loaded once, here, and again by :meth:`load`.

    Outputs are read after a job has ended well, and returned after all have: of a run that raises there are none.

    Parameters
    ----------
    program : Program
        What runs.
    driver : Driver
        Of a chip of the program's configuration.
    check : bool
        Run each inference command by command first and compare each layer's output with the golden model's.
    cycle_limit : int
        Cycles after which a job is given up.

    Attributes
    ----------
    checker : GoldenCheck, optional
        The comparison, where ``check`` is set.
    cycles : dict[int, int]
        By command: cycles of one inference, the samples of a batch taken together; empty if the target counts none.
    job_cycles : int
        Cycles of the jobs of the last inference, from start to end: with what the chip had to do again.
    inferences : int
        Inferences run so far.
    health, last_health : Health
        What the protection did since the session began, and in the last run.

    Raises
    ------
    InputError
        If the driver's chip has another configuration.
    """

    def __init__(self, program: Program, driver: Driver, *, check: bool = False, cycle_limit: int = JOB_CYCLES) -> None:
        if driver.config != program.config:
            raise InputError(f"the program is for {program.config.name}, not for {driver.config.name}: compile again")
        self.program = program
        self.driver = driver
        self.cycle_limit = cycle_limit
        self.checker = GoldenCheck(program) if check else None
        self.cycles: dict[int, int] = {}
        self.job_cycles = self.inferences = 0
        driver.clear_health()
        self.load()
        self.health = self.last_health = driver.health()
        self._hosts = [
            open_session(step.model, int8=program.int8) if isinstance(step, HostStep) else None
            for step in program.steps
        ]

    def load(self) -> None:
        """Loads weights, parameters and commands: the way out where a word of them can't be corrected any more."""
        self.driver.load_weights(0, self.program.weights)
        self.driver.load_parameters(0, self.program.bias, self.program.scale)
        self.driver.load_commands(0, self.program.commands)

    def run(
        self,
        inputs: Mapping[str, npt.NDArray[Any]],
        progress: Callable[[int, int], None] | None = None,
        *,
        inject: Injection | None = None,
    ) -> Arrays:
        """The model's outputs by name for ``inputs`` by name.

        Where the model leaves its first dimension open, the inputs may hold any number of inferences, which run one
        after another; ``progress(done, all)`` is called after each. The chip flips a bit at ``inject`` when it first
        can.

        Raises
        ------
        InputError
            If a type or shape isn't the model's.
        JobFailed, TransferFailed
            As the driver.
        """
        count = bind_inputs(self.program, inputs)
        self.driver.clear_health()
        if inject is not None:
            self.driver.inject(inject)
        batch = self.program.batch
        results = []
        for index in range(count):
            part = slice(None) if batch is None else slice(index * batch, (index + 1) * batch)
            results.append(self._infer({name: inputs[name][part] for name in self.program.inputs}))
            self.inferences += 1
            if progress is not None:
                progress(index + 1, count)
        self.last_health = self.driver.health()
        self.health += self.last_health
        if batch is None:
            return results[0]
        return {name: np.concatenate([result[name] for result in results]) for name in self.program.outputs}

    def _infer(self, inputs: Arrays) -> Arrays:
        values = {**self.program.constants, **inputs}
        self.cycles, self.job_cycles = {}, 0
        for step, host in zip(self.program.steps, self._hosts, strict=True):
            if isinstance(step, HostStep):
                results = run_session(host, step.outputs, {name: values[name] for name in step.inputs})
                values.update(zip(step.outputs, map(np.asarray, results), strict=True))
            else:
                values.update(self._chip_step(step, values))
        return {name: values[name] for name in self.program.outputs}

    def _chip_step(self, step: ChipStep, values: Arrays) -> Arrays:
        """Runs the step's commands for each of its samples."""
        parts = []
        for sample in range(step.samples):
            part = slice(sample, sample + 1) if step.samples > 1 else slice(None)
            words = [(tensor, tensor.layout.pack(values[tensor.name][part])) for tensor in step.inputs]
            if self.checker is not None:
                self._check_layers(step, words, self.checker)
                self._spoil(step)
            self._load(words)
            self._run(step.first, step.count)
            parts.append({
                tensor.name: tensor.layout.unpack(self.driver.read_activations(tensor.base, tensor.layout.words))
                for tensor in step.outputs
            })  # fmt: skip
        return {name: np.concatenate([part[name] for part in parts]) if len(parts) > 1 else parts[0][name]
                for name in parts[0]}  # fmt: skip

    def _load(self, words: TensorWords) -> None:
        for tensor, tensor_words in words:
            self.driver.load_activations(tensor.base, tensor_words)

    def _spoil(self, step: ChipStep) -> None:
        """Overwrites what checking layer by layer left in the outputs, so that the job has to make them again."""
        for tensor in step.outputs:
            shape = (tensor.layout.words, self.program.config.rows)
            self.driver.load_activations(tensor.base, np.full(shape, 0x55, np.int8))

    def _check_layers(self, step: ChipStep, words: TensorWords, checker: GoldenCheck) -> None:
        """Runs the step command by command and compares what each leaves; the job as a whole comes after."""
        self._load(words)
        for tensor, tensor_words in words:
            checker.load(tensor, tensor_words)
        for layer in (self.program.layers[index] for index in step.layers):
            assert layer.command is not None and layer.output_region is not None
            self.driver.run(layer.command, 1, cycle_limit=self.cycle_limit)
            read = self.driver.read_activations(layer.output_region.base, layer.output_region.words)
            checker.layer(layer, self.inferences, read)

    def _run(self, first: int, count: int) -> None:
        result = self.driver.run(first, count, cycle_limit=self.cycle_limit)
        self.job_cycles += result.job_cycles
        for command, cycles in zip(range(first, first + count), result.cycles, strict=True):
            if cycles:
                self.cycles[command] = self.cycles.get(command, 0) + cycles
