"""Which rows of a table belong together: blocks of one state, with its factors as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray

from regard.tradeoffs.analysis.logistic import Floats
from regard.tradeoffs.cells import TEXTS
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.states import STATES

Indices = NDArray[np.intp]
Strings = np.ndarray[Any, np.dtype[np.object_]]


@dataclass(frozen=True, kw_only=True)
class Block:
    """The rows of one state in one scale, addressee and clause."""

    state: str
    scale: str
    addressee: str
    clause: str
    rows: Indices
    """(cells,): places in the table."""
    level: Floats
    """(cells,): intensity as stated."""
    log_gap: Floats
    """(cells,): natural logarithm of the points gap."""
    wording: Indices
    """(cells,): into `wordings`."""
    order: Indices
    """(cells,): into `orders`."""
    context: Indices
    """(cells,): into `contexts`."""
    wordings: tuple[str, ...]
    orders: tuple[str, ...]
    contexts: tuple[str, ...]
    levels: Floats
    """Every level there is, rising."""
    log_gaps: Floats
    """Every gap there is, as its logarithm, rising."""

    @property
    def middle_level(self) -> float:
        """Half way between the lowest level and the highest."""
        return float((self.levels[0] + self.levels[-1]) / 2)

    @property
    def middle_log_gap(self) -> float:
        """Logarithm of the geometric mean of the gaps."""
        return float(self.log_gaps.mean())

    def part(self, chosen: NDArray[np.bool_]) -> Block:
        """The block with these of its cells only, (cells,)."""
        wording, wordings = _recode(self.wording[chosen], self.wordings)
        order, orders = _recode(self.order[chosen], self.orders)
        context, contexts = _recode(self.context[chosen], self.contexts)
        return Block(
            state=self.state,
            scale=self.scale,
            addressee=self.addressee,
            clause=self.clause,
            rows=self.rows[chosen],
            level=self.level[chosen],
            log_gap=self.log_gap[chosen],
            wording=wording,
            order=order,
            context=context,
            wordings=wordings,
            orders=orders,
            contexts=contexts,
            levels=self.levels,
            log_gaps=np.unique(self.log_gap[chosen]),
        )


class Layout:
    """The key columns of a table as arrays; many tables of the same cells share one."""

    def __init__(self, keys: pd.DataFrame) -> None:
        """Takes the columns `cells.KEYS`, one row a cell."""
        self.num_rows = len(keys)
        self._columns: dict[str, Strings] = {
            name: keys[name].to_numpy(dtype=object) for name in TEXTS
        }
        self._level = keys["intensity"].to_numpy(dtype=np.float64)
        self._log_gap = np.log(keys["gap"].to_numpy(dtype=np.float64))
        self._blocks: dict[tuple[str, str, str, str], Block] = {}

    @cached_property
    def states(self) -> dict[str, Indices]:
        """Places of the rows of each state, in the table's order of states."""
        codes, names = pd.factorize(self._columns["state"])
        return {name: np.flatnonzero(codes == code) for code, name in enumerate(names)}

    def rows(self, state: str) -> Indices:
        """Places of all rows of a state, (rows,); none where the table lacks it."""
        return self.states.get(state, np.empty(0, dtype=np.intp))

    def names(self, column: str, rows: Indices) -> Strings:
        """What stands in a column of texts, (rows,)."""
        return self._columns[column][rows]

    def has(self, state: str, *, scale: str = "numeric", addressee: str = "model") -> bool:
        """Whether `block` finds cells."""
        return bool(self._chosen(state, scale, addressee).size)

    def block(
        self, state: str, *, scale: str = "numeric", addressee: str = "model", clause: str = ""
    ) -> Block:
        """The cells of a state; the clause of the main block where none is given.

        Raises:
            TradeoffsError: There are none.
        """
        name = (state, scale, addressee, clause)
        if name not in self._blocks:
            self._blocks[name] = self._find(state, scale, addressee, clause)
        return self._blocks[name]

    @cached_property
    def baseline_groups(self) -> tuple[tuple[str, str, Indices], ...]:
        """Rows without a state by order and by set of labels, the set in either direction."""
        groups: dict[tuple[str, str], list[int]] = {}
        for row in self._chosen("none", "none", "model"):
            labels = "/".join(sorted(self._columns["labels"][row].split("/")))
            groups.setdefault((self._columns["order"][row], labels), []).append(row)
        return tuple((*name, np.asarray(rows, dtype=np.intp)) for name, rows in groups.items())

    def _chosen(self, state: str, scale: str, addressee: str) -> Indices:
        rows = self.rows(state)
        chosen = self.names("addressee", rows) == addressee
        if state != "none":
            chosen = chosen & (self.names("scale", rows) == scale)
        result: Indices = rows[chosen.astype(bool)]
        return result

    def _find(self, state: str, scale: str, addressee: str, clause: str) -> Block:
        rows = self._chosen(state, scale, addressee)
        clause = clause or _main_clause(state, self.names("clause", rows))
        rows = rows[(self.names("clause", rows) == clause).astype(bool)]
        if not rows.size:
            raise TradeoffsError(
                f"no cells of state {state!r} on the scale {scale!r} for {addressee!r}"
            )
        wording, wordings = pd.factorize(self.names("wording", rows), sort=True)
        order, orders = pd.factorize(self.names("order", rows), sort=True)
        context, contexts = pd.factorize(self.names("context", rows), sort=True)
        return Block(
            state=state,
            scale=scale,
            addressee=addressee,
            clause=clause,
            rows=rows,
            level=self._level[rows],
            log_gap=self._log_gap[rows],
            wording=wording,
            order=order,
            context=context,
            wordings=tuple(wordings),
            orders=tuple(orders),
            contexts=tuple(contexts),
            levels=np.unique(self._level[rows]),
            log_gaps=np.unique(self._log_gap[rows]),
        )


def _main_clause(state: str, clauses: Strings) -> str:
    """Where the main block hangs the sentence, or where most cells of a foreign table do."""
    usual = STATES[state].clause if state in STATES else ""
    counts = pd.Series(clauses).value_counts()
    return usual if usual in counts.index or counts.empty else str(counts.index[0])


def _recode(codes: Indices, names: tuple[str, ...]) -> tuple[Indices, tuple[str, ...]]:
    kept, recoded = np.unique(codes, return_inverse=True)
    return recoded.astype(np.intp), tuple(names[each] for each in kept)
