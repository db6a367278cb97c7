"""What is bought together, and what next: frequent itemsets, rules, recommendations."""

from crmintel.patterns import measures as measures
