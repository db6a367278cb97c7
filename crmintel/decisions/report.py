"""What an analysis found, on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

import numpy as np

from crmintel.decisions.analysis import CustomerBaseAnalysis
from crmintel.decisions.quadrants import QUADRANTS
from crmintel.decisions.table import DecisionTable
from crmintel.segments.concentration import gini, top_share
from crmintel.segments.history import SegmentHistory
from crmintel.transactions.log import TransactionLog


def describe(
    analysis: CustomerBaseAnalysis, log: TransactionLog, table: DecisionTable, n_rules: int = 5
) -> str:
    """Return a readable summary of an analysis and its decisions.

    Parameters
    ----------
    analysis : CustomerBaseAnalysis
        Fitted on ``log``.
    log : TransactionLog
    table : DecisionTable
        ``analysis.transform(log)``.
    n_rules : int, default=5
        How many of the strongest rules are shown.

    Returns
    -------
    str
    """
    parts = [[repr(log)]]
    if "tier" in table.columns and np.maximum(log.spend(), 0.0).sum() > 0.0:
        parts.append(list(_golden(log, table)))
        parts.append(list(_tiers(log, table)))
    if analysis.tier_history_ is not None and analysis.tier_history_.order is not None:
        parts.append(list(_moves(analysis.tier_history_)))
    if "quadrant" in table.columns:
        parts.append(list(_quadrants(analysis, table)))
    if analysis.rules_:
        parts.append(list(_rules(analysis.rules_, n_rules)))
    parts.append(list(_validation(analysis.validation_)))
    verdict = analysis.validation_.get("value", {}).get("verdict")
    parts.append([f"Note: {note}" for note in analysis.notes_ if note != verdict])
    parts.append(list(_actions(table)))
    return "\n\n".join("\n".join(part) for part in parts if part)


def _golden(log: TransactionLog, table: DecisionTable) -> Iterator[str]:
    money = np.maximum(log.spend(), 0.0)
    vip = table.columns["tier"] == "vip"
    richest = np.argsort(-money, kind="stable")[: min(3, max(1, int(vip.sum())))]
    yield "Golden customers"
    yield (
        f"  the first tier ({int(vip.sum()):,} customers) makes {money[vip].sum() / money.sum():.1%} of sales, "
        f"the top 20 % {top_share(money, 0.2):.1%}; Gini {gini(money):.2f}"
    )
    for i in richest:
        yield f"  customer {log.customers[i]}: spent {money[i]:,.2f}{_outlook(table, int(i))}"


def _outlook(table: DecisionTable, row: int) -> str:
    words = ""
    if "potential_value" in table.columns:
        words += f", worth {table.columns['potential_value'][row]:,.2f} more"
    if "churn_risk" in table.columns:
        words += f", churn risk {table.columns['churn_risk'][row]:.0%}"
    if "offer" in table.columns and table.columns["offer"][row] is not None:
        words += f", next offer {table.columns['offer'][row]}"
    return words


def _tiers(log: TransactionLog, table: DecisionTable) -> Iterator[str]:
    money = log.spend()
    yield "Tiers           customers    share of sales"
    for tier in dict.fromkeys(["vip", "major", "ordinary", "small", *table.columns["tier"].tolist()]):
        mine = table.columns["tier"] == tier
        if mine.any():
            yield f"  {tier:<12} {int(mine.sum()):>10,} {money[mine].sum() / money.sum():>15.1%}"


def _moves(history: SegmentHistory) -> Iterator[str]:
    moves, warning = history.migration(), history.early_warning()
    people, k = moves.people_, len(moves.segments_)
    stayed = np.trace(people[:k, :k])
    rose, fell = np.tril(people[:k, :k], -1).sum(), np.triu(people[:k, :k], 1).sum()
    yield f"Moves between tiers: the {history.unit} from {history.periods[1]} against the one before"
    yield (
        f"  {stayed:,} customers stayed in their tier, {rose:,} rose, {fell:,} fell, {people[:k, k].sum():,} stayed "
        f"away, {people[k].sum():,} came or came back"
    )
    yield (
        f"  sales went from {moves.money_before_.sum():,.0f} to {moves.money_after_.sum():,.0f}; those who fell or "
        f"stayed away had spent {warning.money.sum():,.0f}"
    )
    for fall in list(warning)[:3]:
        now = fall.after or "nothing bought"
        yield f"  customer {fall.customer}: {fall.before} to {now}, spent {fall.money:,.2f} before"


def _quadrants(analysis: CustomerBaseAnalysis, table: DecisionTable) -> Iterator[str]:
    at_stake = table.columns["potential_value"]
    risk = table.columns.get("churn_risk")
    yield (
        f"Quadrants       customers   current value   potential, {analysis.horizon:<6}"
        + ("  of it expected to leave" if risk is not None else "")
    )
    for quadrant in QUADRANTS:
        mine = table.columns["quadrant"] == quadrant
        current = table.columns["current_value"][mine].sum()
        line = f"  {quadrant:<12} {int(mine.sum()):>10,} {current:>15,.0f} {at_stake[mine].sum():>18,.0f}"
        yield line + (f" {(at_stake * risk)[mine].sum():>25,.0f}" if risk is not None else "")


def _rules(rules: Any, n: int) -> Iterator[str]:
    yield f"Bought together ({len(rules):,} rules; the {min(n, len(rules))} of highest lift)"
    top = rules.sort("lift")[:n]
    for rule, confidence, lift in zip(top, top.confidence, top.lift):
        left, right = (" + ".join(map(str, items)) for items in (rule.antecedent, rule.consequent))
        yield f"  {left} => {right}: in {confidence:.0%} of baskets with the first, {lift:.1f} times as often as in all"


def _validation(validation: dict[str, Any]) -> Iterator[str]:
    if "value" in validation:
        value = validation["value"]
        yield (
            f"Held-out test of value: {value['n_customers']:,} customers, the {value['days']} days after "
            f"{value['cutoff']}"
        )
        yield f"{'':<70} {'model':>8}  going on as before"
        for what in ("purchases", "spend"):
            if what in value:
                model, naive = value[what]["model"], value[what]["naive"]
                yield _against(f"{what}, mean absolute error (0 is best)", model["mae"], naive["mae"], ",.2f")
                yield _against(
                    f"{what}, total expected / actual (1 is best)",
                    model["total_ratio"],
                    naive["total_ratio"],
                    ".2f",
                )
        yield from wrap(value["verdict"], 100, initial_indent="  ", subsequent_indent="  ")
    if "churn" in validation:
        churn = validation["churn"]
        model, naive = churn["model"], churn["naive"]
        if "value" in validation:
            yield ""
        yield (
            f"Held-out test of churn: {churn['n_customers']:,} customers as of {churn['as_of']}, of whom "
            f"{churn['churn_rate']:.1%} did not return in {churn['days']:g} days"
        )
        yield f"{'':<70} {'model':>8}  rule of thumb"
        yield _against(
            "ranking, AUC (1 is best; rule: who was away longest)", model["auc"], naive["auc"], ".3f"
        )
        yield _against(
            "probabilities, Brier score (0 is best; rule: all alike)", model["brier"], naive["brier"], ".4f"
        )
        yield _against(
            "leavers among the 10 % riskiest, times the average",
            model["top_decile_lift"],
            naive["top_decile_lift"],
            ".2f",
        )

    if "offers" in validation:
        offers = validation["offers"]
        what = "the offer" if offers["n_offers"] == 1 else f"one of the {offers['n_offers']} offers"
        if len(validation) > 1:
            yield ""
        yield (
            f"Held-out test of offers: {offers['n_customers']:,} customers who bought an item new to them in the "
            f"{offers['days']} days after {offers['cutoff']}"
        )
        yield f"{'':<70} {'model':>8}  rule of thumb"
        yield _against(
            f"of whom bought {what} (rule: what most bought)",
            offers["model"]["hit_rate"],
            offers["naive"]["hit_rate"],
            ".1%",
        )


def _against(what: str, model: float, naive: float, form: str) -> str:
    return f"  {what:<68} {model:>8{form}}  {naive:>8{form}}"


def _actions(table: DecisionTable) -> Iterator[str]:
    names, counts = np.unique(table.columns["action"].astype(str), return_counts=True)
    yield "What to do"
    for name, count in sorted(zip(names.tolist(), counts.tolist()), key=lambda pair: -pair[1]):
        yield f"  {name:<28} {count:>8,} customers"
