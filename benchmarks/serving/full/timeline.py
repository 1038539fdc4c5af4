"""When each stage of some steps ran, as the trace that `regard afd report` reads."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.serving.full.machine import Clock, Queue
from benchmarks.serving.full.step import FullStep
from regard.serving.afd.trace import NO_LAYER, Span, Stage


class Key(NamedTuple):
    """One mark of a step."""

    device: str
    """The worker whose clock it is: `attention0`, `ffn2`."""
    name: str
    """As in `Watcher`."""
    layer: int
    """Its position."""
    microbatch: int
    """Its number."""
    peer: int
    """Of a transfer, who receives it."""


class Timeline:
    """Marks all stages of a step of its own: the steps that are timed carry none."""

    def __init__(self, step: FullStep) -> None:
        """Prepares and captures the marked step; one step was run before."""
        self._step = step
        self._workers = {}
        for kind, sides in (("attention", step.attention), ("ffn", step.ffn)):
            for each in sides:
                self._workers[f"{kind}{each.side.index}"] = each.side.device
        config = step.config
        most = max(config.num_attention, config.num_ffn) + 4
        slots = (config.num_layers + 1) * config.num_microbatches * most
        self._clocks: dict[str, Clock] = {
            worker: step.machine.clock(device, slots) for worker, device in self._workers.items()
        }
        self._owners = self._owners_of_queues()
        # The clocks are empty before any queue writes to them.
        step.machine.synchronize()
        self._slots: dict[Key, int] = {}
        self._taken = dict.fromkeys(self._workers, 0)
        step.upload()
        step.issue(self._watch)
        step.machine.synchronize()
        self._replay = step.machine.captured(step.main[0], lambda: step.issue(self._watch))

    def _owners_of_queues(self) -> dict[int, str]:
        step, owners = self._step, {}
        for index, queue in enumerate(step.main):
            for each in (queue, *step.queues_out[index]):
                owners[id(each)] = f"attention{index}"
        for index, queue in enumerate(step.queues_ffn):
            for each in (queue, step.queues_intake[index], *step.queues_back[index]):
                owners[id(each)] = f"ffn{index}"
        return owners

    def _watch(self, queue: Queue, name: str, layer: int, microbatch: int, peer: int = 0) -> None:
        worker = self._owners[id(queue)]
        key = Key(worker, name, layer, microbatch, peer)
        if key not in self._slots:
            self._slots[key] = self._taken[worker]
            self._taken[worker] += 1
        self._clocks[worker].mark(queue, self._slots[key])

    def record(self, num_steps: int) -> list[Span]:
        """Runs so many steps with marks."""
        spans = []
        for number in range(num_steps):
            self._step.upload()
            self._replay()
            self._step.machine.synchronize()
            times = {worker: clock.nanoseconds() for worker, clock in self._clocks.items()}
            marks = {key: times[key.device][slot] for key, slot in self._slots.items()}
            spans += self._spans(marks, number)
        return spans

    def _spans(self, marks: dict[Key, int], number: int) -> list[Span]:
        config = self._step.config
        spans = []
        for index in range(config.num_attention):
            spans += self._attention_spans(marks, f"attention{index}", number)
        for index in range(config.num_ffn):
            spans += self._ffn_spans(marks, f"ffn{index}", number)
        for key, time in marks.items():
            if key.name in ("out", "back"):
                receiver = ("ffn" if key.name == "out" else "attention") + str(key.peer)
                place = (number, key.layer, key.microbatch, config.batch, time, time)
                spans.append(Span(receiver, "receive", *place, key.device))
        return spans

    def _attention_spans(self, marks: dict[Key, int], worker: str, step: int) -> list[Span]:
        config, spans = self._step.config, []
        free: int | None = None
        for layer in range(config.num_layers + 1):
            for microbatch in range(config.num_microbatches):
                stage: Stage = "other" if layer == config.num_layers else "attention"
                name = "head" if stage == "other" else "attention"
                begin = marks[Key(worker, f"{name}+", layer, microbatch, 0)]
                end = marks[Key(worker, f"{name}-", layer, microbatch, 0)]
                rows = config.batch
                if layer and free is not None:
                    since = min(free, begin)
                    spans.append(Span(worker, "wait", step, layer - 1, microbatch, rows, since,
                                      begin))  # fmt: skip
                shown = NO_LAYER if stage == "other" else layer
                spans.append(Span(worker, stage, step, shown, microbatch, rows, begin, end))
                if stage == "attention":
                    for peer in range(config.num_ffn):
                        spans.append(Span(worker, "send", step, layer, microbatch, rows, end, end,
                                          f"ffn{peer}"))  # fmt: skip
                free = end
        return spans

    def _ffn_spans(self, marks: dict[Key, int], worker: str, step: int) -> list[Span]:
        config, spans = self._step.config, []
        for layer in range(config.num_layers):
            for microbatch in range(config.num_microbatches):
                begin = marks[Key(worker, "ffn+", layer, microbatch, 0)]
                end = marks[Key(worker, "ffn-", layer, microbatch, 0)]
                place = (step, layer, microbatch, config.batch)
                for peer in range(config.num_attention):
                    name = f"attention{peer}"
                    spans.append(Span(worker, "feed_forward", *place, begin, end, name))
                    spans.append(Span(worker, "send", *place, end, end, name))
        return spans


def stage_medians(spans: Sequence[Span]) -> dict[str, float]:
    """Median microseconds of each stage, and of transfers either way."""
    found: dict[str, list[float]] = {}
    sent = {
        (each.worker, each.peer, *each[2:5]): each.end_ns for each in spans if each.stage == "send"
    }
    for each in spans:
        if each.stage in ("attention", "feed_forward", "wait", "other"):
            found.setdefault(each.stage, []).append(each.duration_ns / 1e3)
        elif each.stage == "receive":
            way = "out" if each.worker.startswith("ffn") else "back"
            begin = sent[each.peer, each.worker, *each[2:5]]
            found.setdefault(way, []).append((each.end_ns - begin) / 1e3)
    return {name: sorted(times)[len(times) // 2] for name, times in sorted(found.items())}
