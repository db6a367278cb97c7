"""Draw the pictures of the guide from real data: ``python docs/pictures.py`` (needs crmintel[data,plot])."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.dates import ConciseDateFormatter
from sklearn.calibration import CalibrationDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

import crmintel as ci
from crmintel.plots.alive import AliveHistoryDisplay
from crmintel.plots.bridge import RevenueBridgeDisplay
from crmintel.plots.cohorts import CohortDisplay
from crmintel.plots.counts import PurchaseCountDisplay
from crmintel.plots.holdout import CalibrationHoldoutDisplay
from crmintel.plots.isovalue import IsoValueDisplay
from crmintel.plots.lorenz import LorenzDisplay
from crmintel.plots.migration import MigrationMatrixDisplay
from crmintel.plots.profile import SegmentProfileDisplay
from crmintel.plots.profit import ProfitCurveDisplay
from crmintel.plots.reasons import ReasonsDisplay
from crmintel.plots.recency import FrequencyRecencyDisplay
from crmintel.plots.rfm import RFMHeatmapDisplay
from crmintel.plots.rule_graph import RuleGraphDisplay
from crmintel.plots.rule_matrix import RuleMatrixDisplay
from crmintel.plots.rules import RuleScatterDisplay
from crmintel.plots.sankey import MigrationSankeyDisplay
from crmintel.plots.satisfaction import SatisfactionDisplay
from crmintel.plots.selection import ClusterSelectionDisplay
from crmintel.plots.silhouette import SilhouetteDisplay
from crmintel.plots.survival import SurvivalDisplay
from crmintel.plots.tracking import TrackingDisplay
from crmintel.plots.treemap import SegmentTreemapDisplay

FOLDER = Path(__file__).parent / "_static"
BLUE, RED, GREY = "#1f6f8b", "#c8553d", "#9aa0a6"
plt.rcParams.update(
    {
        "svg.hashsalt": "crmintel",
        "font.size": 9,
        "figure.figsize": (6.4, 3.8),
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)


def save(name: str) -> None:
    if plt.gcf().get_layout_engine() is None:  # the figure of a display has one
        plt.tight_layout()
    plt.savefig(FOLDER / f"{name}.svg", metadata={"Date": None}, dpi=140, bbox_inches="tight")
    plt.close("all")


def complete_journey() -> ci.TransactionLog:
    lines = ci.datasets.load_complete_journey()
    products = ci.datasets.load_complete_journey("products")[["product_id", "product_type"]]
    return ci.TransactionLog.from_frame(
        lines.merge(products, on="product_id", how="left"),
        customer="household_id",
        time="transaction_timestamp",
        amount="sales_value",
        item="product_type",
        basket="basket_id",
    )


def histories(log: ci.TransactionLog) -> None:
    """A log is one history per customer; a split cuts every one of them at the same day."""
    _, axes = plt.subplots()
    for row in range(12):
        days = log[row].to_frame()["time"].to_numpy().astype("datetime64[D]")
        axes.plot(days, np.full(days.size, row), "o", color=BLUE, markersize=3)
        axes.hlines(row, days.min(), log.end, color=GREY, linewidth=0.6)
    axes.axvline(np.datetime64("1997-09-30"), color=RED)
    axes.annotate(" split", (np.datetime64("1997-09-30"), 11.6), color=RED)
    axes.set(
        xlabel="",
        ylabel="customer",
        yticks=range(0, 12, 3),
        title="Twelve customers of CDNOW, one point a purchase",
    )
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
    save("histories")


def lorenz(log: ci.TransactionLog) -> None:
    LorenzDisplay.from_money(log.spend()).plot()
    plt.title("Complete Journey: a fifth of the households makes 55 % of sales")
    save("lorenz")


def golden(log: ci.TransactionLog) -> None:
    scorer = ci.RFMScorer().fit(log)
    RFMHeatmapDisplay.from_estimator(scorer, log).plot()
    plt.title("Complete Journey: spend of a household by its scores")
    save("rfm")
    SegmentTreemapDisplay.from_labels(scorer.predict(log), log.spend()).plot()
    plt.title("Complete Journey: area is households, colour is money")
    save("treemap")
    rng = np.random.default_rng(0)
    answer = rng.integers(1, 6, 2000)
    stayed = rng.random(2000) < np.array([0.10, 0.12, 0.15, 0.30, 0.85])[answer - 1]
    SatisfactionDisplay.from_estimator(ci.SatisfactionLoyalty(random_state=0).fit(answer, stayed)).plot()
    plt.title("Simulated survey: satisfied is not yet loyal")
    save("satisfaction")


def clusters(log: ci.TransactionLog) -> None:
    rows = {"days since last": log.time_since_last(), "purchases": log.purchases(), "spend": log.spend()}
    X = StandardScaler().fit_transform(np.log1p(np.column_stack(list(rows.values()))))
    selection = ci.ClusterSelection(k=range(2, 7), random_state=0).fit(X)
    ClusterSelectionDisplay.from_estimator(selection).plot()
    plt.title("Complete Journey: how many segments?")
    save("selection")
    falling = np.argsort([-np.median(rows["spend"][selection.labels_ == c]) for c in range(3)])
    names = np.empty(3, dtype="<U10")
    names[falling] = ["regulars", "occasional", "strayed"]
    segment = names[selection.labels_]
    SilhouetteDisplay.from_silhouette(ci.silhouette(X, segment)).plot()
    plt.title("Complete Journey: three segments")
    save("silhouette")
    SegmentProfileDisplay.from_estimator(ci.SegmentProfile().fit(rows, segment)).plot()
    plt.title("Complete Journey: three segments")
    save("profile")


def migration(log: ci.TransactionLog) -> None:
    RevenueBridgeDisplay.from_bridge(ci.revenue_bridge(log, unit="quarter")).plot()
    plt.title("Complete Journey: from the third quarter of 2017 to the fourth")
    save("bridge")
    _, axes = plt.subplots(figsize=(8.0, 4.4), layout="constrained")
    CohortDisplay.from_table(ci.cohort_table(log)).plot(axes)
    plt.title("Complete Journey: who is there again")
    save("cohorts")
    moves = ci.segment_history(log).migration()
    MigrationMatrixDisplay.from_estimator(moves).plot()
    plt.title("Complete Journey: where a tier of the third quarter is in the fourth")
    save("migration")
    MigrationSankeyDisplay.from_estimator(moves, of="money").plot()
    plt.title("Complete Journey: money by tier, third and fourth quarter")
    save("sankey")


def lifetime(log: ci.TransactionLog) -> None:
    past, future = log.split("1997-09-30")
    rows = ci.CustomerSummary(unit="week").fit_transform(past)
    kinds = (ci.BetaGeoNBD, ci.ModifiedBetaGeoNBD, ci.ParetoNBD, ci.NBD)
    models = {kind.__name__: kind(horizon=39).fit(rows) for kind in kinds}
    expected = {name: model.predict(rows) for name, model in models.items()}
    CalibrationHoldoutDisplay.from_predictions(
        rows[:, 0], actual=future.purchases(), expected=expected
    ).plot()
    plt.title("CDNOW: purchases in the 39 weeks that the models have not seen")
    save("holdout")
    PurchaseCountDisplay.from_estimator(models, rows).plot()
    plt.title("CDNOW: customers by repeat purchases until September 1997")
    save("counts")
    del models["NBD"]
    tracking = TrackingDisplay.from_estimator(models, log, cutoff="1997-09-30")
    _, (weekly, total) = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
    tracking.plot(weekly)
    tracking.plot(total, cumulative=True)
    plt.suptitle("CDNOW: fitted up to the grey line")
    save("tracking")
    model = models["BetaGeoNBD"]
    AliveHistoryDisplay.from_estimator(model, log, customer=7901).plot()
    save("alive")
    _, axes = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
    for answer, ax in zip(("expected_purchases", "probability_alive"), axes, strict=True):
        FrequencyRecencyDisplay.from_estimator(model, rows, answer=answer, max_frequency=20).plot(ax)
    save("recency")
    value = ci.LifetimeValue(horizon="1Y", discount_rate=0.1, margin=0.3).fit(rows)
    IsoValueDisplay.from_estimator(value, rows, T=39, max_frequency=14).plot()
    plt.title("CDNOW: profit of the next year, in dollars, at 35 dollars a purchase")
    save("isovalue")


def rules(log: ci.TransactionLog) -> None:
    past, future = log.split("2017-10-31")
    baskets = past.baskets()
    pairs = ci.AssociationRules(ci.FrequentItemsets(0.003, max_length=2), min_value=0.05).fit(baskets).rules_
    RuleScatterDisplay.from_rules(pairs).plot(plt.subplots()[1])
    plt.gcf().axes[0].set_title(f"Complete Journey: {len(pairs):,} rules of two products")
    save("rules")
    found = ci.AssociationRules(ci.FrequentItemsets(0.001, max_length=3), min_value=0.2).fit(baskets).rules_
    strong = found.significant(test="productive", correction="bonferroni")
    RuleMatrixDisplay.from_rules(strong, n_groups=12, max_consequents=14).plot()
    save("rules_matrix")
    RuleGraphDisplay.from_rules(strong, n_rules=25).plot()
    save("rules_graph")
    lucky_rules(baskets, future.baskets())


def lucky_rules(baskets: ci.Baskets, later: ci.Baskets) -> None:
    """The strongest rules of a search are weaker on receipts that they were not chosen from."""
    supports, medians = (10, 20, 50, 100, 200, 500), []
    for min_support in supports:
        miner = ci.FrequentItemsets(min_support, max_length=2)
        top = ci.AssociationRules(miner, min_value=0.1).fit(baskets).rules_.sort("lift")[:200]
        again = top.recount(later)
        seen = (again.n_a > 0) & (again.n_b > 0)
        medians.append((np.median(top.lift[seen]), np.median(again.lift[seen])))
    _, axes = plt.subplots()
    then, after = np.transpose(medians)
    axes.loglog(supports, then, "o-", color=RED, label="receipts they were chosen from, January to October")
    axes.loglog(supports, after, "o-", color=BLUE, label="receipts of November and December")
    axes.set(
        xticks=supports,
        xticklabels=supports,
        yticks=(10, 20, 50, 100, 200),
        yticklabels=(10, 20, 50, 100, 200),
    )
    axes.minorticks_off()
    axes.set(xlabel="min_support, receipts", ylabel="median lift")
    axes.set(title="Complete Journey: the 200 rules of highest lift, then and later")
    axes.legend(frameon=False)
    save("lucky_rules")


def recommenders(log: ci.TransactionLog) -> None:
    candidates = {
        "co-purchase": ci.CoPurchaseRecommender(),
        "rules of customers": ci.RuleRecommender(),
        "rules of baskets": ci.RuleRecommender(
            ci.AssociationRules(ci.FrequentItemsets(0.002, max_length=3), min_value=0.1)
        ),
    }
    result = ci.evaluate_recommender(candidates, log, cutoffs="2017-10-31", horizon="8W", random_state=0)
    table = result.to_frame().query("k == 10 and recommender != 'popularity'")
    _, axes = plt.subplots()
    for shift, (metric, colour) in zip(
        (-0.15, 0.0, 0.15), (("hit_rate", GREY), ("recall", RED), ("ndcg", BLUE)), strict=True
    ):
        rows = table[table["metric"] == metric]
        reach = [rows["lift"] - rows["lift_low"], rows["lift_high"] - rows["lift"]]
        axes.errorbar(
            rows["lift"], np.arange(len(rows)) + shift, xerr=reach, fmt="o", color=colour, label=metric
        )
    axes.axvline(1.0, color="black", linewidth=0.6)
    axes.set(
        yticks=range(3),
        yticklabels=list(candidates),
        xlabel="value over that of popularity, with 95 % intervals",
    )
    axes.set(title="Complete Journey: ten offers of new products, the next 8 weeks")
    axes.invert_yaxis()
    axes.legend(frameon=False, loc="lower right")
    save("recommenders")


def season(log: ci.TransactionLog) -> None:
    """Order within a year is that of the seasons, unless the gap is short."""
    fruit = ["PEARS ANJOU", "PEACHES YELLOW FLESH"]
    histories = log.split("2017-10-31")[0].sequences().with_labels(np.array(fruit, dtype=object))
    weeks = np.arange(1, 41)
    found = [
        ci.FrequentSequences(1, max_gap=f"{gap}W", max_length=2).fit(histories).patterns_ for gap in weeks
    ]
    counts = [{pattern.elements: pattern.count for pattern in patterns} for patterns in found]
    _, axes = plt.subplots()
    for first, then, colour in ((*fruit, BLUE), (*fruit[::-1], RED)):
        axes.plot(
            weeks, [count.get(((first,), (then,)), 0) for count in counts], color=colour,
            label=f"{first.lower()}, then {then.lower()}",
        )  # fmt: skip
    axes.set(
        xlabel="max_gap, weeks",
        ylabel="households",
        ylim=(0, None),
        title="Complete Journey: January to October 2017",
    )
    axes.legend(frameon=False)
    save("season")


def churn(log: ci.TransactionLog) -> None:
    past, future = log.split("2017-10-02")
    truth = ci.churn_labels(past, future, "13W")
    model = ci.make_churn_pipeline().fit(*ci.churn_snapshots(past, "13W"))
    risk = model.predict_proba(past)[:, 1]
    CalibrationDisplay.from_predictions(
        truth, risk, n_bins=8, strategy="quantile", color=BLUE, name="churn model"
    )
    plt.xlim(0, 0.35)
    plt.ylim(0, 0.35)
    plt.title("Complete Journey: foretold and true churn, as of 2 October 2017")
    save("churn")


def contract_churn(customers: Any) -> None:
    """Who leaves a telephone company, when, why, and what calling them brings."""
    left, rows = (customers["churn"] == "Yes").to_numpy().astype(int), customers.drop(columns="churn")
    curves = ci.survival_by_segment(customers["tenure"].to_numpy(), left, customers["contract"].to_numpy())
    SurvivalDisplay.from_curves(curves).plot().ax_.set(
        xlabel="months", title="Telephone customers still there, by contract"
    )
    save("survival")
    model = ci.make_churn_pipeline(LogisticRegression(max_iter=1000), calibration="none")
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    chance = cross_val_predict(model, rows, left, cv=folds, method="predict_proba")[:, 1]
    value = (0.3 * 24 * customers["monthly_charges"]).to_numpy()
    expected = chance * (0.3 * (value - 60) - 5) - (1 - chance) * 65
    ProfitCurveDisplay.from_curves(
        {
            name: ci.profit_curve(left, score, value, incentive=60, contact=5, accept=0.3)
            for name, score in (("by expected profit", expected), ("by chance to leave", chance))
        }
    ).plot()
    plt.title("Telephone customers: what calling the top of two lists brings")
    save("profit")
    learn = (np.arange(len(rows)) % 4 == 0) & (customers["tenure"].to_numpy() > 0)
    model.fit(rows[learn], left[learn])
    others = rows[np.arange(len(rows)) % 4 == 1]
    reasons = ci.churn_reasons(model, others, background=rows[learn])
    ReasonsDisplay.from_reasons(reasons, int(np.argmax(reasons.chance))).plot()
    plt.title("Why one telephone customer may leave")
    save("reasons")


def quadrants(log: ci.TransactionLog) -> None:
    rows = ci.CustomerSummary(unit="week", extra=("spend", "spend_last_year")).fit_transform(log)
    values = ci.LifetimeValue(horizon=13).fit(rows).transform(rows)
    groups = ci.ValueQuadrants().fit(values)
    names, (_, current, potential) = groups.predict(values), np.asarray(values).T
    _, axes = plt.subplots()
    for name, colour in zip(
        ("cultivate", "develop", "maintain", "abandon"), (BLUE, "#6a994e", "#e09f3e", GREY), strict=True
    ):
        axes.scatter(
            current[names == name], potential[names == name], s=5, color=colour, label=name, rasterized=True
        )
    axes.axvline(groups.current_edge_, color="black", linewidth=0.6)
    axes.axhline(groups.potential_edge_, color="black", linewidth=0.6)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="current value (last year)",
        ylabel="potential value (next 13 weeks)",
    )
    axes.set(ylim=(1, None), title="Complete Journey: the four quadrants of value")
    axes.legend(frameon=False)
    save("quadrants")


if __name__ == "__main__":
    orders = ci.datasets.load_cdnow()
    cdnow = ci.TransactionLog.from_frame(orders, customer="customer_id", time="date", amount="amount")
    groceries = complete_journey()
    histories(cdnow)
    lifetime(cdnow)
    lorenz(groceries)
    golden(groceries)
    clusters(groceries)
    migration(groceries)
    rules(groceries)
    recommenders(groceries)
    season(groceries)
    churn(groceries)
    contract_churn(ci.datasets.load_telco_churn())
    quadrants(groceries)
